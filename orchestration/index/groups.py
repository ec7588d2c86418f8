"""Groups of units that a ranking can tell apart.

What belongs here: the exact cut of an order into groups, given how likely each pair is to be the other way round. What does not: where the
probabilities come from. The loss is that of Kline, Rose and Walters (2024, A discrimination report card, American Economic Review 114);
groups here are runs of the published order, so that a group never contradicts a rank.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def misordered_share(wrong: Floats, group: Ints) -> float:
    """Of the pairs that stand in different groups, the share that stands in the wrong order; 0 where all are in one group.

    `wrong` (p, p) in the published order: whether, or how likely, the column truly stands above the row; `group` (p,) rises with it.
    """
    apart = group[:, None] < group
    return float(wrong[apart].mean()) if apart.any() else 0.0


STEPS = 6
"""Halvings of the search for the finest cut: its limit is found to within one per cent."""


def finest_cut(wrong: Floats, share: float) -> Ints:
    """(p,) the cut with the most pairs told apart, among those of `cut`, of which at most `share` are expected in the wrong order."""
    everybody: Ints = np.arange(len(wrong))
    if misordered_share(wrong, everybody) <= share:
        return everybody
    # a higher limit tells more pairs apart and gets more of them wrong; at the share itself the cut keeps it
    low, high, best = share, 0.5, cut(wrong, share)
    for _ in range(STEPS):
        middle = (low + high) / 2
        found = cut(wrong, middle)
        if misordered_share(wrong, found) <= share:
            low, best = middle, found
        else:
            high = middle
    return best


def cut(wrong: Floats, limit: float) -> Ints:
    """(p,) 0-based group of each unit: the cut whose pairs told apart are worth most, each limit - wrong.

    `wrong` (p, p) in the published order: how likely the column truly stands above the row. A pair told apart is worth having only if it is
    wrong less often than `limit`, so that of all pairs told apart at most `limit` are expected in the wrong order; a lower limit gives fewer
    groups. (The most groups under that share would be single units at both ends and one group of everybody else.) Exact: the shortest
    path through the places between units, each step a group, solved by HiGHS. Its constraints are totally unimodular, so that the linear
    programme has a whole solution. ValueError unless 0 < limit < 1, and if HiGHS finds none.
    """
    if not 0 < limit < 1:
        raise ValueError(f"{limit} is no limit for a share of pairs: it must lie between 0 and 1")
    p = len(wrong)
    worth = np.where(np.triu(np.ones((p, p), dtype=bool), 1), limit - wrong, 0.0)
    cumulated = np.zeros((p + 1, p + 1))
    cumulated[1:, 1:] = worth.cumsum(axis=0).cumsum(axis=1)
    start, end = np.triu_indices(p + 1, 1)
    # what is lost by leaving the pairs of [start, end) together
    lost = cumulated[end, end] - cumulated[start, end] - cumulated[end, start] + cumulated[start, start]
    steps = np.arange(len(start))
    ones = np.ones(len(start))
    flow = sparse.csc_array((np.r_[ones, -ones], (np.r_[start, end], np.r_[steps, steps])), shape=(p + 1, len(start)))
    net = np.zeros(p + 1)
    net[0], net[p] = 1, -1
    found = milp(lost, constraints=[LinearConstraint(flow, net, net)], bounds=Bounds(0, 1))
    if not found.success:
        raise ValueError(f"no groups were found: {found.message}")
    taken = np.flatnonzero(found.x > 0.5)
    return np.asarray(np.repeat(np.arange(len(taken)), (end - start)[taken]))
