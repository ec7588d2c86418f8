"""Replications of rankings under drawn figures and drawn choices, and how sure each rank is in the end.

What belongs here: which combination of data and choices is run for whom, and the counting. What does not: the draws (`draws.py`), the
arithmetic of the index (`index/monte_carlo.py`), the reading of intervals (`index/intervals.py`).

A replication has the figures as published under its choices (the place), and the same in a world as spread as the truth, without and with
errors (their difference is the error). Studies that score domains alike share the scores: definitions often differ in spend alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from orchestration.analysis.draws import BLOCK, Draws, Singles
from orchestration.analysis.factors import DATA, Factors, choices, nominal
from orchestration.analysis.problems import DefinitionYear, Problem
from orchestration.index.aggregate import Floats
from orchestration.index.deconvolution import as_spread_as_the_truth, fit_prior
from orchestration.index.intervals import calibrated, ranks_against, tables
from orchestration.index.monte_carlo import (
    LOWEST_IN_GEOMETRIC_MEAN,
    Choices,
    Indices,
    Rules,
    Year,
    domains_of,
    log_outcome,
    place,
    ranks,
)

T = TypeVar("T")
TOP: Final = 10
SCORE_FACTORS: Final = ("normalisation", "origin", "winsorising", "weights", "missing_rule", "dropped_measure")
"""Factors that change the scores of domains; the others change what is made of them."""


@dataclass(frozen=True)
class Study:
    """What is asked of a definition: whether data and choices are drawn, whose peers, whether pairs are counted, and what share of the
    replications it needs."""

    problem: Problem
    factors: Factors
    data: bool = True
    method: bool = True
    peers: Mapping[str, Indices] | None = None
    pairs: bool = False
    share: float = 1.0

    @cached_property
    def draws_data(self) -> bool:
        return self.data and DATA in self.factors.varied

    def replications(self, of: int) -> int:
        """Its own number: whole blocks, at least one and at most `of`."""
        return min(of, max(-(-round(of * self.share) // BLOCK), 1) * BLOCK)

    @property
    def years(self) -> list[str]:
        """Those that are ranked."""
        return [year.financial_year for year in self.problem.years if year.is_ranked.any()]

    def depends_on(self, label: str) -> tuple[object, ...]:
        """All that the results of one of its years are made from, but the settings: the definition and its choices, and the year with those in
        its window and where the same councils stand in them."""
        of = self.problem
        position = next(n for n, year in enumerate(of.years) if year.financial_year == label)
        first = max(position - of.window + 1, 0)
        return (
            (self.data, self.method, self.pairs, self.share, None if self.peers is None else self.peers.get(label)),
            (of.definition, of.areas, self.factors.definition.definition, self.factors.varied, self.factors.alternatives),
            of.years[first : position + 1],
            of.earlier[max(first - 1, 0) : position + 1],
        )

    @property
    def rules(self) -> Rules:
        of = self.problem
        return Rules(of.number("min_domain_coverage"), int(of.number("min_domain_measures")), LOWEST_IN_GEOMETRIC_MEAN)

    def choices(self, year: DefinitionYear, draws: Draws, size: int) -> Choices:
        """Choices of a block's replications; one row where none is drawn."""
        if not self.method:
            return nominal(self.problem, year, 1)
        return choices(self.factors, year, *draws.uniforms(year)).take(np.arange(size))

    def scores_by(self, year: DefinitionYear) -> str:
        """What decides the scores of domains: studies with the same share them."""
        named = {
            f: self.problem.definition[f] for f in ("normalisation", "winsorise_lower", "winsorise_upper", "domain_aggregation")
        }
        varied = [f for f in SCORE_FACTORS if self.method and f in self.factors.varied]
        scales: object = sorted(self.factors.scales.items()) if varied else self.problem.own_scale
        return repr(
            (named, varied, scales, self.rules, self.problem.definition["weight_set"], _digest(year.arrays), year.errors.sources)
        )


