"""Do the intervals hold: worlds whose truth is known, seen through the declared errors, and how often the truth is where it is said to be.

What belongs here: making worlds and scoring what the analysis says of them. What does not: any part of the analysis itself, which is called
as a run calls it. `make calibrate` writes the table that each release carries; a smaller version is a test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestration.analysis.draws import BLOCK, Draws
from orchestration.analysis.factors import Factors, factors_of, nominal, read_factors
from orchestration.analysis.problems import DefinitionYear, Problem, read_problems
from orchestration.analysis.rows import SHARE_WRONG, wrong_order
from orchestration.analysis.simulation import TOP, RankCounts, Study, simulate
from orchestration.index.aggregate import Floats
from orchestration.index.deconvolution import fit_prior
from orchestration.index.groups import finest_cut
from orchestration.index.intervals import calibrated, ranks_against, tables
from orchestration.index.monte_carlo import Indices, drawn, productivity, ranks
from orchestration.index.rank_sets import simultaneous_sets
from orchestration.settings import Settings

RATIOS = (0.2, 0.4, 0.7, 1.0, 1.5)
UNITS = 150
GROUPED = 20
"""Worlds in which groups are cut as well: it takes longest."""
COLUMNS = (
    "world",
    "noise_to_spread",
    "worlds",
    "coverage",
    "coverage_true_top_ten",
    "coverage_observed_top_ten",
    "coverage_worst_council",
    "mean_interval_width",
    "simultaneous_coverage",
    "mean_simultaneous_width",
    "expected_in_top_ten",
    "truly_in_top_ten",
    "misordered_between_groups",
)


@dataclass
class Score:
    """What is noted of each world; councils in the same order in all of them."""

    inside: list[Floats] = field(default_factory=list)
    width: list[float] = field(default_factory=list)
    observed_top: list[NDArray[np.bool_]] = field(default_factory=list)
    true_top: list[NDArray[np.bool_]] = field(default_factory=list)
    jointly: list[bool] = field(default_factory=list)
    joint_width: list[float] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    truly: list[float] = field(default_factory=list)
    misordered: list[float] = field(default_factory=list)

    def row(self, world: str, ratio: float) -> dict[str, object]:
        """One row of `COLUMNS`."""
        inside, true, seen = np.array(self.inside, dtype=float), np.array(self.true_top), np.array(self.observed_top)
        return dict(
            zip(
                COLUMNS,
                (
                    world,
                    ratio,
                    len(self.inside),
                    np.nanmean(inside),
                    np.nanmean(inside[true]),
                    np.nanmean(inside[seen]),
                    np.nanmin(np.nanmean(inside, axis=0)),
                    float(np.mean(self.width)),
                    float(np.mean(self.jointly)),
                    float(np.mean(self.joint_width)),
                    float(np.mean(self.expected)),
                    float(np.mean(self.truly)),
                    float(np.nanmean(self.misordered)) if self.misordered else float("nan"),
                ),
                strict=True,
            )
        )


def of_years(
    problem: Problem,
    factors: Factors,
    *,
    worlds: int,
    replications: int,
    seed: int,
    threads: int = 1,
    report: Callable[[str], None] = lambda _: None,
) -> list[dict[str, object]]:
    """One row for each ranked year: its own figures are the truth, seen through its declared errors with their correlation and bounds."""
    rows = []
    for position, year in enumerate(problem.years):
        if not year.is_ranked.any():
            continue
        score, ratio = Score(), []
        truth = _true_ranks(problem, year)
        for world in range(worlds):
            seen = observed(problem, position, seed, world)
            counts = simulate(
                seen, factors, replications=replications, seed=seed + 1 + world, threads=threads, method=False, pairs=True
            )
            counted = counts[year.financial_year]
            _note(score, counted, truth, _true_ranks(seen, seen.years[0]), np.flatnonzero(year.is_ranked))
            if counted.errors is not None and counted.places is not None:
                ratio.append(
                    np.sqrt((counted.errors**2).mean()) / np.sqrt(max(counted.places.var() - (counted.errors**2).mean(), 1e-9))
                )
        rows.append(score.row(year.financial_year, float(np.mean(ratio))))
        report(f"{year.financial_year}: {worlds} worlds, {rows[-1]['coverage']:.3f} of intervals hold the true rank")
    return rows


def observed(problem: Problem, position: int, seed: int, world: int) -> Problem:
    """The problem with one year alone, its figures drawn once with their errors: what would have been published of that truth."""
    year = problem.years[position]
    draws = Draws(seed, world // BLOCK, problem.areas)
    one = slice(world % BLOCK, world % BLOCK + 1)
    values = drawn(year.arrays, draws.values(year)[one])[0].astype(float)
    shifts = draws.spend(year)
    spend = {basis: of * np.exp(shifts[basis][one][0]) for basis, of in year.arrays.spend.items()}
    arrays = replace(year.arrays, values=values, spend=spend)
    seen = replace(year, arrays=arrays)
    found = _productivity(problem, seen)
    seen = replace(seen, rank=np.where(np.isnan(found), np.nan, ranks(np.where(np.isnan(found), np.nan, found)[None])[0]))
    return replace(problem, years=[seen], earlier=[np.full(len(year.councils), -1)])


def _productivity(problem: Problem, year: DefinitionYear) -> Floats:
    chosen = nominal(problem, year, 1)
    scales = {str(problem.definition["normalisation"]): problem.own_scale}
    found = productivity(
        year.arrays, scales, chosen, rules=Study(problem, Factors(problem, (), {})).rules, combination=problem.combination
    )
    return np.asarray(np.where(year.is_ranked, found[0], np.nan))


def _true_ranks(problem: Problem, year: DefinitionYear) -> Floats:
    return np.asarray(ranks(_productivity(problem, year)[None])[0])


def _note(score: Score, counted: RankCounts, truth: Floats, seen: Floats, ranked: Indices) -> None:
    low, high = counted.interval()
    known = ~np.isnan(truth) & ~np.isnan(low)
    score.inside.append(np.where(known, (low <= truth) & (truth <= high), np.nan)[ranked])
    score.width.append(float(np.nanmean((high - low)[ranked])))
    score.true_top.append((truth <= TOP)[ranked])
    score.observed_top.append((seen <= TOP)[ranked])
    chance = counted.probability_at_most(TOP)
    score.expected.append(float(np.nansum(chance[seen <= TOP])))
    score.truly.append(float((truth[seen <= TOP] <= TOP).sum()))
    if counted.places is not None and counted.errors is not None and counted.error_draws is not None:
        at = np.flatnonzero(~np.isnan(seen))
        sets = simultaneous_sets(counted.places, counted.errors, counted.error_draws)
        score.jointly.append(bool(((sets.best <= truth[at]) & (truth[at] <= sets.worst)).all()))
        score.joint_width.append(float((sets.worst - sets.best).mean()))
    if counted.above.any():
        order = ranked[np.argsort(seen[ranked], kind="stable")]
        cut = finest_cut(wrong_order(counted, order), SHARE_WRONG)
        apart = cut[:, None] < cut
        score.misordered.append(float((truth[order][:, None] > truth[order])[apart].mean()) if apart.any() else float("nan"))


def of_shapes(*, worlds: int, replications: int, seed: int) -> list[dict[str, object]]:
    """One row for each shape of truth and size of noise: 150 units with normal errors of unequal size."""
    return [
        _shape(kind, ratio, worlds=worlds, replications=replications, seed=seed + 1000 * n)
        for n, (kind, ratio) in enumerate((kind, ratio) for kind in SHAPES for ratio in RATIOS)
    ]


def _normal(rng: np.random.Generator) -> Floats:
    return rng.standard_normal(UNITS)


def _skewed(rng: np.random.Generator) -> Floats:
    return rng.gamma(1.5, 1.0, UNITS)


def _two_humped(rng: np.random.Generator) -> Floats:
    return np.where(rng.random(UNITS) < 0.5, -1.0, 1.0) + 0.35 * rng.standard_normal(UNITS)


SHAPES: dict[str, Callable[[np.random.Generator], Floats]] = {"normal": _normal, "skewed": _skewed, "two_humped": _two_humped}


def _shape(kind: str, ratio: float, *, worlds: int, replications: int, seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    score = Score()
    true = SHAPES[kind](rng)
    true = (true - true.mean()) / true.std()
    errors = np.exp(0.3 * rng.standard_normal(UNITS))
    errors *= ratio / np.sqrt((errors**2).mean())
    truth = ranks(true[None])[0]
    for _ in range(worlds):
        estimates = true + errors * rng.standard_normal(UNITS)
        place, deviation = (estimates - estimates.mean()) / estimates.std(), errors / estimates.std()
        normals = rng.standard_normal((replications, UNITS)).astype(np.float32)
        draws, own = calibrated(tables(fit_prior(place, deviation), deviation), place[None].astype(np.float32), normals)
        of_draws, of_own = ranks_against(draws, own)
        counted = RankCounts.empty(UNITS)
        for table, found in ((counted.at_rank, of_draws), (counted.own_rank, of_own)):
            table[:] = np.stack([np.bincount(found[:, unit], minlength=UNITS + 1) for unit in range(UNITS)])
        counted.places, counted.errors = place, deviation
        counted.error_draws = normals[:1000] * deviation.astype(np.float32)
        _note(score, counted, truth, ranks(estimates[None])[0], np.arange(UNITS))
    return score.row(kind, ratio)


def as_table(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """The rows with the columns of the seed, rounded as it is written."""
    return pd.DataFrame(rows, columns=list(COLUMNS)).round(3)


def calibrate(
    settings: Settings, *, worlds: int, shaped_worlds: int, replications: int, report: Callable[[str], None] = lambda _: None
) -> Path:
    """Make the table of `default` and write it where dbt reads it; returns the file. Takes minutes."""
    problems = read_problems(settings)
    default = next(problem for problem in problems if problem.definition_id == "default")
    factors = factors_of(read_factors(settings), default, default)
    rows = of_years(
        default, factors, worlds=worlds, replications=replications, seed=settings.seed, threads=settings.threads, report=report
    )
    rows += of_shapes(worlds=shaped_worlds, replications=replications, seed=settings.seed)
    file = settings.dbt_project_dir / "seeds" / "interval_coverage_by_world.csv"
    aside = file.with_suffix(".part")
    as_table(rows).to_csv(aside, index=False)
    aside.replace(file)
    return file
