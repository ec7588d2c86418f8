"""The simulations: replications of a ranking under drawn data and drawn choices, what each choice moves, and what one measure does.

Every draw comes from a generator named by (seed, what is drawn, year, block), a block being BLOCK replications. So results do not
depend on how many threads share the work, nor on which years or definitions are asked for beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from orchestration.analysis.factors import DATA, IDENTITY, WEIGHTS, Factors, choices, nominal
from orchestration.analysis.problems import DefinitionYear, Problem
from orchestration.index.aggregate import Floats
from orchestration.index.monte_carlo import LOWEST_IN_GEOMETRIC_MEAN, Choices, Indices, productivity, ranks
from orchestration.index.replications import mean_rank_change
from orchestration.index.sensitivity import SobolIndices, base_samples, sobol_indices

T = TypeVar("T")
Singles = NDArray[np.float32]
BLOCK: Final = 256
"""Replications at a time: few enough that a block stays in the processor's cache."""
SCALARS: Final = tuple(name for name in IDENTITY if name not in (DATA, WEIGHTS))
UNIFORMS, WEIGHT_UNIFORMS, VALUE_NOISE, SPEND_NOISE = range(4)
TOP: Final = 10


@dataclass
class RankCounts:
    """How often each council of a year had each rank, beat each other council, and stood above its peers' median.

    at_rank: (U, U + 1), column 0 for no rank. above: (U, U), row beats column. snapshots: at_rank after so many replications.
    """

    at_rank: Indices
    above: Indices
    above_peers: Indices
    replications: int = 0
    snapshots: dict[int, Indices] = field(default_factory=dict)

    def quantile(self, share: float) -> Floats:
        """(U,): the smallest rank that at least `share` of the ranked replications do not exceed; NaN if never ranked."""
        return rank_quantile(self.at_rank, share)

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


