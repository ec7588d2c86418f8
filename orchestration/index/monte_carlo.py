"""Productivity and rank under many combinations of choices and data: the two-level index of councils, all replications at once.

What belongs here: one year of an index as arrays, and what becomes of it for given choices and given noise. What does not: where the
numbers come from, and which choices are drawn (`orchestration/analysis`).

Shapes: M measures, D domains, U councils (all that count when scaling, ranked or not), R replications. NaN is a missing value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from orchestration.index.aggregate import Floats, Level
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
    domain_of: (M,) 0-based. spend: by basis (U,), or (D, U) where each domain has its own, relative to England. ranked: (U,) councils that
    have a rank. polarity: (M,) 1 or -1. reference: (M,) England's value in the measure's own direction, NaN where none was published.
    """

    values: Floats
    standard_errors: Floats
    least: Floats
    most: Floats
    worst: Floats
    best: Floats
    domain_of: Indices
    polarity: Floats
    reference: Floats
    measure_weights: Floats
    domain_weights: Floats
    spend: Mapping[str, Floats]
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
    values = noise * year.standard_errors.astype(kind)
    values += year.values.astype(kind)
    np.clip(values, year.least[:, None].astype(kind), year.most[:, None].astype(kind), out=values)
    return np.asarray(values)


@dataclass(frozen=True)
class Rules:
    """What a domain needs before it has a score, and the score that stands in below it under a geometric or harmonic mean."""

    min_coverage: float = 0.0
    min_measures: int = 1
    lowest: float | None = None


def productivity(
    year: Year,
    scales: Mapping[str, Scale],
    choices: Choices,
    noise: NDArray | None = None,
    spend_shift: Mapping[str, NDArray] | None = None,
    *,
    rules: Rules = Rules(),
    combination: str = "ratio",
) -> Floats:
    """(R, U): outcome score ÷ spend index^k, or for `combination` standardised what `standardised` makes of both; NaN for a council that
    cannot be scored.

    `noise` is (R, M, U) standard normals; None for the published values as they are. `spend_shift` as in `over_spend`. `scales` has one
    for each normalisation chosen. ValueError for a normalisation or spend basis that is not known, and from `aggregate`.
    """
    return over_spend(
        year, domains_of(year, scales, choices, noise, rules), choices, spend_shift, lowest=rules.lowest, combination=combination
    )


def domains_of(
    year: Year,
    scales: Mapping[str, Scale],
    choices: Choices,
    noise: NDArray | None = None,
    rules: Rules = Rules(),
    *,
    known: dict[tuple[object, ...], Floats] | None = None,
) -> Floats:
    """(R, D, U): the score of each domain in each replication.

    Without noise, replications that scale alike have the same scores of measures: `known` keeps them from call to call.
    """
    if noise is None:
        return _quiet_domains(year, scales, choices, rules, {} if known is None else known)
    domains = np.empty((len(choices), len(year.domain_weights), year.values.shape[1]), dtype=noise.dtype)
    # Each normalisation by itself: its part of the replications stays in the processor's cache from draw to domain score.
    for method in np.unique(choices.normalisation):
        rows = np.flatnonzero(choices.normalisation == method)
        some = choices.take(rows)
        domains[rows] = domain_scores(year, measure_scores(year, scales, some, noise[rows]), some, rules)
    return domains


def _quiet_domains(
    year: Year, scales: Mapping[str, Scale], choices: Choices, rules: Rules, known: dict[tuple[object, ...], Floats]
) -> Floats:
    """(R, D, U) as published: each way of scaling computed once, and its domains for all replications that have it."""
    ways: list[tuple[object, ...]] = list(
        zip(
            choices.normalisation.tolist(),
            np.nan_to_num(choices.origin, nan=-1.0).tolist(),
            choices.lower.tolist(),
            choices.upper.tolist(),
            choices.fill_missing.tolist(),
            strict=True,
        )
    )
    rows_of: dict[tuple[object, ...], list[int]] = {}
    for row, way in enumerate(ways):
        rows_of.setdefault(way, []).append(row)
    for way in rows_of.keys() - known.keys():
        known[way] = measure_scores(year, scales, choices.take(np.array(rows_of[way][:1])))
    if len(rows_of) == 1:
        return domain_scores(year, known[ways[0]], choices, rules)

    def summed(matrix: Floats, rows: Indices, turn: Callable[[Floats], Floats]) -> Floats:
        found = np.empty((len(rows), matrix.shape[1], year.values.shape[1]), dtype=matrix.dtype)
        place_of = np.full(len(choices), -1)
        place_of[rows] = np.arange(len(rows))
        for way, members in rows_of.items():
            some = place_of[members]
            some = some[some >= 0]
            if len(some):
                found[some] = _times(matrix[some], turn(known[way])[0])
        return found

    return _domains(year, year.values.dtype, choices, rules, summed)


