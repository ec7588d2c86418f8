"""Put indicators on a common scale, each over its units. Values are expected to be turned so that higher is better.

Bounds, quantiles and scales may be numbers or arrays that broadcast against (..., indicators, units), so that each replication can
have its own.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Method = Literal["min_max", "z_score", "percentile_rank", "rank", "goalposts", "distance_to_reference"]


def min_max(values: Floats, low: float | Floats, high: float) -> Floats:
    """low + (high - low)(x - min)/(max - min) over the last axis; the middle of the scale where all units are the same."""
    least, most = np.fmin.reduce(values, axis=-1, keepdims=True), np.fmax.reduce(values, axis=-1, keepdims=True)
    width = most - least
    constant = width == 0
    scaled: Floats = (values - least) * ((high - low) / np.where(constant, 1.0, width))
    scaled += low
    if constant.any():
        scaled += np.where(constant, (high - low) / 2, 0.0)
    return scaled


def z_score(values: Floats, centre: float, spread: float) -> Floats:
    """centre + spread (x - mean)/s with the sample standard deviation; centre where all units are the same."""
    missing = np.isnan(values)
    counted = np.sum(~missing, axis=-1, keepdims=True).astype(values.dtype)
    zeroed = np.where(missing, values.dtype.type(0), values) if missing.any() else values
    with np.errstate(invalid="ignore", divide="ignore"):
        away = values - zeroed.sum(axis=-1, keepdims=True) / counted
        there = np.where(missing, values.dtype.type(0), away) if missing.any() else away
        s = np.sqrt(np.einsum("...i,...i->...", there, there)[..., None] / (counted - 1))
        constant = np.fmin.reduce(values, axis=-1, keepdims=True) == np.fmax.reduce(values, axis=-1, keepdims=True)
        scaled: Floats = away * np.where(constant, values.dtype.type(0), spread / s)
    scaled += centre
    return scaled


def rank(values: Floats) -> Floats:
    """Position from the lowest over the last axis, 1 first; ties share the lower position; missing values have none."""
    missing = np.isnan(values)
    # Sorting is several times faster without NaN; infinity goes last as NaN would.
    sortable = np.where(missing, np.inf, values).astype(values.dtype) if missing.any() else values
    order, is_tied = _order_single(sortable) if values.dtype == np.float32 else _order(sortable)
    positions = np.broadcast_to(np.arange(1, values.shape[-1] + 1, dtype=values.dtype), values.shape).copy()
    if is_tied.any():
        positions[..., 1:] *= ~is_tied
        np.maximum.accumulate(positions, axis=-1, out=positions)
    ranked = np.empty_like(positions)
    order += np.arange(values[..., 0].size).reshape(*values.shape[:-1], 1) * values.shape[-1]
    ranked.reshape(-1)[order] = positions
    ranked[missing] = np.nan
    return ranked


def _order(values: Floats) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Indices that sort the last axis upwards, and for each sorted place but the first whether it ties with the one before."""
    order = np.argsort(values, axis=-1)
    ordered = _along(values, order)
    return order, ordered[..., 1:] == ordered[..., :-1]


