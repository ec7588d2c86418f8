"""Is the index well built: do the measures of a group hang together, which say the same, what weight does each have in the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orchestration.index.aggregate import Floats, Level


def cronbach_alpha(items: Floats) -> float:
    """Cronbach's alpha of (items, units): k/(k-1) (1 - sum of item variances / variance of their sum), units with every item only.

    NaN with fewer than two items or three such units, or when the sum does not vary.
    """
    complete = items[:, ~np.isnan(items).any(axis=0)]
    k, units = complete.shape
    if k < 2 or units < 3:
        return float("nan")
    whole = complete.sum(axis=0).var(ddof=1)
    return float(k / (k - 1) * (1 - complete.var(axis=1, ddof=1).sum() / whole)) if whole > 0 else float("nan")


def correlations(items: Floats) -> Floats:
    """Pearson's correlation of each pair of items, (items, items), over the units that have both; NaN where fewer than three do."""
    count = len(items)
    found = np.full((count, count), np.nan)
    for one in range(count):
        for other in range(count):
            both = ~np.isnan(items[one]) & ~np.isnan(items[other])
            x, y = items[one, both], items[other, both]
            if both.sum() >= 3 and x.min() < x.max() and y.min() < y.max():
                found[one, other] = np.corrcoef(x, y)[0, 1]
    return found


def effective_weights(levels: Sequence[Level]) -> list[Floats]:
    """The weight each child of each level has in the index, lowest level first: its share in its group times the group's own."""
    found: list[Floats] = []
    above: NDArray[np.float64] = np.ones(1)
    for level in reversed(levels):
        shares = level.weights / level.matrix.sum(axis=-1)[level.parents]
        above = shares * above[level.parents]
        found.insert(0, above)
    return found
