"""Groups: against every possible cut of a short order, and what they promise."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

from orchestration.analysis.rows import group_name
from orchestration.index.groups import cut, finest_cut, misordered_share


def wrong_of(places: np.ndarray, error: float) -> np.ndarray:
    """How likely the column truly stands above the row."""
    ordered = np.sort(places)[::-1]
    return norm.cdf((ordered - ordered[:, None]) / error)


@pytest.mark.parametrize("limit", [0.05, 0.2])
@pytest.mark.parametrize("seed", range(4))
def test_a_cut_is_worth_most_of_all_cuts(seed: int, limit: float) -> None:
    wrong = wrong_of(np.random.default_rng(seed).standard_normal(11), 0.5)

    def worth(group: np.ndarray) -> float:
        return float((limit - wrong)[group[:, None] < group].sum())

    every = (np.concatenate([[0], np.cumsum(cuts)]) for cuts in product((0, 1), repeat=10))
    assert worth(cut(wrong, limit)) == pytest.approx(max(worth(group) for group in every))


def test_at_most_the_share_stands_in_the_wrong_order_and_more_would_not_fit() -> None:
    wrong = wrong_of(np.random.default_rng(9).standard_normal(140), 0.4)
    found = finest_cut(wrong, 0.05)
    assert 0.03 < misordered_share(wrong, found) <= 0.05
    assert misordered_share(wrong, np.arange(140)) > 0.05
    assert (np.diff(found) >= 0).all()
    assert found[-1] >= cut(wrong, 0.05)[-1]


def test_what_is_sure_stands_alone_and_what_is_a_coin_toss_together() -> None:
    assert finest_cut(wrong_of(np.arange(8.0), 1e-3), 0.05).tolist() == list(range(8))
    assert cut(np.full((8, 8), 0.5), 0.05).tolist() == [0] * 8
    assert misordered_share(np.full((3, 3), 0.5), np.zeros(3, dtype=int)) == 0


@pytest.mark.parametrize("limit", [0.0, 1.0, -0.1])
def test_a_limit_that_is_no_share_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        cut(np.full((3, 3), 0.1), limit)


def test_groups_are_named_like_columns_of_a_sheet() -> None:
    assert [group_name(n) for n in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]
