"""Put indicators on a common scale, each over its units. Values are expected to be turned so that higher is better."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Method = Literal["min_max", "z_score", "percentile_rank", "rank", "goalposts", "distance_to_reference"]


def min_max(values: Floats, low: float, high: float) -> Floats:
    """low + (high - low)(x - min)/(max - min) over the last axis; the middle of the scale where all units are the same."""
    least, most = np.nanmin(values, axis=-1, keepdims=True), np.nanmax(values, axis=-1, keepdims=True)
    width = most - least
    share: Floats = np.divide(values - least, width, out=np.where(np.isnan(values), np.nan, 0.5), where=width > 0)
    return low + (high - low) * share


def z_score(values: Floats, centre: float, spread: float) -> Floats:
    """centre + spread (x - mean)/s with the sample standard deviation; centre where all units are the same."""
    mean = np.nanmean(values, axis=-1, keepdims=True)
    s = np.nanstd(values, axis=-1, keepdims=True, ddof=1)
    z: Floats = np.divide(values - mean, s, out=np.where(np.isnan(values), np.nan, 0.0), where=s > 0)
    return centre + spread * z


def rank(values: Floats) -> Floats:
    """Position from the lowest, 1 first; ties share the lower position; missing values have none."""
    ordered = np.sort(values, axis=-1)  # NaN last
    flat, flat_ordered = values.reshape(-1, values.shape[-1]), ordered.reshape(-1, values.shape[-1])
    positions = np.empty_like(flat)
    for row in range(len(flat)):
        positions[row] = np.searchsorted(flat_ordered[row], flat[row], side="left") + 1
    return np.where(np.isnan(values), np.nan, positions.reshape(values.shape))


def percentile_rank(values: Floats, low: float, high: float) -> Floats:
    """low + (high - low)(position - 1)/(n - 1), n the units with a value; the middle where all units are the same."""
    counted = np.sum(~np.isnan(values), axis=-1, keepdims=True)
    constant = np.nanmin(values, axis=-1, keepdims=True) == np.nanmax(values, axis=-1, keepdims=True)
    share = np.where(constant & ~np.isnan(values), 0.5, (rank(values) - 1) / np.maximum(counted - 1, 1))
    return low + (high - low) * share


def goalposts(values: Floats, worst: Floats, best: Floats, low: float, high: float) -> Floats:
    """low + (high - low)(x - worst)/(best - worst), cut off at both ends; `worst` and `best` one for each indicator."""
    share = (values - worst[:, None]) / (best - worst)[:, None]
    return low + (high - low) * np.clip(share, 0, 1)


def distance_to_reference(values: Floats, reference: Floats) -> Floats:
    """x ÷ reference, one reference for each indicator. ValueError if a reference is zero."""
    if np.any(reference == 0):
        raise ValueError("distance to a reference needs references that are not zero")
    return values / reference[:, None]


def winsorise(values: Floats, lower: float, upper: float) -> Floats:
    """Pull values in to the quantiles `lower` and `upper` of their indicator (linear interpolation, type 7)."""
    limits = np.nanquantile(values, [lower, upper], axis=-1, keepdims=True)
    return np.clip(values, limits[0], limits[1])