def simulate(
    problem: Problem, factors: Factors, *, replications: int, seed: int, threads: int, data: bool = True, method: bool = True,
    peers: Mapping[str, Indices] | None = None, snapshots: Sequence[int] = (), pairs: bool = False,
) -> dict[str, RankCounts]:  # fmt: skip
    """Replicate the ranking of every ranked year; returns counts by financial year.

    `data` draws values and spend from their intervals, `method` draws the varied factors. `peers` has for each year (U, k) rows of
    each council's peers, -1 for none. `snapshots` are numbers of replications after which the counts are kept. ValueError unless
    replications is positive.
    """
    if replications < 1:
        raise ValueError(f"{replications} replications: at least one is needed")
    counts = {
        year.financial_year: RankCounts(
            np.zeros((len(year.councils), len(year.councils) + 1), dtype=np.int64),
            np.zeros((len(year.councils), len(year.councils)), dtype=np.int64),
            np.zeros(len(year.councils), dtype=np.int64),
        )
        for year in problem.years
        if year.is_ranked.any()
    }
    data = data and DATA in factors.varied

    def block(number: int) -> dict[str, tuple[Indices, Indices, Indices]]:
        size = min(BLOCK, replications - number * BLOCK)
        found = {}
        for year, product in _productivities(problem, factors, seed, number, data=data, method=method):
            if year.financial_year in counts:
                of_peers = None if peers is None else peers.get(year.financial_year)
                found[year.financial_year] = _counted(product[:size], of_peers, pairs)
        return found

    for number, found in _in_order(block, -(-replications // BLOCK), threads):
        done = min((number + 1) * BLOCK, replications)
        for name, (at_rank, above, above_peers) in found.items():
            counted = counts[name]
            counted.at_rank += at_rank
            counted.above += above
            counted.above_peers += above_peers
            counted.replications = done
            if any(done - BLOCK < wanted <= done for wanted in snapshots):
                counted.snapshots[done] = counted.at_rank.copy()
    return counts


@dataclass(frozen=True)
class YearSensitivity:
    """Sobol indices of one year: output 0 is the mean rank change against the nominal ranking, the rest the rank of each council."""

    factors: tuple[str, ...]
    councils: list[str]
    indices: SobolIndices
    samples: int


def sensitivity(
    problem: Problem, factors: Factors, *, samples: int, resamples: int, seed: int, threads: int
) -> dict[str, YearSensitivity]:
    """First-order and total Sobol indices of every varied factor, for each ranked year of a definition of one-year windows.

    Vectors of weights and the data are one factor each: sample B's whole vector takes the place of sample A's. A council that some
    combination leaves unranked has NaN indices. ValueError unless `samples` is a power of two and at least BLOCK.
    """
    if samples < BLOCK:
        raise ValueError(f"{samples} samples: at least {BLOCK} are needed")
    varied = factors.varied
    scalars = [name for name in SCALARS if name in varied]
    a_uniforms, b_uniforms = base_samples(samples, len(SCALARS), seed)
    blocks = samples // BLOCK
    results = {}
    for year in (y for y in problem.years if y.is_ranked.any()):

        def block(number: int, year: DefinitionYear = year) -> Floats:
            rows = slice(number * BLOCK, (number + 1) * BLOCK)
            sides = []
            for side, uniforms in ((0, a_uniforms), (blocks, b_uniforms)):
                named = {name: uniforms[rows, n] for n, name in enumerate(SCALARS)}
                weights = _uniforms(problem, seed + 1, number + side)[1]
                sides.append((named, weights, _noise(year, seed + 1, number + side)))
            (a, a_weights, a_noise), (b, b_weights, b_noise) = sides
            designs = [(a, a_weights, a_noise), (b, b_weights, b_noise)]
            for name in varied:
                designs.append(
                    (
                        a | {name: b[name]} if name in scalars else a,
                        b_weights if name == WEIGHTS else a_weights,
                        b_noise if name == DATA else a_noise,
                    )
                )
            found = []
            for named, weights, (noise, spend_noise) in designs:
                chosen = choices(factors, year, named, weights)
                product = productivity(
                    year.arrays, factors.scales, chosen, noise if DATA in varied else None, spend_noise if DATA in varied else None,
                    lowest=LOWEST_IN_GEOMETRIC_MEAN, combination=problem.combination,
                )  # fmt: skip
                found.append(ranks(product[:, year.is_ranked]))
            return np.stack(found)

        ranked = np.concatenate([found for _, found in _in_order(block, blocks, threads)], axis=1)
        change = mean_rank_change(ranked, year.rank[year.is_ranked])[..., None]
        outputs = np.concatenate([change, ranked], axis=-1)
        results[year.financial_year] = YearSensitivity(
            varied,
            [c for c, there in zip(year.councils, year.is_ranked, strict=True) if there],
            sobol_indices(outputs[0], outputs[1], outputs[2:], resamples=resamples, seed=seed),
            samples,
        )
    return results


@dataclass(frozen=True)
class Dropped:
    """The nominal ranking without one measure or one domain: (U,) ranks among the councils that had one."""

    kind: str
    name: str
    rank: Floats


def drop_one(problem: Problem, year: DefinitionYear) -> list[Dropped]:
    """The ranking of `year` without each measure and each domain in turn. What stands alone cannot be left out."""
    arrays = year.arrays
    per_domain = np.bincount(arrays.domain_of)
    measures = [m for m in range(len(year.measures)) if per_domain[arrays.domain_of[m]] > 1]
    domains = list(range(len(year.domains))) if len(year.domains) > 1 else []
    chosen = nominal(problem, year, len(measures) + len(domains))
    chosen.dropped[: len(measures)] = measures
    for row, domain in enumerate(domains, start=len(measures)):
        chosen.domain_weights[row, domain] = 0.0
    scales = {str(problem.definition["normalisation"]): problem.own_scale}
    product = productivity(arrays, scales, chosen, combination=problem.combination)
    ranked = ranks(np.where(year.is_ranked, product, np.nan))
    names = [("measure", year.measures[m]) for m in measures] + [("domain", year.domains[d]) for d in domains]
    return [Dropped(kind, name, ranked[row]) for row, (kind, name) in enumerate(names)]


def _productivities(
    problem: Problem, factors: Factors, seed: int, number: int, *, data: bool, method: bool
) -> Iterator[tuple[DefinitionYear, Floats]]:  # fmt: skip
    """Each year's (BLOCK, U) productivities, over the definition's window of years; NaN for councils that are not ranked."""
    scales = factors.scales
    uniforms, weights = _uniforms(problem, seed, number)
    annual: list[Floats] = []
    for position, year in enumerate(problem.years):
        if problem.window == 1 and not year.is_ranked.any():
            annual.append(np.empty(0))
            continue
        chosen = choices(factors, year, uniforms, weights) if method else _repeated(problem, year)
        noise, spend_noise = _noise(year, seed, number) if data else (None, None)
        product = productivity(
            year.arrays, scales, chosen, noise, spend_noise, lowest=LOWEST_IN_GEOMETRIC_MEAN, combination=problem.combination,
            min_domain_coverage=problem.number("min_domain_coverage"), min_domain_measures=int(problem.number("min_domain_measures")),
        )  # fmt: skip
        annual.append(product)
        rows = np.arange(len(year.councils))
        total = product.copy()
        for back in range(1, problem.window):
            earlier = problem.earlier[position - back + 1]
            rows = np.where(rows >= 0, earlier[np.maximum(rows, 0)], -1)
            if not (rows >= 0).any():
                total[:] = np.nan
                break
            before = annual[position - back]
            total = total + np.where(rows >= 0, before[:, np.maximum(rows, 0)], np.nan)
        yield year, np.where(year.is_ranked, total / problem.window, np.nan)


def _repeated(problem: Problem, year: DefinitionYear) -> Choices:
    return nominal(problem, year, BLOCK)


def _generator(seed: int, *name: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=name)))


