"""Tame outliers before scaling: winsorise point by point until skewness and kurtosis are acceptable, else take logs.

The rule of the OECD/JRC handbook as COINr applies it. The index of councils winsorises at fixed quantiles instead
(`normalise.winsorise`); this is for indices whose indicators differ more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kurtosis, skew

Floats = NDArray[np.float64]
MAX_SKEWNESS = 2.0
MAX_KURTOSIS = 3.5
LOG_OFFSET = 0.01


def is_acceptable(values: Floats) -> bool:
    """Whether |skewness| < 2 or excess kurtosis < 3.5, both in their adjusted (Fisher-Pearson) form; missing values left out."""
    there = values[~np.isnan(values)]
    return bool(abs(skew(there, bias=False)) < MAX_SKEWNESS or kurtosis(there, bias=False) < MAX_KURTOSIS)


def treat(values: Floats, max_points: int) -> Floats:
    """(indicators, units) -> the same shape, each indicator treated by itself; missing values stay missing.

    Up to `max_points` times the farthest point on the skewed side is pulled to the next; if that does not do, the untouched
    indicator's log(x - min + 0.01 (max - min)) is taken. ValueError for an indicator with fewer than four values or all the same:
    its skewness has no meaning.
    """
    return np.stack([_treat_one(row, max_points, position) for position, row in enumerate(values)])


def _treat_one(values: Floats, max_points: int, position: int) -> Floats:
    there = values[~np.isnan(values)]
    if len(there) < 4 or there.min() == there.max():
        raise ValueError(f"indicator {position} has fewer than four values, or all are the same: it cannot be treated")
    treated = values.copy()
    for _ in range(max_points):
        if is_acceptable(treated):
            return treated
        farthest, nearer = (np.nanmax, np.less) if skew(treated[~np.isnan(treated)]) > 0 else (np.nanmin, np.greater)
        extreme = farthest(treated)
        with np.errstate(invalid="ignore"):
            treated[treated == extreme] = farthest(treated[nearer(treated, extreme)])
    if is_acceptable(treated):
        return treated
    logged: Floats = np.log(values - there.min() + LOG_OFFSET * (there.max() - there.min()))
    return logged