def _digest(arrays: Year) -> str:
    """Of all that scores are made from."""
    parts = (
        arrays.values,
        arrays.standard_errors,
        arrays.least,
        arrays.most,
        arrays.worst,
        arrays.best,
        arrays.domain_of,
        arrays.polarity,
        arrays.reference,
        arrays.measure_weights,
        arrays.domain_weights,
    )
    return hashlib.sha256(b"|".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


@dataclass
class RankCounts:
    """How often each council of a year had each rank, beat each other council, and stood above its peers' median; and its interval.

    at_rank: (U, U + 1) of calibrated draws, column 0 for no rank. own_rank: the same of the draws that the ends of the interval are read
    from. above: (U, U), row beats column. snapshots: own_rank after so many replications. level: at which the interval holds 90 %, NaN where
    the figures are not drawn. places, errors, error_draws: (n,), (n,) and (R, n) of the ranked councils, standardised: what sets that hold
    for everybody are made from; None where the figures are not drawn.
    """

    at_rank: Indices
    own_rank: Indices
    above: Indices
    above_peers: Indices
    replications: int = 0
    peer_replications: int = 0
    snapshots: dict[int, Indices] = field(default_factory=dict)
    level: float = float("nan")
    places: Floats | None = None
    errors: Floats | None = None
    error_draws: Singles | None = None

    @classmethod
    def empty(cls, units: int) -> RankCounts:
        table = np.zeros((units, units + 1), dtype=np.int64)
        return cls(table, table.copy(), np.zeros((units, units), dtype=np.int64), np.zeros(units, dtype=np.int64))

    def quantile(self, share: float) -> Floats:
        """(U,): the smallest rank that at least `share` of the ranked replications do not exceed; NaN if never ranked."""
        return rank_quantile(self.at_rank, share)

    def interval(self) -> tuple[Floats, Floats]:
        """((U,), (U,)): the better and the worse end of the 90 % interval.

        It holds the middle half of the calibrated draws: where errors are far from normal its two readings may lie apart.
        """
        return (
            np.fmin(rank_quantile(self.own_rank, 0.05), self.quantile(0.25)),
            np.fmax(rank_quantile(self.own_rank, 0.95), self.quantile(0.75)),
        )

    def probability_at_most(self, rank: float) -> Floats:
        """(U,): share of replications, in which the council is ranked, with this rank or a better one."""
        return np.asarray(self.at_rank[:, 1 : int(rank) + 1].sum(axis=1) / self.ranked)

    @property
    def ranked(self) -> Floats:
        times = self.at_rank[:, 1:].sum(axis=1).astype(float)
        return np.where(times > 0, times, np.nan)


def rank_quantile(at_rank: Indices, share: float) -> Floats:
    """Quantile of ranks from their counts, (U, U + 1) with column 0 for no rank."""
    cumulated = at_rank[:, 1:].cumsum(axis=1)
    times = cumulated[:, -1:]
    reached = (cumulated >= share * times - 1e-9).argmax(axis=1) + 1.0
    return np.where(times[:, 0] > 0, reached, np.nan)


@dataclass
class _Annual:
    """Places (`monte_carlo.place`) of one year: (R or 1, U) as published, (R or 1, U) without and (R, U) with errors in the world as spread as
    the truth; nominal (1, U) as published under the definition's own choices."""

    place: Singles
    quiet: Singles | None
    noisy: Singles | None
    nominal: Singles


def simulate(
    problem: Problem,
    factors: Factors,
    *,
    replications: int,
    seed: int,
    threads: int,
    data: bool = True,
    method: bool = True,
    peers: Mapping[str, Indices] | None = None,
    snapshots: Sequence[int] = (),
    pairs: bool = False,
) -> dict[str, RankCounts]:
    """One study: counts by financial year, of every ranked year. ValueError unless replications is positive."""
    study = Study(problem, factors, data, method, peers, pairs)
    return simulate_all([study], replications=replications, seed=seed, threads=threads, snapshots=snapshots)[0]


def simulate_all(
    studies: Sequence[Study],
    *,
    replications: int,
    seed: int,
    threads: int,
    snapshots: Sequence[int] = (),
    wanted: Collection[tuple[int, str]] | None = None,
) -> list[dict[str, RankCounts]]:
    """Replicate the ranking of every ranked year of each study; counts by financial year, in the order of the studies.

    Results do not depend on what is asked for together: `wanted` are the (number of the study, financial year) that are, or None for all.
    `snapshots` are numbers of replications after which the interval is kept. ValueError unless replications is positive.
    """
    if replications < 1:
        raise ValueError(f"{replications} replications: at least one is needed")
    counts: list[dict[str, RankCounts]] = [{} for _ in studies]
    annual: list[dict[str, _Annual]] = [{} for _ in studies]
    labels = sorted({year.financial_year for study in studies for year in study.problem.years})
    for label in labels:
        asked = [
            (number, study, position)
            for number, study in enumerate(studies)
            for position, year in enumerate(study.problem.years)
            if year.financial_year == label and _is_needed(number, study, position, wanted)
        ]
        made = _replicate(asked, replications=replications, seed=seed, threads=threads)
        for (number, study, position), found in zip(asked, made, strict=True):
            annual[number][label] = found
            # a window looks back no further
            for old in [y.financial_year for y in study.problem.years[: max(position - study.problem.window + 1, 0)]]:
                annual[number].pop(old, None)
        ranked = [
            one for one in asked if one[1].problem.years[one[2]].is_ranked.any() and (wanted is None or (one[0], label) in wanted)
        ]

        def finished(at: int, ranked: list[tuple[int, Study, int]] = ranked) -> RankCounts:
            number, study, position = ranked[at]
            return _counted(
                study,
                position,
                _over_window(study.problem, position, annual[number]),
                study.replications(replications),
                snapshots,
            )

        for at, found_counts in in_order(finished, len(ranked), threads):
            counts[ranked[at][0]][label] = found_counts
    return counts


def _is_needed(number: int, study: Study, position: int, wanted: Collection[tuple[int, str]] | None) -> bool:
    """Whether a year is asked for, or stands in the window of one that is."""
    if wanted is None:
        return study.problem.window > 1 or bool(study.problem.years[position].is_ranked.any())
    return any((number, y.financial_year) in wanted for y in study.problem.years[position : position + study.problem.window])


@dataclass(frozen=True)
class _Asked:
    """A study and one of its years, with what does not change from block to block."""

    study: Study
    year: DefinitionYear
    world: Year
    """As spread as the truth."""
    scores_by: str
    outcome_by: str


def _replicate(asked: Sequence[tuple[int, Study, int]], *, replications: int, seed: int, threads: int) -> list[_Annual]:
    """The productivities of one year, for each study that is asked for it."""
    worlds: dict[str, Year] = {}
    every = []
    for _, study, position in asked:
        year = study.problem.years[position]
        digest = _digest(year.arrays)
        if digest not in worlds:
            values = as_spread_as_the_truth(year.arrays.values, year.arrays.standard_errors)
            worlds[digest] = replace(year.arrays, values=values.astype(np.float32))
        scores_by = f"{study.scores_by(year)}|{study.draws_data}|{study.method}|{digest}"
        outcome_by = repr((scores_by, study.problem.definition["outcome_aggregation"], "aggregation" in study.factors.varied))
        every.append(
            _Asked(
                study, year, replace(worlds[digest], spend=year.arrays.spend, ranked=year.arrays.ranked), scores_by, outcome_by
            )
        )
    quiet_scores: dict[str, dict[tuple[object, ...], Floats]] = {}

    def block(number: int) -> list[_Annual | None]:
        size = min(BLOCK, replications - number * BLOCK)
        draws = Draws(seed, number, asked[0][1].problem.areas)
        shared: dict[str, tuple[Floats, Floats | None, Floats | None]] = {}
        return [
            _productivities(one, draws, size, shared, quiet_scores)
            if number * BLOCK < one.study.replications(replications)
            else None
            for one in every
        ]

    parts: list[list[_Annual]] = [[] for _ in asked]
    for _, found in in_order(block, -(-replications // BLOCK) if asked else 0, threads):
        for at, part in enumerate(found):
            if part is not None:
                parts[at].append(part)
    return [
        _Annual(
            _joined([p.place for p in part]), _joined([p.quiet for p in part]), _joined([p.noisy for p in part]), part[0].nominal
        )
        for part in parts
    ]


@overload
def _joined(parts: list[Singles]) -> Singles: ...
@overload
def _joined(parts: list[Singles | None]) -> Singles | None: ...
def _joined(parts: Sequence[Singles | None]) -> Singles | None:
    """Blocks one after another; one row where none differs from another; None where there are none."""
    there = [part for part in parts if part is not None]
    if not there:
        return None
    return there[0] if all(len(part) == 1 for part in there) else np.concatenate(there)


Scored = tuple[Floats, Floats | None, Floats | None]
"""Of the figures as published; of the world as spread as the truth, without and with errors."""


def _productivities(
    asked: _Asked, draws: Draws, size: int, shared: dict[str, Scored], known: dict[str, dict[tuple[object, ...], Floats]]
) -> _Annual:
    study, year, rules = asked.study, asked.year, asked.study.rules
    problem, scales = study.problem, study.factors.scales
    chosen, nominal_choice = study.choices(year, draws, size), nominal(problem, year, 1)
    every = chosen if study.method else nominal(problem, year, size)
    arrays = replace(asked.world, values=year.arrays.values.astype(np.float32))
    if asked.scores_by not in shared:
        quiet = noisy = None
        own, world = (known.setdefault(f"{kind}|{asked.scores_by}", {}) for kind in ("own", "world"))
        published = domains_of(arrays, scales, chosen, None, rules, known=own)
        if study.draws_data:
            quiet = domains_of(asked.world, scales, chosen, None, rules, known=world)
            noisy = domains_of(asked.world, scales, every, draws.values(year)[:size], rules)
        shared[asked.scores_by] = published, quiet, noisy
    published, quiet, noisy = shared[asked.scores_by]
    if asked.outcome_by not in shared:
        shared[asked.outcome_by] = (
            log_outcome(arrays, published, chosen, rules.lowest),
            None if quiet is None else log_outcome(arrays, quiet, chosen, rules.lowest),
            None if noisy is None else log_outcome(arrays, noisy, every, rules.lowest),
        )
    outcome: Floats | None
    outcome, quiet_outcome, noisy_outcome = shared[asked.outcome_by]

    def placed(domains: Floats, of: Choices, shift: Mapping[str, NDArray] | None, outcome: Floats | None) -> Singles:
        found = place(arrays, domains, of, shift, lowest=rules.lowest, combination=problem.combination, outcome=outcome)
        return found.astype(np.float32, copy=False)

    own_place = placed(
        domains_of(arrays, scales, nominal_choice, None, rules, known=known.setdefault(f"own|{asked.scores_by}", {})),
        nominal_choice,
        None,
        None,
    )
    if quiet is None or noisy is None:
        return _Annual(placed(published, chosen, None, outcome), None, None, own_place)
    history, shift = draws.history(year), draws.spend(year)
    if history is None:
        moved = None
        shifts = {basis: log[:size] for basis, log in shift.items()}
    else:
        moved = dict.fromkeys(year.arrays.spend, history[:size])
        shifts = {basis: log[:size] + history[:size] for basis, log in shift.items()}
        if len(chosen) < size:
            published, quiet, chosen = np.repeat(published, size, axis=0), np.repeat(quiet, size, axis=0), every
            outcome = quiet_outcome = None
    return _Annual(
        placed(published, chosen, moved, outcome),
        placed(quiet, chosen, moved, quiet_outcome),
        placed(noisy, every, shifts, noisy_outcome),
        own_place,
    )


def _over_window(problem: Problem, position: int, annual: Mapping[str, _Annual]) -> _Annual:
    """The mean over the definition's window of years, each council with its own earlier years; NaN where one is missing."""
    years = problem.years

    def total(part: Callable[[_Annual], Singles | None]) -> Singles | None:
        now = part(annual[years[position].financial_year])
        if now is None or problem.window == 1:
            return now
        back_from, forth_to = (np.asarray, np.asarray) if problem.combination == "standardised" else (np.exp, np.log)
        summed, rows = back_from(now), np.arange(len(years[position].councils))
        for back in range(1, problem.window):
            earlier = problem.earlier[position - back + 1] if position - back + 1 >= 0 else np.full(len(rows), -1)
            rows = np.where(rows >= 0, earlier[np.maximum(rows, 0)], -1)
            if not (rows >= 0).any():
                return np.full_like(summed, np.nan)
            before = part(annual[years[position - back].financial_year])
            if before is None:
                return None
            summed = summed + np.where(rows >= 0, back_from(before)[:, np.maximum(rows, 0)], np.float32(np.nan))
        return np.asarray(forth_to(summed / np.float32(problem.window)), dtype=np.float32)

    here = years[position].is_ranked

    def ranked_only(found: Singles | None) -> Singles | None:
        return None if found is None else np.where(here, found, np.float32(np.nan))

    published, own = ranked_only(total(lambda a: a.place)), ranked_only(total(lambda a: a.nominal))
    if published is None or own is None:
        raise AssertionError("every year has its places")
    return _Annual(published, ranked_only(total(lambda a: a.quiet)), ranked_only(total(lambda a: a.noisy)), own)


def _counted(study: Study, position: int, found: _Annual, replications: int, snapshots: Sequence[int]) -> RankCounts:
    """Ranks of the calibrated draws, counted; of the plain ones where no figure is drawn."""
    year = study.problem.years[position]
    units = len(year.councils)
    counted = RankCounts.empty(units)
    peers = None if study.peers is None else study.peers.get(year.financial_year)
    drawn = _calibrate(found, counted)
    for start in range(0, replications, BLOCK):
        size = min(BLOCK, replications - start)
        if drawn is None:
            product = np.broadcast_to(found.place[start : start + size] if len(found.place) > 1 else found.place, (size, units))
            of_draws = np.nan_to_num(ranks(product.astype(float))).astype(np.int64)
            of_own = of_draws
        else:
            product, of_draws, of_own = drawn(start, size)
        _add(counted.at_rank, of_draws)
        _add(counted.own_rank, of_own)
        if study.pairs:
            placed = np.where(of_draws == 0, units + 1, of_draws).astype(np.int16)
            counted.above += (placed[:, :, None] < placed[:, None, :]).sum(axis=0)
        if peers is not None and start < PEER_REPLICATIONS:
            counted.above_peers += _above_peers(of_draws, product, peers)
            counted.peer_replications = start + size
        counted.replications = start + size
        if any(start < wanted <= start + size for wanted in snapshots):
            counted.snapshots[start + size] = counted.own_rank.copy()
    return counted


def _calibrate(found: _Annual, counted: RankCounts) -> Callable[[int, int], tuple[Singles, Indices, Indices]] | None:
    """What makes a block of calibrated draws and their ranks; None where no figure is drawn or nothing differs."""
    if found.quiet is None or found.noisy is None:
        return None
    units = found.place.shape[1]
    columns = np.flatnonzero(~np.isnan(found.nominal[0]))
    nominal_place = found.nominal[:, columns]
    if len(columns) < 5 or np.ptp(nominal_place) == 0:
        return None
    published, quiet, noisy = (np.ascontiguousarray(part[:, columns]) for part in (found.place, found.quiet, found.noisy))
    # every choice has a scale of its own: all are read in standard deviations of councils
    centre, spread = np.nanmean(published, axis=1, keepdims=True), np.nanstd(published, axis=1, keepdims=True)
    published = (published - centre) / spread
    error = noisy - quiet
    error /= spread
    error -= np.nanmean(error, axis=1, keepdims=True)
    # a choice may leave a council without a score in every replication
    bias, deviation = np.nan_to_num(np.nanmean(error, axis=0)), np.nan_to_num(np.nanstd(error, axis=0))
    error -= bias
    deviation = np.maximum(deviation, LEAST_ERROR)
    normals = error / deviation
    # what scaling does to noisy figures is told from a world that is itself told from noisy figures: the correction errs about as much
    # as it corrects
    deviation = np.sqrt(deviation**2 + np.mean(bias**2))
    published -= bias
    own_place = ((nominal_place - nominal_place.mean()) / nominal_place.std())[0].astype(float) - bias
    prior = fit_prior(own_place, deviation.astype(float))
    made = tables(prior, deviation.astype(float))
    counted.level, counted.places, counted.errors = made.level, own_place, deviation.astype(float)
    counted.error_draws = normals[:SET_DRAWS] * deviation

    def block(start: int, size: int) -> tuple[Singles, Indices, Indices]:
        rows = slice(start, start + size)
        draws, own = calibrated(made, published[rows] if len(published) > 1 else published, normals[rows])
        of_draws, of_own = ranks_against(draws, own)
        wide = np.full((size, units), np.nan, dtype=np.float32)
        wide[:, columns] = draws
        all_draws, all_own = np.zeros((size, units), dtype=np.int64), np.zeros((size, units), dtype=np.int64)
        all_draws[:, columns], all_own[:, columns] = of_draws, of_own
        return wide, all_draws, all_own

    return block


LEAST_ERROR: Final = 1e-4
"""Standard deviations of councils: an error below it moves no rank."""
PEER_REPLICATIONS: Final = 2048
"""Replications in which a council is held against its peers: a share to within two points."""
SET_DRAWS: Final = 1000
"""Draws of errors that are kept for sets that hold for everybody at once."""


def _add(table: Indices, ranked: Indices) -> None:
    units = table.shape[0]
    table += np.bincount((ranked + np.arange(units) * (units + 1)).ravel(), minlength=units * (units + 1)).reshape(table.shape)


def _above_peers(ranked: Indices, product: NDArray, peers: Indices) -> Indices:
    """(U,): in how many replications each stands above the median of its peers, by (R, U) ranks, 0 for none, and products."""
    places = np.where(ranked == 0, NOWHERE, ranked).astype(np.int16)
    theirs = places[:, np.maximum(peers, 0)]
    there = (peers >= 0) & (theirs != NOWHERE)
    known = there.sum(axis=-1, dtype=np.int8)
    below = ((theirs > places[:, :, None]) & there).sum(axis=-1, dtype=np.int8)
    # of an odd number the median is one of them; of an even one the mean of two, between which the council may stand
    above = 2 * below > known
    row, unit = np.nonzero((known % 2 == 0) & (2 * below == known) & (known > 0))
    if len(row):
        of_them = np.where(there[row, unit], product[row[:, None], np.maximum(peers, 0)[unit]], np.nan)
        above[row, unit] = product[row, unit] > np.nanmedian(of_them, axis=-1)
    above &= places != NOWHERE
    return np.asarray(above.sum(axis=0))


NOWHERE: Final = np.iinfo(np.int16).max
"""Where a council without a rank stands: behind all others."""


def in_order(work: Callable[[int], T], blocks: int, threads: int) -> Iterator[tuple[int, T]]:
    """Results of `work` on block numbers, in order; at most a few blocks wait at a time. NumPy lets threads run side by side."""
    if threads <= 1:
        for number in range(blocks):
            yield number, work(number)
        return
    with ThreadPoolExecutor(max_workers=threads) as pool:
        waiting = [pool.submit(work, number) for number in range(min(blocks, 2 * threads))]
        for number in range(blocks):
            yield number, waiting[number % len(waiting)].result()
            if (following := number + len(waiting)) < blocks:
                waiting[number % len(waiting)] = pool.submit(work, following)
