"""Intervals of ranks that hold as often as they say: shrunk draws for what is likely, and ends that a prior may help but not mislead.

What belongs here: from estimates, their standard errors and standard normal draws to calibrated draws and ends, for one set of units. What
does not: how estimates and errors come about (`monte_carlo.py`), sets that hold for all units at once (`rank_sets.py`).

Noise added to noisy figures spreads units apart twice, so that ranks of plain draws crowd towards the middle and miss the true rank. Here
a unit is held against the shrunk draws of all others: their posterior under a prior told from the figures (`deconvolution.py`). Its own
place has two readings: its posterior (what is likely, given all), and a confidence interval that holds for every true value whatever the
prior, its two tails shared out with the prior's help (Pratt 1963; Yu and Hoff 2018, Adaptive multigroup confidence intervals with constant
coverage, Biometrika 105). The first alone misses the truly best, the second those that chance put first. The interval is the hull of
both, at the level that makes it hold 90 % of the time over the prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from orchestration.index.deconvolution import Prior

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
LEVEL = 0.90
LEVELS_TRIED = (0.84, 0.88, 0.92)
OUTWARD, EDGE = 0.15, 1.5
"""Towards the edge of the ranking (EDGE standard deviations from its middle, and less before) the outer end reaches so much further: where
the truth ends sooner than a smooth prior can, the others' draws stand in the way of the first and the last. From `make calibrate`."""
POSITIONS = np.linspace(-4.5, 4.5, 61)
"""Where an estimate may stand, in standard deviations of all estimates: tables are made there and read between."""
NORMALS = np.linspace(-4.0, 4.0, 33)
SHARES = norm.cdf(NORMALS)
EVEN_NORMALS = norm.ppf((np.arange(24) + 0.5) / 24)
LOCAL = np.linspace(-4.5, 4.5, 55)
"""Points around an estimate, in its standard errors, at which its posterior is taken."""


@dataclass(frozen=True)
class Tables:
    """For U units, by position: (U, positions, normals) quantiles of the posterior, and (U, positions) ends of the interval."""

    posterior: Singles
    centre: Singles
    half: Singles
    level: float


