"""Index arithmetic on arrays: against COINr's worked example (ASEM, 51 countries, 49 indicators, four levels), and at its edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.index.aggregate import Level, aggregate, aggregate_all
from orchestration.index.monte_carlo import ranks, standardised
from orchestration.index.normalise import distance_to_reference, goalposts, min_max, percentile_rank, rank, winsorise, z_score


@pytest.fixture(scope="module")
def asem(given_data: Path) -> Path:
    folder = given_data.parent / "reference" / "asem"
    if not folder.exists():
        pytest.skip(f"the ASEM reference is not here ({folder})")
    return folder


def oriented(asem: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Treated data turned by Direction, as (indicators, units), and the indicators' metadata in the data's order."""
    meta = pd.read_csv(asem / "asem_imeta.csv")
    treated = pd.read_csv(asem / "step_treated.csv")
    indicators = [c for c in treated.columns if c in set(meta.loc[meta["Level"] == 1, "iCode"])]
    meta = meta.set_index("iCode").loc[indicators]
    return meta, treated[indicators].to_numpy(float).T * meta["Direction"].to_numpy(float)[:, None]


NORMALISED = {
    "norm_minmax1100.csv": lambda x: min_max(x, 1, 100),
    "norm_zscore01.csv": lambda x: z_score(x, 0, 1),
    "norm_zscore10_2.csv": lambda x: z_score(x, 10, 2),
    "norm_prank.csv": lambda x: percentile_rank(x, 0, 1),
    "norm_rank.csv": rank,
    "step_normalised.csv": lambda x: min_max(x, 0, 100),
}


@pytest.mark.parametrize("name", NORMALISED)
def test_normalisation_is_coinrs(asem: Path, name: str) -> None:
    meta, values = oriented(asem)
    expected = pd.read_csv(asem / name)[list(meta.index)].to_numpy(float).T
    np.testing.assert_allclose(NORMALISED[name](values), expected, rtol=1e-9, atol=1e-9)


VARIANTS = {
    "minmax0100_amean": (lambda x: min_max(x, 0, 100), ("arithmetic",) * 3),
    "minmax0100_amean_equalweights": (lambda x: min_max(x, 0, 100), ("arithmetic",) * 3),
    "minmax1100_amean": (lambda x: min_max(x, 1, 100), ("arithmetic",) * 3),
    "minmax1100_gmean": (lambda x: min_max(x, 1, 100), ("geometric",) * 3),
    "minmax1100_hmean": (lambda x: min_max(x, 1, 100), ("harmonic",) * 3),
    "minmax1100_mixed_amean_gmean_hmean": (lambda x: min_max(x, 1, 100), ("arithmetic", "geometric", "harmonic")),
    "prank_amean": (lambda x: percentile_rank(x, 0, 1), ("arithmetic",) * 3),
    "rank_amean": (rank, ("arithmetic",) * 3),
    "zscore10_2_amean": (lambda x: z_score(x, 10, 2), ("arithmetic",) * 3),
    "zscore10_2_gmean": (lambda x: z_score(x, 10, 2), ("geometric",) * 3),
}


def hierarchy(asem: Path, indicators: list[str], means: tuple[str, ...], equal: bool) -> tuple[list[list[str]], list[Level]]:
    """COINr's parents and weights as levels: names of the groups of each level, and the levels."""
    meta = pd.read_csv(asem / "asem_imeta.csv").set_index("iCode")
    weights = pd.read_csv(asem / "weights_original.csv").set_index("iCode")["Weight"]
    children, names, levels = indicators, [], []
    for level, mean in zip((2, 3, 4), means, strict=True):
        groups = list(meta.index[meta["Level"] == level])
        parents = np.array([groups.index(meta.loc[c, "Parent"]) for c in children])
        weight = np.ones(len(children)) if equal else weights[children].to_numpy(float)
        levels.append(Level(parents, weight, mean))
        names.append(groups)
        children = groups
    return names, levels