def _uniforms(problem: Problem, seed: int, number: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """(BLOCK,) uniforms for each scalar factor, and for each measure and domain."""
    scalars = _generator(seed, UNIFORMS, number).random((len(SCALARS), BLOCK))
    names = sorted({name for year in problem.years for name in (*year.measures, *year.domains)})
    weights = _generator(seed, WEIGHT_UNIFORMS, number).random((len(names), BLOCK))
    return dict(zip(SCALARS, scalars, strict=True)), dict(zip(names, weights, strict=True))


def _noise(year: DefinitionYear, seed: int, number: int) -> tuple[Singles, Singles]:
    """Standard normals: (BLOCK, M, U) for values and (BLOCK, U) for spend. Single precision is drawn: noise needs no more."""
    when = int(year.financial_year[:4])
    values = _generator(seed, VALUE_NOISE, when, number).standard_normal((BLOCK, *year.arrays.values.shape), dtype=np.float32)
    spend = _generator(seed, SPEND_NOISE, when, number).standard_normal((BLOCK, len(year.councils)), dtype=np.float32)
    return values, spend


def _counted(product: Floats, peers: Indices | None, pairs: bool) -> tuple[Indices, Indices, Indices]:
    ranked = np.nan_to_num(ranks(product)).astype(np.int64)
    units = ranked.shape[1]
    flat = ranked + np.arange(units) * (units + 1)
    at_rank = np.bincount(flat.ravel(), minlength=units * (units + 1)).reshape(units, units + 1)
    above = np.zeros((units, units), dtype=np.int64)
    if pairs:
        placed = np.where(ranked == 0, units + 1, ranked).astype(np.int16)
        above = (placed[:, :, None] < placed[:, None, :]).sum(axis=0)
    above_peers = np.zeros(units, dtype=np.int64)
    if peers is not None:
        theirs = np.sort(np.where(peers >= 0, product[:, np.maximum(peers, 0)], np.nan), axis=-1)
        known = np.sum(~np.isnan(theirs), axis=-1, keepdims=True)
        low, high = np.maximum((known - 1) // 2, 0), np.maximum(known // 2, 0)
        high = np.minimum(high, np.maximum(known - 1, 0))
        median = (np.take_along_axis(theirs, low, -1) + np.take_along_axis(theirs, high, -1))[..., 0] / 2
        above_peers = (product > median).sum(axis=0)
    return at_rank, above, above_peers


def _in_order(work: Callable[[int], T], blocks: int, threads: int) -> Iterator[tuple[int, T]]:
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