@cache
def _assisted(level: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Lower and upper ends, in standard errors from the estimate, for a standard error of 1.

    Returns places (V,), log variance ratios (K,), lower (K, V), upper (K, V): for an estimate v standard errors from the prior's mean, and a
    prior whose variance is the standard error's ÷ exp(k). A true value t is accepted between t + z(α(1 - w)) and t + z(1 - αw), with w the
    share of α in the upper tail: the one that minimises the expected length of the interval under a normal prior solves
    z(αw) - z(α(1 - w)) = -2 t exp(k). Every t is accepted with probability `level`, so that the interval holds for each.
    """
    alpha = 1 - level
    edge = np.logspace(-12, -2, 300)
    share = np.concatenate([edge, np.linspace(0.01, 0.99, 600)[1:-1], 1 - edge[::-1]])
    turn = norm.ppf(alpha * share) - norm.ppf(alpha * (1 - share))
    places = np.linspace(-40, 40, 801)
    true = np.linspace(-50, 50, 5001)
    ratios = np.linspace(np.log(1e-4), np.log(25), 40)
    lower, upper = np.empty((len(ratios), len(places))), np.empty((len(ratios), len(places)))
    for row, ratio in enumerate(ratios):
        weight = np.interp(-2 * true * np.exp(ratio), turn, share)
        # an estimate accepts the true values whose region holds it; both bounds of the region rise with the true value
        from_above = true + norm.ppf(1 - alpha * weight)
        from_below = true + norm.ppf(alpha * (1 - weight))
        lower[row] = np.interp(places, from_above, true) - places
        upper[row] = np.interp(places, from_below, true) - places
    return places, ratios, lower, upper


def assisted_ends(
    estimates: Floats, errors: Floats, mean: float, deviation: float, level: float = LEVEL
) -> tuple[Floats, Floats]:
    """Ends of the interval of each estimate, which broadcasts against its standard error, under a prior of `mean` and `deviation`.

    Each true value is covered with probability `level`, whatever the prior: the prior decides only where the interval is short.
    """
    places, ratios, lower, upper = _assisted(round(level, 6))
    at = (estimates - mean) / errors
    row = np.clip(2 * np.log(errors / deviation), ratios[0], ratios[-1])
    column, row_at = np.clip(at, places[0], places[-1]), (row - ratios[0]) / (ratios[1] - ratios[0])
    column_at = (column - places[0]) / (places[1] - places[0])
    row_at, column_at = np.broadcast_arrays(row_at, column_at)
    return estimates + errors * _between(lower, row_at, column_at), estimates + errors * _between(upper, row_at, column_at)


def _between(table: Floats, rows: Floats, columns: Floats) -> Floats:
    """Bilinear interpolation of (K, V) at fractional rows and columns."""
    i = np.minimum(rows.astype(np.intp), table.shape[0] - 2)
    j = np.minimum(columns.astype(np.intp), table.shape[1] - 2)
    a, b = rows - i, columns - j
    return np.asarray(
        (1 - a) * ((1 - b) * table[i, j] + b * table[i, j + 1]) + a * ((1 - b) * table[i + 1, j] + b * table[i + 1, j + 1])
    )


def tables(prior: Prior, errors: Floats) -> Tables:
    """Tables for units with these (U,) standard errors; estimates, errors and prior in standard deviations of all estimates."""
    posterior = _posterior_quantiles(prior, errors)
    ends = [_hull(prior, errors, posterior, level) for level in LEVELS_TRIED]
    held = np.maximum.accumulate([_coverage(prior, errors, *found) for found in ends])
    # between the two levels that hold a little less and a little more; beyond what was tried, the nearest
    at = float(np.interp(LEVEL, held, np.arange(len(LEVELS_TRIED))))
    before = min(int(at), len(LEVELS_TRIED) - 2)
    on = at - before
    low, high = ((1 - on) * one + on * other for one, other in zip(ends[before], ends[before + 1], strict=True))
    level = (1 - on) * LEVELS_TRIED[before] + on * LEVELS_TRIED[before + 1]
    return Tables(
        posterior.astype(np.float32), ((low + high) / 2).astype(np.float32), ((high - low) / 2).astype(np.float32), level
    )


def _posterior_quantiles(prior: Prior, errors: Floats) -> Floats:
    """(U, positions, normals): for each unit and position the quantile of the posterior that a standard normal stands for."""
    true = POSITIONS[:, None] + errors[:, None, None] * LOCAL
    weight = np.exp(-0.5 * LOCAL**2 + _log_density(prior, true))
    # the share below each point, by the trapezium rule
    below = np.concatenate(
        [np.zeros_like(weight[..., :1]), np.cumsum((weight[..., 1:] + weight[..., :-1]) / 2, axis=-1)], axis=-1
    )
    below /= below[..., -1:]
    wanted = SHARES
    # the point before each wanted share, and how far on to the next
    flat = below.reshape(-1, len(LOCAL))
    rows = np.arange(len(flat))[:, None]
    # rows one after another rise as one: a single search finds the place of every share in its row
    at = np.searchsorted((flat + 2 * rows).ravel(), (wanted + 2 * rows).ravel(), side="right").reshape(len(flat), -1)
    at = np.clip(at - rows * len(LOCAL) - 1, 0, len(LOCAL) - 2)
    left, right = flat[rows, at], flat[rows, at + 1]
    on = np.clip((wanted - left) / np.maximum(right - left, 1e-300), 0, 1)
    found = (LOCAL[at] + on * (LOCAL[1] - LOCAL[0])).reshape(*below.shape[:-1], len(wanted))
    return np.asarray(POSITIONS[:, None] + errors[:, None, None] * found)


def _log_density(prior: Prior, true: Floats) -> Floats:
    """Log of the prior's density (up to a constant) anywhere; beyond its grid it falls off fast, so that no estimate is impossible."""
    log = np.interp(true, prior.grid, np.log(prior.probability + 1e-12))
    beyond = np.maximum(prior.grid[0] - true, 0) + np.maximum(true - prior.grid[-1], 0)
    return np.asarray(log - 4 * beyond / prior.deviation)


def _hull(prior: Prior, errors: Floats, posterior: Floats, level: float) -> tuple[Floats, Floats]:
    """(U, positions) ends of the hull of the posterior's interval and the assisted one."""
    low, high = assisted_ends(POSITIONS, errors[:, None], prior.mean, prior.deviation, level)
    tail = norm.ppf((1 - level) / 2)
    step = NORMALS[1] - NORMALS[0]
    at = (tail - NORMALS[0]) / step
    before, on = int(at), at - int(at)
    last = len(NORMALS) - 1
    posterior_low = (1 - on) * posterior[..., before] + on * posterior[..., before + 1]
    posterior_high = (1 - on) * posterior[..., last - before] + on * posterior[..., last - before - 1]
    return np.minimum(low, posterior_low), np.maximum(high, posterior_high)


def _coverage(prior: Prior, errors: Floats, low: Floats, high: Floats) -> float:
    """How often the interval holds the true value, over the prior and a dozen units from the surest to the least sure."""
    order = np.argsort(errors)
    some = order[np.linspace(0, len(order) - 1, 12).astype(int)]
    true = prior.grid[::4]
    weight = prior.probability[::4] / prior.probability[::4].sum()
    step = POSITIONS[1] - POSITIONS[0]
    estimates = true[None, :, None] + errors[some][:, None, None] * EVEN_NORMALS
    at = np.clip((estimates - POSITIONS[0]) / step, 0, len(POSITIONS) - 1.001)
    units = np.broadcast_to(some[:, None, None].astype(float), at.shape)
    inside = (_between(low, units, at) <= true[:, None]) & (true[:, None] <= _between(high, units, at))
    return float((inside.mean(axis=(0, 2)) * weight).sum())


def calibrated(made: Tables, positions: Singles, normals: Singles) -> tuple[Singles, Singles]:
    """((R, U) posterior draws, (R, U) draws of the unit's own place whose 5 % and 95 % quantiles are the ends of its interval).

    positions: (R, U) or (1, U) estimates; normals: (R, U) standard normals; NaN where there is none.
    """
    units = np.arange(positions.shape[1])
    step = np.float32(POSITIONS[1] - POSITIONS[0])
    with np.errstate(invalid="ignore"):
        at = np.clip((positions - np.float32(POSITIONS[0])) / step, 0, len(POSITIONS) - 1.001)
        z_at = np.clip((normals - np.float32(NORMALS[0])) / np.float32(NORMALS[1] - NORMALS[0]), 0, len(NORMALS) - 1.001)
    missing = np.isnan(at) | np.isnan(z_at)
    i = np.nan_to_num(at).astype(np.int32)
    a = np.nan_to_num(at).astype(np.float32) - i
    j = np.nan_to_num(z_at).astype(np.int32)
    b = np.nan_to_num(z_at).astype(np.float32) - j
    count = len(NORMALS)
    flat = made.posterior.reshape(-1)
    cell = (units.astype(np.int32) * np.int32(len(POSITIONS)) + i) * np.int32(count) + j
    draws = (1 - a) * ((1 - b) * flat[cell] + b * flat[cell + 1]) + a * (
        (1 - b) * flat[cell + count] + b * flat[cell + count + 1]
    )
    row = units.astype(np.int32) * np.int32(len(POSITIONS)) + i
    centre, half = made.centre.reshape(-1), made.half.reshape(-1)
    own = (1 - a) * centre[row] + a * centre[row + 1]
    with np.errstate(invalid="ignore"):
        edge = np.clip(positions / np.float32(EDGE), -1, 1)
        outward = 1 + np.float32(OUTWARD) * np.maximum(np.sign(normals) * edge, 0)
        reach = normals * outward / np.float32(norm.ppf((1 + LEVEL) / 2))
    own = own + ((1 - a) * half[row] + a * half[row + 1]) * reach
    if missing.any():
        draws = np.where(missing, np.float32(np.nan), draws)
        own = np.where(missing, np.float32(np.nan), own)
    return draws.astype(np.float32, copy=False), own.astype(np.float32, copy=False)


def ranks_against(draws: Singles, own: Singles) -> tuple[Ints, Ints]:
    """((R, U) rank of each draw among the draws of its replication, (R, U) rank of each unit's own place among the others' draws).

    Rank 1 is the highest; 0 where there is none.
    """
    units = draws.shape[1]
    together = np.ascontiguousarray(np.concatenate([draws, own], axis=1))
    bits = (together + np.float32(0)).view(np.int32)
    # a float's bits, with all but the sign turned over where it is negative, order as the float does; NaN goes last
    keys = (bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))).astype(np.int64)
    missing = np.isnan(together)
    keys[missing] = np.int64(0x7FFFFFFF)
    keys <<= 32
    keys |= np.arange(2 * units)
    keys.sort(axis=-1)
    order = (keys & 0xFFFFFFFF).astype(np.int32)
    at_or_below = np.cumsum(order < units, axis=1, dtype=np.int32)
    found = np.empty_like(at_or_below)
    found.reshape(-1)[order + np.arange(len(draws), dtype=np.int64)[:, None] * (2 * units)] = at_or_below
    there = units - missing[:, :units].sum(axis=1, dtype=np.int32)[:, None]
    of_draws = np.where(missing[:, :units], 0, there - found[:, :units] + 1)
    above_itself = draws > own
    of_own = np.where(missing[:, units:], 0, there - found[:, units:] + 1 - above_itself)
    return of_draws, of_own
