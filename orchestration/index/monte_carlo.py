"""Productivity and rank under many combinations of choices and data: the two-level index of councils, all replications at once.

What belongs here: one year of an index as arrays, and what becomes of it for given choices and given noise. What does not: where the
numbers come from, and which choices are drawn (`orchestration/analysis`).

Shapes: M measures, D domains, U councils (all that count when scaling, ranked or not), R replications. NaN is a missing value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from orchestration.index.aggregate import Floats, Level, aggregate
from orchestration.index.normalise import goalposts, median, min_max, percentile_rank, ratio_to_reference, winsorise, z_score
from orchestration.index.replications import descending_rank

Indices = NDArray[np.int64]
LOWEST_IN_GEOMETRIC_MEAN = 1.0
"""A drawn combination may bring a z-score to zero or below, where no geometric mean exists: such a score counts as 1, the low end
of the usual scale. The nominal definition is not drawn: there such a score is an error."""


@dataclass(frozen=True)
class Scale:
    """Ends of a bounded scale, and centre and spread of a z-score."""

    low: float = 1.0
    high: float = 100.0
    centre: float = 50.0
    spread: float = 20.0


@dataclass(frozen=True)
class Year:
    """One year of an index.

    values, standard_errors: (M, U), oriented so that higher is better. least, most: (M,) ends of what a value can be.
    domain_of: (M,) 0-based. spend: by basis (U,), or (D, U) where each domain has its own, relative to England.
    spend_variation: (U,) coefficient of variation. ranked: (U,) councils that have a rank. draw_of: (M,) which row of noise a measure
    takes: two measures that stand for the same published figure take the same. polarity: (M,) 1 or -1. reference: (M,) England's value in
    the measure's own direction, NaN where none was published.
    """

    values: Floats
    standard_errors: Floats
    least: Floats
    most: Floats
    worst: Floats
    best: Floats
    domain_of: Indices
    draw_of: Indices
    polarity: Floats
    reference: Floats
    measure_weights: Floats
    domain_weights: Floats
    spend: Mapping[str, Floats]
    spend_variation: Floats
    ranked: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.ranked.sum() < 2:
            raise ValueError(f"{int(self.ranked.sum())} councils can be ranked; a ranking needs at least two")
        if np.isnan(self.values).all():
            raise ValueError("no measure has a value: there is nothing to rank")


@dataclass(frozen=True)
class Choices:
    """What each of R replications chooses; every array is (R,) but measure_weights (R, M) and domain_weights (R, D), which multiply
    the year's own. dropped is a measure left out, or -1. origin is the low end of a bounded scale, NaN for the scale's own."""

    normalisation: NDArray[np.str_]
    origin: Floats
    lower: Floats
    upper: Floats
    measure_weights: Floats
    domain_weights: Floats
    domain_mean: NDArray[np.str_]
    outcome_mean: NDArray[np.str_]
    spend_basis: NDArray[np.str_]
    k: Floats
    fill_missing: NDArray[np.bool_]
    dropped: Indices

    def __len__(self) -> int:
        return len(self.k)

    def take(self, rows: Indices) -> Choices:
        return Choices(**{name: value[rows] for name, value in self.__dict__.items()})

    def with_(self, **changes: NDArray) -> Choices:
        return replace(self, **changes)


def drawn(year: Year, noise: NDArray) -> NDArray:
    """(R, M, U) values with `noise` standard normals times their standard errors, kept within what they can be.

    In the precision of the noise: single precision is plenty for a draw, and twice as fast.
    """
    kind = noise.dtype
    same = np.array_equal(year.draw_of, np.arange(len(year.draw_of)))
    values = noise.copy() if same else noise[:, year.draw_of]
    values *= year.standard_errors.astype(kind)
    values += year.values.astype(kind)
    return np.clip(values, year.least[:, None].astype(kind), year.most[:, None].astype(kind), out=values)


def productivity(
    year: Year, scales: Mapping[str, Scale], choices: Choices, noise: NDArray | None = None, spend_noise: NDArray | None = None,
    *, min_domain_coverage: float = 0.0, min_domain_measures: int = 1, lowest: float | None = None, combination: str = "ratio",
) -> Floats:  # fmt: skip
    """(R, U): outcome score ÷ spend index^k, or for `combination` standardised what `standardised` makes of both; NaN for a council that
    cannot be scored.

    `noise` is (R, M, U) and `spend_noise` (R, U), standard normals; None for the published values as they are. `scales` has one for each
    normalisation chosen. `lowest` stands in for scores below it under a geometric or harmonic mean. ValueError for a normalisation or
    spend basis that is not known, and from `aggregate`.
    """
    units = year.values.shape[1]
    domains = np.empty((len(choices), len(year.domain_weights), units))
    # Each normalisation by itself: its part of the replications stays in the processor's cache from draw to domain score.
    for method in np.unique(choices.normalisation):
        rows = np.flatnonzero(choices.normalisation == method)
        some = choices.take(rows)
        scores = measure_scores(year, scales, some, None if noise is None else noise[rows])
        domains[rows] = domain_scores(
            year, scores, some, lowest=lowest, min_coverage=min_domain_coverage, min_measures=min_domain_measures
        )
    result = np.full((len(choices), units), np.nan)
    spread = np.ones_like(result) if spend_noise is None else np.exp(year.spend_variation * spend_noise)
    for basis in np.unique(choices.spend_basis):
        if basis.item() not in year.spend:
            raise ValueError(f"there is no spend on basis {basis.item()!r}; there is {', '.join(year.spend)}")
        rows = np.flatnonzero(choices.spend_basis == basis)
        spend, weights = year.spend[basis.item()], year.domain_weights * choices.domain_weights[rows]
        k = choices.k[rows]
        if spend.ndim == 1:
            outcome = _outcome(domains[rows], weights, choices.outcome_mean[rows], lowest)
            if combination == "standardised":
                result[rows] = standardised(outcome, spend * spread[rows], k[:, None])
            else:
                # with k = 0 a council without spend is ranked on outcomes alone
                divisor = np.where(k[:, None] == 0, 1.0, (spend * spread[rows]) ** k[:, None])
                result[rows] = outcome / divisor
        else:
            each = domains[rows] / (spend * spread[rows][:, None, :]) ** k[:, None, None]
            result[rows] = _outcome(each, weights, np.full(len(rows), "arithmetic"), lowest)
    result[:, ~year.ranked] = np.nan
    return result


def standardised(outcome: Floats, spend: Floats, k: Floats) -> Floats:
    """(R, U): 100 + 10 (z of the outcome - k × z of the logarithm of spend) ÷ (1 + k), z over the councils that have both.

    The sample standard deviation; neither the origin nor the length of the outcome's scale changes a rank.
    """
    there = ~np.isnan(outcome) & ~np.isnan(spend)
    both = np.where(there, outcome, np.nan), np.where(there, np.log(spend), np.nan)
    z = [(x - np.nanmean(x, axis=-1, keepdims=True)) / np.nanstd(x, axis=-1, ddof=1, keepdims=True) for x in both]
    return np.asarray(100 + 10 * (z[0] - k * z[1]) / (1 + k))


DECIMALS_COMPARED = 9
"""Productivities that agree to so many decimals are the same: the last bits of a sum tell no two councils apart."""


def ranks(productivities: Floats) -> Floats:
    """Rank of each council within its replication, 1 for the highest, of productivities rounded to DECIMALS_COMPARED."""
    return descending_rank(np.round(productivities, DECIMALS_COMPARED))


def measure_scores(year: Year, scales: Mapping[str, Scale], choices: Choices, noise: NDArray | None = None) -> Floats:
    """(R, M, U): values drawn, winsorised and scaled; missing ones filled where the rule says so. `choices` has one normalisation."""
    values = np.broadcast_to(year.values, (len(choices), *year.values.shape)) if noise is None else drawn(year, noise)
    if np.any(choices.lower > 0) or np.any(choices.upper < 1):
        values = winsorise(values, choices.lower[:, None, None], choices.upper[:, None, None])
    scores = _scaled(year, values, choices, scales)
    _fill_missing(year, scores, choices)
    return scores


def _scaled(year: Year, values: Floats, choices: Choices, scales: Mapping[str, Scale]) -> Floats:
    method = choices.normalisation[0].item()
    if method not in scales:
        raise ValueError(f"no scale for normalisation {method!r}; there is {', '.join(scales)}")
    scale = scales[method]
    low: float | Floats = scale.low
    if not np.isnan(choices.origin).all():
        low = np.where(np.isnan(choices.origin), scale.low, choices.origin)[:, None, None].astype(values.dtype)
    if method == "min_max":
        return min_max(values, low, scale.high)
    if method == "z_score":
        return z_score(values, scale.centre, scale.spread)
    if method == "percentile_rank":
        return percentile_rank(values, low, scale.high)
    if method == "goalposts":
        return goalposts(values, year.worst, year.best, scale.low, scale.high)
    if method == "ratio_to_england":
        return ratio_to_reference(values, year.polarity, year.reference, scale.low, scale.high)
    raise ValueError(f"no normalisation {method!r}")


def _fill_missing(year: Year, scores: Floats, choices: Choices) -> None:
    """Where the missing-value rule says so, give a missing score the median of its measure in that replication."""
    rows = np.flatnonzero(choices.fill_missing)
    gaps = np.flatnonzero(np.isnan(year.values).any(axis=1) & ~np.isnan(year.values).all(axis=1))
    if not len(rows) or not len(gaps):
        return
    some = scores[np.ix_(rows, gaps)]
    scores[np.ix_(rows, gaps)] = np.where(np.isnan(some), median(some), some)


def domain_scores(
    year: Year, scores: Floats, choices: Choices, *, lowest: float | None = None, min_coverage: float = 0.0, min_measures: int = 1
) -> Floats:
    """(R, D, U): weighted mean of the measures of each domain; NaN below `min_coverage` of its weight or `min_measures` with a score."""
    weights = year.measure_weights * choices.measure_weights
    gone = np.flatnonzero(choices.dropped >= 0)
    weights[gone, choices.dropped[gone]] = 0.0
    domains = np.empty((len(choices), len(year.domain_weights), scores.shape[-1]))
    for mean in np.unique(choices.domain_mean):
        rows = np.flatnonzero(choices.domain_mean == mean)
        some = scores if len(rows) == len(scores) else scores[rows]
        if mean != "arithmetic" and lowest is not None:
            some = np.maximum(some, lowest)
        domains[rows] = aggregate(some, Level(year.domain_of, weights[rows], mean.item()), min_coverage)
    if min_measures > 1:
        belongs = year.domain_of == np.arange(domains.shape[1])[:, None]
        domains[belongs.astype(float) @ ~np.isnan(scores) < min_measures] = np.nan
    return domains


def _outcome(domains: Floats, weights: Floats, means: NDArray[np.str_], lowest: float | None) -> Floats:
    """Weighted mean over the domains with weight; NaN where one of them is missing."""
    outcome = np.empty((len(domains), domains.shape[-1]))
    # A domain without weight must not make a council's score missing, nor its own missing score count.
    domains = np.where((weights > 0)[:, :, None], domains, 1.0)
    for mean in np.unique(means):
        rows = np.flatnonzero(means == mean)
        some = domains[rows]
        if mean != "arithmetic" and lowest is not None:
            some = np.maximum(some, lowest)
        level = Level(np.zeros(domains.shape[1], dtype=np.int64), weights[rows], mean.item())
        outcome[rows] = aggregate(some, level, min_coverage=1.0)[:, 0]
    return outcome
