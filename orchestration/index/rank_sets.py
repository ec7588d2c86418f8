"""Confidence sets for ranks that promise something about every rank at once, or about one, without a prior.

What belongs here: sets from estimates, their errors and draws of those errors (Mogstad, Romano, Shaikh and Wilhelm 2024, Inference for
ranks, Review of Economic Studies; Klein, Wright and Wieczorek 2020, A joint confidence region for an overall ranking of populations, JRSS C
69). What does not: intervals that a prior helps (`intervals.py`).

Rank 1 is the largest estimate. p units, R draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CHUNK = 64
"""Draws at a time: p × p differences of each are held."""


@dataclass(frozen=True)
class RankSet:
    """The better and the worse end of each unit's set of ranks, (p,) each."""

    best: Ints
    worst: Ints

    def could_be_among(self, top: int) -> NDArray[np.bool_]:
        """(p,): the units that the set does not exclude from the first `top`: with the confidence of the set, it holds all of them."""
        return self.best <= top


def _scale(errors: Floats) -> Floats:
    """(p, p) standard errors of differences of independent estimates; infinite on the diagonal, so that a unit never beats itself."""
    scale = np.hypot(errors[:, None], errors)
    np.fill_diagonal(scale, np.inf)
    return scale


def _ends(beaten: NDArray[np.bool_]) -> RankSet:
    """From (p, p) `beaten`, row found above column: 1 + those above, and p - those below."""
    return RankSet(1 + beaten.sum(axis=0), len(beaten) - beaten.sum(axis=1))


def simultaneous_sets(estimates: Floats, errors: Floats, draws: NDArray[np.floating], level: float = 0.90) -> RankSet:
    """Sets that hold for all units at once with probability `level`, stepping down.

    estimates, errors: (p,). draws: (R, p) of the errors around zero, dependence between units and all. Each ordered pair is the hypothesis
    that the first does not stand above the second; it is given up where the studentised difference exceeds the `level` quantile, over
    draws, of the largest one among the pairs not given up; then again with those that are left.
    """
    scale = _scale(errors).astype(np.float32)
    found = (estimates[:, None] - estimates) / scale
    p = len(estimates)
    # one critical value for the pairs still open: for each draw the largest over a set that only shrinks
    differences = np.empty((len(draws), p * p), dtype=np.float32)
    drawn = draws.astype(np.float32)
    inverse = (1 / scale).astype(np.float32)
    for start in range(0, len(draws), CHUNK):
        some = drawn[start : start + CHUNK]
        differences[start : start + CHUNK] = ((some[:, :, None] - some[:, None, :]) * inverse).reshape(len(some), -1)
    beaten = np.zeros(p * p, dtype=bool)
    statistic = found.reshape(-1)
    while True:
        critical = np.quantile(differences[:, ~beaten].max(axis=1) if beaten.any() else differences.max(axis=1), level)
        now = statistic > critical
        if not (now & ~beaten).any():
            return _ends(beaten.reshape(p, p))
        beaten |= now


def marginal_sets(estimates: Floats, errors: Floats, draws: NDArray[np.floating], level: float = 0.90) -> RankSet:
    """The same for each unit by itself: its comparisons with all others hold together with probability `level`, stepping down."""
    scale = _scale(errors)
    found = (estimates[:, None] - estimates) / scale
    p = len(estimates)
    drawn = draws.astype(np.float32)
    best, worst = np.empty(p, dtype=np.int64), np.empty(p, dtype=np.int64)
    for unit in range(p):
        gaps = (drawn[:, unit, None] - drawn) / scale[unit].astype(np.float32)
        both = np.concatenate([gaps, -gaps], axis=1)
        statistic = np.concatenate([found[unit], -found[unit]])
        given_up = np.zeros(2 * p, dtype=bool)
        while True:
            critical = np.quantile((both[:, ~given_up] if given_up.any() else both).max(axis=1), level)
            now = statistic > critical
            if not (now & ~given_up).any():
                break
            given_up |= now
        best[unit], worst[unit] = 1 + given_up[p:].sum(), p - given_up[:p].sum()
    return RankSet(best, worst)


def joint_region(estimates: Floats, errors: Floats, level: float = 0.90, *, bonferroni: bool = False) -> RankSet:
    """Klein, Wright and Wieczorek: intervals of the estimates that hold together; a unit is above those whose interval lies below its own.

    Independent estimates by default: each interval at level^(1/p). `bonferroni` for any dependence: 1 - (1 - level)/p.
    """
    p = len(estimates)
    each = 1 - (1 - level) / p if bonferroni else level ** (1 / p)
    half = norm.ppf((1 + each) / 2) * errors
    return region_of(estimates - half, estimates + half)


def region_of(low: Floats, high: Floats) -> RankSet:
    """The region from intervals that hold together, (p,) ends each; intervals that only touch are told apart, as the paper has it."""
    above = low[:, None] >= high
    np.fill_diagonal(above, False)
    return _ends(above)