def test_every_visible_variant_is_listed(asem: Path) -> None:
    assert set(pd.read_csv(asem / "variants_scores.csv")["variant"]) == set(VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_is_coinrs_over_all_four_levels(asem: Path, variant: str) -> None:
    normalise, means = VARIANTS[variant]
    meta, values = oriented(asem)
    names, levels = hierarchy(asem, list(meta.index), means, equal=variant.endswith("equalweights"))
    expected = pd.read_csv(asem / "variants_scores.csv").query("variant == @variant")
    assert list(expected["uCode"]) == list(pd.read_csv(asem / "step_treated.csv")["uCode"])
    found = aggregate_all(normalise(values), levels)
    for groups, scores in zip(names, found, strict=True):
        np.testing.assert_allclose(scores, expected[groups].to_numpy(float).T, rtol=1e-9, atol=1e-9)
    ranks = pd.Series(found[-1][0]).rank(ascending=False, method="min")
    assert ranks.tolist() == expected["Rank"].tolist()


def test_missing_children_are_dropped_and_weights_rescaled() -> None:
    values = np.array([[10.0, 10.0, np.nan], [40.0, np.nan, np.nan], [20.0, 20.0, np.nan]])
    level = Level(np.array([0, 0, 0]), np.array([1.0, 2.0, 1.0]))
    np.testing.assert_allclose(aggregate(values, level)[0], [27.5, 15.0, np.nan])
    np.testing.assert_allclose(aggregate(values, level, min_coverage=0.6)[0], [27.5, np.nan, np.nan])


def test_replications_are_a_leading_axis() -> None:
    rng = np.random.default_rng(1)
    values = rng.uniform(1, 9, (5, 4, 7))
    level = Level(np.array([0, 1, 0, 1]), np.array([1.0, 2.0, 3.0, 4.0]), "geometric")
    together = aggregate(min_max(values, 1, 100), level)
    for one in range(5):
        np.testing.assert_allclose(together[one], aggregate(min_max(values[one], 1, 100), level))


def test_constant_indicators_missing_values_and_ends_of_goalposts() -> None:
    values = np.array([[3.0, 3.0, np.nan]])
    np.testing.assert_array_equal(min_max(values, 1, 100), [[50.5, 50.5, np.nan]])
    np.testing.assert_array_equal(z_score(values, 50, 10), [[50, 50, np.nan]])
    np.testing.assert_array_equal(percentile_rank(values, 0, 1), [[0.5, 0.5, np.nan]])
    np.testing.assert_array_equal(
        goalposts(np.array([[0.0, 5.0, 99.0]]), np.array([2.0]), np.array([8.0]), 0, 100), [[0, 50, 100]]
    )
    np.testing.assert_array_equal(distance_to_reference(np.array([[1.0, 4.0]]), np.array([2.0])), [[0.5, 2.0]])
    np.testing.assert_array_equal(winsorise(np.array([[0.0, 1, 2, 3, 100]]), 0.125, 0.875), [[0.5, 1, 2, 3, 51.5]])


def test_what_cannot_be_computed_is_refused() -> None:
    with pytest.raises(ValueError, match="positive scores"):
        aggregate(np.array([[0.0, 1.0]]), Level(np.array([0]), np.array([1.0]), "geometric"))
    with pytest.raises(ValueError, match="each group must have some"):
        Level(np.array([0, 0]), np.array([0.0, 0.0]))
    with pytest.raises(ValueError, match="not zero"):
        distance_to_reference(np.array([[1.0]]), np.array([0.0]))


def test_the_last_bits_of_a_sum_tell_no_two_councils_apart() -> None:
    assert ranks(np.array([[0.1 + 0.2, 0.3, 0.2]])).tolist() == [[1.0, 1.0, 3.0]]


def test_standardised_ranks_do_not_depend_on_the_origin_or_length_of_the_scale() -> None:
    rng = np.random.default_rng(1)
    outcome, spend, k = rng.uniform(1, 100, (5, 40)), rng.lognormal(0, 0.2, 40), np.full((5, 1), 1.0)
    found = standardised(outcome, spend, k)
    np.testing.assert_allclose(standardised(50 + outcome / 2, spend, k), found)
    outcome[:, 0] = np.nan  # a council without an outcome is compared with nobody
    again = standardised(outcome, spend, k)
    assert np.isnan(again[:, 0]).all()
    np.testing.assert_allclose(np.nanmean(again, axis=1), 100)