def over_spend(
    year: Year,
    domains: Floats,
    choices: Choices,
    spend_shift: Mapping[str, NDArray] | None = None,
    *,
    lowest: float | None = None,
    combination: str = "ratio",
) -> Floats:
    """(R, U) productivity from the (R, D, U) scores of domains.

    `spend_shift` has for a basis the (R, U) logarithm of what its spend is multiplied with; a basis it does not have stays as it is.
    """
    found = place(year, domains, choices, spend_shift, lowest=lowest, combination=combination)
    return found if combination == "standardised" else np.exp(found)


def place(
    year: Year,
    domains: Floats,
    choices: Choices,
    spend_shift: Mapping[str, NDArray] | None = None,
    *,
    lowest: float | None = None,
    combination: str = "ratio",
    outcome: Floats | None = None,
) -> Floats:
    """(R, U): productivity on the scale where errors add: the logarithm of a ratio, a standardised difference as it is.

    `outcome` is what `log_outcome` makes of the domains, where it is at hand.
    """
    size = len(choices)
    result = np.full((size, domains.shape[-1]), np.nan, dtype=domains.dtype)
    for basis in np.unique(choices.spend_basis):
        if basis.item() not in year.spend:
            raise ValueError(f"there is no spend on basis {basis.item()!r}; there is {', '.join(year.spend)}")
        rows = np.flatnonzero(choices.spend_basis == basis)
        some = slice(None) if len(rows) == size else rows
        spend, k = np.log(year.spend[basis.item()]).astype(domains.dtype), choices.k[rows].astype(domains.dtype)[:, None]
        shift = None if spend_shift is None else spend_shift.get(basis.item())
        if spend.ndim == 1:
            log_spend = spend if shift is None else spend + shift[some]
            score = log_outcome(year, domains[some], choices.take(rows), lowest) if outcome is None else outcome[some]
            if combination == "standardised":
                result[some] = standardised(np.exp(score), log_spend, k)
            else:
                # with k = 0 a council without spend is ranked on outcomes alone
                result[some] = score - (k * log_spend if k.all() else np.where(k == 0, 0, k * log_spend))
        else:
            log_spend = spend if shift is None else spend + shift[some][:, None, :]
            each = domains[some] / np.exp(k[:, :, None] * log_spend)
            result[some] = np.log(_mean(each, _weights(year, choices.take(rows), domains.dtype)))
    result[:, ~year.ranked] = np.nan
    return result


def _weights(year: Year, choices: Choices, kind: np.dtype) -> Floats:
    """(R, D) weights of domains that add up to 1."""
    weights = year.domain_weights * choices.domain_weights
    return np.asarray((weights / weights.sum(axis=1, keepdims=True)).astype(kind))


def _mean(domains: Floats, weights: Floats) -> Floats:
    """(R, U) weighted mean over the domains with weight; NaN where one of them is missing."""
    # A domain without weight must not make a council's score missing, nor its own missing score count.
    return np.asarray((np.where(weights[:, :, None] > 0, domains, 0) * weights[:, :, None]).sum(axis=1))


def log_outcome(year: Year, domains: Floats, choices: Choices, lowest: float | None = None) -> Floats:
    """(R, U): logarithm of the outcome score, the weighted mean of domains that each replication chooses; NaN where one is missing.

    ValueError where an outcome, or a score under another than the arithmetic mean, is not positive and no `lowest` stands in.
    """
    weights = _weights(year, choices, domains.dtype)
    means = np.unique(choices.outcome_mean)
    outcome = np.empty((len(choices), domains.shape[-1]), dtype=domains.dtype)
    for mean in means:
        rows = slice(None) if len(means) == 1 else np.flatnonzero(choices.outcome_mean == mean)
        some = np.broadcast_to(domains, (len(choices), *domains.shape[1:]))[rows]
        if mean == "arithmetic":
            found = _mean(some, weights[rows])
            floor = LEAST_SCORE if lowest is not None else None
            outcome[rows] = np.log(_positive(found, floor, mean.item()))
        elif mean == "geometric":
            outcome[rows] = _mean(np.log(_positive(some, lowest, mean.item())), weights[rows])
        elif mean == "harmonic":
            outcome[rows] = -np.log(_mean(1 / _positive(some, lowest, mean.item()), weights[rows]))
        else:
            raise ValueError(f"no mean {mean.item()!r} over domains")
    return outcome


