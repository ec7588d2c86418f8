"""Calibrated intervals: each piece against what it must be by its own formula, and the whole against known truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from orchestration.index.deconvolution import Prior, as_spread_as_the_truth, fit_prior
from orchestration.index.intervals import EDGE, LEVEL, OUTWARD, assisted_ends, calibrated, ranks_against, tables


def normal_prior(deviation: float) -> Prior:
    grid = np.linspace(-4 * deviation, 4 * deviation, 161)
    density = norm.pdf(grid, scale=deviation)
    return Prior(grid, density / density.sum())


@pytest.mark.parametrize("true", [-2.5, -0.7, 0.0, 1.1, 3.0])
@pytest.mark.parametrize("error", [0.2, 0.6, 1.5])
def test_an_assisted_interval_holds_every_true_value(true: float, error: float) -> None:
    """Whatever the prior says, and whether it is right: nine in ten."""
    estimates = true + error * norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    low, high = assisted_ends(estimates, np.full(20_000, error), 0.0, 1.0)
    assert ((low <= true) & (true <= high)).mean() == pytest.approx(LEVEL, abs=0.004)


def test_an_assisted_interval_is_the_plain_one_where_the_prior_says_nothing() -> None:
    estimates = np.linspace(-1, 1, 5)
    low, high = assisted_ends(estimates, np.full(5, 0.001), 0.0, 1.0)
    np.testing.assert_allclose((high - low) / 2, 0.001 * norm.ppf(0.95), rtol=0.01)


def test_an_assisted_interval_is_shorter_over_its_prior() -> None:
    rng = np.random.default_rng(1)
    estimates = rng.standard_normal(5000) + rng.standard_normal(5000)
    low, high = assisted_ends(estimates, np.ones(5000), 0.0, 1.0)
    assert (high - low).mean() < 2 * norm.ppf(0.95) * 0.97


def test_draws_are_the_posterior() -> None:
    """Under a normal prior the posterior is known: mean x / (1 + s²), variance s² / (1 + s²)."""
    error = np.array([0.3, 0.8])
    made = tables(normal_prior(1.0), error)
    normals = norm.ppf((np.arange(4000) + 0.5) / 4000)[:, None].repeat(2, axis=1).astype(np.float32)
    place = np.array([[0.9, -1.2]], dtype=np.float32)
    draws, own = calibrated(made, place, normals)
    np.testing.assert_allclose(draws.mean(axis=0), place[0] / (1 + error**2), atol=0.02)
    np.testing.assert_allclose(draws.std(axis=0), error / np.sqrt(1 + error**2), rtol=0.02)
    # the unit's own place: its 5 % and 95 % quantiles are the hull of the posterior's and the assisted interval, at the level chosen
    low, high = assisted_ends(place[0].astype(float), error, 0.0, 1.0, made.level)
    centre, half = place[0] / (1 + error**2), norm.ppf((1 + made.level) / 2) * error / np.sqrt(1 + error**2)
    outward = 1 + OUTWARD * np.abs(place[0]) / EDGE
    ends = np.minimum(low, centre - half), np.maximum(high, centre + half)
    middle = (ends[0] + ends[1]) / 2
    width = (ends[1] - ends[0]) / 2
    np.testing.assert_allclose(np.quantile(own, 0.05, axis=0), middle - width * np.where(place[0] < 0, outward, 1), atol=0.03)
    np.testing.assert_allclose(np.quantile(own, 0.95, axis=0), middle + width * np.where(place[0] > 0, outward, 1), atol=0.03)


def test_ranks_against_others_are_counted() -> None:
    rng = np.random.default_rng(4)
    draws, own = rng.standard_normal((2, 60, 31)).astype(np.float32)
    draws[3, 5] = own[3, 5] = np.nan
    of_draws, of_own = ranks_against(draws, own)
    expected = np.nan_to_num(rankdata(-draws, axis=1, nan_policy="omit", method="min"))
    np.testing.assert_array_equal(of_draws, expected)
    for row, unit in ((0, 0), (3, 6), (59, 30), (3, 5)):
        others = np.delete(draws[row], unit)
        assert of_own[row, unit] == (0 if np.isnan(own[row, unit]) else 1 + (others > own[row, unit]).sum())
    # an array in another order of memory is the same array
    np.testing.assert_array_equal(ranks_against(np.asfortranarray(draws), np.asfortranarray(own))[1], of_own)


@pytest.mark.parametrize("shape", ["normal", "skewed", "two humps"])
def test_a_prior_is_told_from_noisy_estimates(shape: str) -> None:
    rng = np.random.default_rng(7)
    true = {
        "normal": rng.standard_normal(3000),
        "skewed": rng.gamma(1.5, 1.0, 3000),
        "two humps": rng.choice([-1.5, 1.5], 3000) + 0.3 * rng.standard_normal(3000),
    }[shape]
    error = np.full(3000, 0.6)
    prior = fit_prior(true + error * rng.standard_normal(3000), error)
    assert prior.mean == pytest.approx(true.mean(), abs=0.08)
    assert prior.deviation == pytest.approx(true.std(), rel=0.08)
    if shape == "two humps":
        below, middle, above = (prior.probability[np.abs(prior.grid - at) < 0.4].sum() for at in (-1.5, 0.0, 1.5))
        assert middle < min(below, above) / 2


def test_a_prior_needs_a_spread() -> None:
    for estimates in (np.ones(20), np.array([1.0, 2.0])):
        with pytest.raises(ValueError, match="no prior can be told"):
            fit_prior(estimates, np.ones(len(estimates)))


def test_a_world_as_spread_as_the_truth() -> None:
    rng = np.random.default_rng(2)
    true = 50 + 10 * rng.standard_normal((2, 4000))
    error = np.array([[3.0], [8.0]]) * np.ones((2, 4000))
    seen = true + error * rng.standard_normal((2, 4000))
    seen[0, 7] = np.nan
    world = as_spread_as_the_truth(seen, error)
    np.testing.assert_allclose(np.nanstd(world, axis=1), 10, rtol=0.05)
    assert np.isnan(world[0, 7])
    constant = np.full((1, 5), 3.0)
    np.testing.assert_array_equal(as_spread_as_the_truth(constant, np.ones((1, 5))), constant)