def _order_single(values: NDArray) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The same for single precision: value and index in one integer, because sorting integers is faster than sorting indices.

    A float's bits, with all but the sign turned over where it is negative, order as the float does; -0.0 is made 0.0 first.
    """
    bits = (values + np.float32(0)).view(np.int32)
    keys = (bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))).astype(np.int64)
    keys <<= 32
    keys |= np.arange(values.shape[-1])
    keys.sort(axis=-1)
    order = keys & 0xFFFFFFFF
    keys >>= 32
    return order, keys[..., 1:] == keys[..., :-1]


def percentile_rank(values: Floats, low: float | Floats, high: float) -> Floats:
    """low + (high - low)(position - 1)/(n - 1), n the units with a value; the middle where all units are the same."""
    counted = np.sum(~np.isnan(values), axis=-1, keepdims=True).astype(values.dtype)
    scaled = rank(values)
    constant = np.fmax.reduce(scaled, axis=-1, keepdims=True) == 1
    scaled -= 1
    scaled *= (high - low) / np.maximum(counted - 1, 1)
    scaled += np.where(constant, (low + high) / 2, low).astype(values.dtype)
    return scaled


def goalposts(values: Floats, worst: Floats, best: Floats, low: float, high: float) -> Floats:
    """low + (high - low)(x - worst)/(best - worst), cut off at both ends; `worst` and `best` one for each indicator."""
    share = (values - worst[:, None]) / (best - worst)[:, None]
    return low + (high - low) * np.clip(share, 0, 1)


def ratio_to_reference(values: Floats, polarity: Floats, reference: Floats, low: float, high: float) -> Floats:
    """100 × x ÷ reference where higher is better, 100 × reference ÷ x where lower is, held between `low` and `high`.

    `values` are turned so that higher is better, `polarity` (indicators,) is 1 or -1, `reference` (indicators,) in the indicator's own
    direction; where it is NaN the mean of the units stands in. A value of zero or below has the low end, or the high one where lower is
    better.
    """
    sign = polarity[:, None]
    own = values * sign
    there = ~np.isnan(own)
    mean = np.sum(np.where(there, own, 0.0), axis=-1, keepdims=True) / np.maximum(there.sum(axis=-1, keepdims=True), 1)
    against = np.where(np.isnan(reference)[:, None], mean, reference[:, None])
    against = against.astype(own.dtype, copy=False)
    ratio = np.empty_like(own)
    up, down = np.flatnonzero(polarity > 0), np.flatnonzero(polarity <= 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio[..., up, :] = own[..., up, :] / against[..., up, :]
        ratio[..., down, :] = np.where(own[..., down, :] > 0, against[..., down, :] / own[..., down, :], np.inf)
    ratio *= 100
    np.clip(ratio, low, high, out=ratio)
    ratio[~there] = np.nan
    return ratio


def distance_to_reference(values: Floats, reference: Floats) -> Floats:
    """x ÷ reference, one reference for each indicator. ValueError if a reference is zero."""
    if np.any(reference == 0):
        raise ValueError("distance to a reference needs references that are not zero")
    return values / reference[:, None]


def winsorise(values: Floats, lower: float | Floats, upper: float | Floats) -> Floats:
    """Pull values in to the quantiles `lower` and `upper` of their indicator (linear interpolation, type 7).

    Quantiles are numbers, or arrays of shape (..., 1, 1), one for each replication. A missing value stays missing.
    """
    ordered = np.sort(values, axis=-1)  # NaN last
    last = np.sum(~np.isnan(values), axis=-1, keepdims=True) - 1.0
    return np.clip(values, _quantile(ordered, lower, last), _quantile(ordered, upper, last))


def median(values: Floats) -> Floats:
    """Median over the last axis, which is kept with length 1; missing values left out, NaN where all are missing."""
    ordered = np.sort(values, axis=-1)
    return _quantile(ordered, 0.5, np.sum(~np.isnan(values), axis=-1, keepdims=True) - 1.0)


def _quantile(ordered: Floats, share: float | Floats, last: Floats) -> Floats:
    """Type 7 quantile of rows sorted upwards; `last` is the 0-based position of the last value that is not missing."""
    position = np.maximum(share * last, 0.0)
    below = np.floor(position)
    left = _along(ordered, below.astype(np.intp))
    right = _along(ordered, np.minimum(below + 1, np.maximum(last, 0)).astype(np.intp))
    return left + (right - left) * (position - below).astype(ordered.dtype)


def _along(values: Floats, indices: NDArray[np.intp]) -> Floats:
    """values[..., indices] along the last axis, as `np.take_along_axis` has it, several times faster for many short rows."""
    rows = np.arange(values[..., 0].size).reshape(*values.shape[:-1], 1)
    taken: Floats = values.reshape(-1)[indices + rows * values.shape[-1]]
    return taken