LEAST_SCORE = 1e-3
"""A drawn combination may bring a z-scored outcome to zero or below, where no ratio to spend ranks: it counts as this."""


def _positive(scores: Floats, lowest: float | None, mean: str) -> Floats:
    if lowest is not None:
        return np.maximum(scores, scores.dtype.type(lowest))
    if np.nanmin(scores, initial=np.inf) <= 0:
        raise ValueError(f"a ratio over {mean} means needs positive scores; use a scale that starts above zero")
    return scores


def standardised(outcome: Floats, log_spend: Floats, k: Floats) -> Floats:
    """(R, U): 100 + 10 (z of the outcome - k × z of the logarithm of spend) ÷ (1 + k), z over the councils that have both.

    The sample standard deviation; neither the origin nor the length of the outcome's scale changes a rank.
    """
    there = ~np.isnan(outcome) & ~np.isnan(log_spend)
    both = np.where(there, outcome, np.nan), np.where(there, log_spend, np.nan)
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


def domain_scores(year: Year, scores: Floats, choices: Choices, rules: Rules = Rules()) -> Floats:
    """(R, D, U): weighted mean of the measures of each domain; weights rescale over the measures there are.

    `scores` is (R, M, U), or (1, M, U) where all replications have the same. A score is missing exactly where the value is, but where the
    rule fills it. NaN below `min_coverage` of the domain's weight or `min_measures` with a score. ValueError if a domain has no weight, or
    if another than the arithmetic mean meets a score that is not positive and no `lowest` stands in.
    """

    def summed(matrix: Floats, rows: Indices, turn: Callable[[Floats], Floats]) -> Floats:
        if len(scores) == 1:
            return _times(matrix, turn(scores)[0])
        return np.asarray(matrix @ turn(scores if len(rows) == len(scores) else scores[rows]))

    return _domains(year, scores.dtype, choices, rules, summed)


def _domains(
    year: Year,
    kind: np.dtype,
    choices: Choices,
    rules: Rules,
    summed: Callable[[Floats, Indices, Callable[[Floats], Floats]], Floats],
) -> Floats:
    """(R, D, U): what `domain_scores` returns; `summed` gives (n, D, U) weighted sums of scores, as a mean adds them up, for n rows."""
    weights = year.measure_weights * choices.measure_weights
    gone = np.flatnonzero(choices.dropped >= 0)
    weights[gone, choices.dropped[gone]] = 0.0
    matrix = Level(year.domain_of, weights).matrix.astype(kind)
    belongs = (year.domain_of == np.arange(matrix.shape[1])[:, None]).astype(kind)
    whole = matrix.sum(axis=-1, keepdims=True)
    domains = np.empty((len(choices), matrix.shape[1], year.values.shape[1]), dtype=kind)
    there = ~np.isnan(year.values)
    for fill in np.unique(choices.fill_missing):
        known = there | (fill & there.any(axis=1, keepdims=True))
        complete = bool(known.all())
        few = belongs @ known.astype(kind) < rules.min_measures
        for mean in np.unique(choices.domain_mean):
            rows = np.flatnonzero((choices.fill_missing == fill) & (choices.domain_mean == mean))
            if not len(rows):
                continue
            of_rows = matrix if len(rows) == len(matrix) else matrix[rows]

            def turn(scores: Floats, mean: np.str_ = mean, known: NDArray[np.bool_] = known, complete: bool = complete) -> Floats:
                turned = scores if mean == "arithmetic" else _turned(scores, mean.item(), rules.lowest)
                return turned if complete else np.where(known, turned, kind.type(0))

            held = whole[rows] if complete else of_rows @ known.astype(kind)
            with np.errstate(invalid="ignore", divide="ignore"):
                found = summed(of_rows, rows, turn) / held
                found = found if mean == "arithmetic" else np.exp(found) if mean == "geometric" else 1 / found
            short = (held < rules.min_coverage * whole[rows] - 1e-6) | (held <= 0) | few
            if short.any():
                found[np.broadcast_to(short, found.shape)] = np.nan
            domains[rows] = found
    return domains


def _times(matrix: Floats, table: Floats) -> Floats:
    """(R, D, M) times one (M, U) as a single product."""
    return np.asarray((matrix.reshape(-1, matrix.shape[-1]) @ table).reshape(*matrix.shape[:2], -1))


def _turned(scores: Floats, mean: str, lowest: float | None) -> Floats:
    """Scores as the geometric or harmonic mean adds them up."""
    if mean not in ("geometric", "harmonic"):
        raise ValueError(f"no mean {mean!r} over measures")
    positive = _positive(scores, lowest, mean)
    return np.log(positive) if mean == "geometric" else 1 / positive
