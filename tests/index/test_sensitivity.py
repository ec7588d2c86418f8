"""Sobol indices against known answers: Ishigami's function, a linear one, and SALib's own estimators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from SALib.analyze import sobol as salib_sobol

from orchestration.index.sensitivity import SobolIndices, base_samples, sobol_indices

A, B = 7.0, 0.1


def ishigami(x: np.ndarray) -> np.ndarray:
    """sin x1 + a sin^2 x2 + b x3^4 sin x1 with each x uniform on (-pi, pi) (Ishigami and Homma 1990)."""
    x = (2 * x - 1) * np.pi
    return np.sin(x[:, 0]) + A * np.sin(x[:, 1]) ** 2 + B * x[:, 2] ** 4 * np.sin(x[:, 0])


def outputs(
    function: Callable[[np.ndarray], np.ndarray], factors: int, samples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b = base_samples(samples, factors, seed=3)
    mixed = []
    for factor in range(factors):
        ab = a.copy()
        ab[:, factor] = b[:, factor]
        mixed.append(function(ab)[:, None])
    return function(a)[:, None], function(b)[:, None], np.stack(mixed)


def test_ishigami() -> None:
    variance = A**2 / 8 + B * np.pi**4 / 5 + B**2 * np.pi**8 / 18 + 0.5
    v1, v2, v13 = 0.5 * (1 + B * np.pi**4 / 5) ** 2, A**2 / 8, B**2 * np.pi**8 * (1 / 18 - 1 / 50)
    found = sobol_indices(*outputs(ishigami, 3, 8192))
    np.testing.assert_allclose(found.first[:, 0], np.array([v1, v2, 0]) / variance, atol=0.01)
    np.testing.assert_allclose(found.total[:, 0], np.array([v1 + v13, v2, v13]) / variance, atol=0.01)


def test_a_linear_function_has_no_interactions() -> None:
    weights = np.array([1.0, 2.0, 3.0, 0.0])
    found = sobol_indices(*outputs(lambda x: 100 + x @ weights, 4, 4096))
    np.testing.assert_allclose(found.first[:, 0], weights**2 / (weights**2).sum(), atol=0.01)
    np.testing.assert_allclose(found.total[:, 0], weights**2 / (weights**2).sum(), atol=0.01)


def test_the_estimators_are_salibs() -> None:
    a, b, ab = outputs(ishigami, 3, 256)
    ours = sobol_indices(a, b, ab)
    interleaved = np.column_stack([a[:, 0], *[ab[f][:, 0] for f in range(3)], b[:, 0]]).ravel()
    problem = {"num_vars": 3, "names": ["x1", "x2", "x3"], "bounds": [[0, 1]] * 3}
    theirs = salib_sobol.analyze(problem, interleaved, calc_second_order=False, num_resamples=2, seed=1)
    np.testing.assert_allclose(ours.first[:, 0], theirs["S1"], rtol=1e-9)
    np.testing.assert_allclose(ours.total[:, 0], theirs["ST"], rtol=1e-9)


def test_bootstrap_intervals_narrow_and_hold_the_truth() -> None:
    def width(found: SobolIndices) -> float:
        return float((found.total_high - found.total_low).mean())

    truth = A**2 / 8 / (A**2 / 8 + B * np.pi**4 / 5 + B**2 * np.pi**8 / 18 + 0.5)
    few, many = (sobol_indices(*outputs(ishigami, 3, n), resamples=300, seed=1) for n in (256, 4096))
    assert width(many) < width(few) / 2
    assert few.total_low[1, 0] < truth < few.total_high[1, 0]
    again = sobol_indices(*outputs(ishigami, 3, 256), resamples=300, seed=1)
    np.testing.assert_array_equal(few.total_low, again.total_low)


def test_many_outputs_are_each_by_itself() -> None:
    a, b, ab = outputs(ishigami, 3, 256)
    other = [np.concatenate([x, 5 - 2 * x, np.ones_like(x)], axis=-1) for x in (a, b, ab)]
    together, alone = sobol_indices(*other), sobol_indices(a, b, ab)
    np.testing.assert_allclose(together.total[:, 0], alone.total[:, 0])
    np.testing.assert_allclose(together.total[:, 1], alone.total[:, 0])
    assert np.isnan(together.first[:, 2]).all()  # an output that never changes is explained by nothing


def test_a_sequence_that_is_not_balanced_is_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        base_samples(100, 3, seed=1)
