"""All studies of a run, and their tables into the warehouse.

The definition `default` is studied in full; every other has its rank intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.analysis import rows as made
from orchestration.analysis.error_checks import error_checks
from orchestration.analysis.factors import factors_of, read_factors
from orchestration.analysis.influence import drop_one, sensitivity
from orchestration.analysis.problems import DefinitionYear, Problem, read_problems
from orchestration.analysis.simulation import RankCounts, Study, simulate_all
from orchestration.analysis.spend_share import spend_share_and_stability
from orchestration.analysis.tables import TABLES
from orchestration.index.monte_carlo import Indices
from orchestration.settings import Settings
from orchestration.warehouse.connection import connect

DEFAULT = "default"
RESAMPLES = 200
KINDS = {(True, True): "both", (True, False): "data", (False, True): "method"}
"""Whether figures and choices are drawn, and what the uncertainty is then of."""
SHARE_OF_OTHERS = 0.25
"""Of the replications, how many every other definition than `default` has: the ends of its intervals are sure to about a place."""


@dataclass(frozen=True)
class Analysed:
    """What the stage made: the tables by name, and what was varied for the default definition."""

    frames: dict[str, pd.DataFrame]
    varied: tuple[str, ...]


def analyse(settings: Settings, report: Callable[[str], None] = lambda _: None) -> Analysed:
    """Simulate, and write each table of `TABLES` to schema marts. ValueError when the factors or sizes cannot be used."""
    problems = read_problems(settings)
    declared = read_factors(settings)
    default = next((p for p in problems if p.definition_id == DEFAULT), None)
    if default is None:
        raise ValueError(f"There is no definition {DEFAULT!r}: what is varied for a definition is told from it.")
    peers = dict(zip((p.definition_id for p in problems), _peers(settings, problems), strict=True))
    snapshots = [2**n for n in range(8, 30) if 2**n <= settings.replications]
    rows: dict[str, list[dict[str, object]]] = {table.name: [] for table in TABLES}
    own = factors_of(declared, default, default)
    studies = [Study(default, own, data, method, peers[DEFAULT], pairs=data and method) for data, method in KINDS]
    studies += [
        Study(problem, factors_of(declared, problem, default), peers=peers[problem.definition_id], share=SHARE_OF_OTHERS)
        for problem in problems
        if problem is not default
    ]
    counts = simulate_all(
        studies, replications=settings.replications, seed=settings.seed, threads=settings.threads, snapshots=snapshots
    )
    for study, found in zip(studies, counts, strict=True):
        rows["rank_uncertainty"] += made.rank_uncertainty(study.problem, found, KINDS[study.data, study.method])
        if study.data and study.method:
            rows["uncertainty_convergence"] += made.convergence(study.problem, found)
        if study.pairs:
            rows["pairwise_probability"] += made.pairwise(study.problem, found)
            rows["rank_group"] += _each_year(made.groups, study.problem, found, settings.threads)
        if study.data and not study.method:
            rows["rank_confidence_set"] += _each_year(made.confidence_sets, study.problem, found, settings.threads)
    made.beside(rows["rank_uncertainty"], rows["rank_confidence_set"])
    report(f"{settings.replications:,} replications of {len(problems)} definitions, varied {', '.join(own.varied)}")
    sobol = sensitivity(
        default, own, samples=settings.sensitivity_samples, resamples=RESAMPLES, seed=settings.seed, threads=settings.threads
    )
    rows["sensitivity"] += made.sensitivity_rows(default, sobol)
    for year in default.years:
        if year.is_ranked.any():
            rows["drop_one"] += made.drop_one_rows(default, year, drop_one(default, year))
            rows["index_diagnostics"] += made.diagnostics(default, year)
    report(f"{DEFAULT}: sensitivity, drop-one and diagnostics")
    rows["index_diagnostics"] += error_checks(settings)
    rows["index_diagnostics"] += spend_share_and_stability(settings)
    frames = {table.name: table.frame(rows[table.name]) for table in TABLES}
    write(settings, frames)
    return Analysed(frames, factors_of(declared, default, default).varied)


def _each_year(
    make: Callable[[Problem, Mapping[str, RankCounts]], list[dict[str, object]]],
    problem: Problem,
    counts: Mapping[str, RankCounts],
    threads: int,
) -> list[dict[str, object]]:
    """Rows of every year, years side by side."""
    with ThreadPoolExecutor(max_workers=threads) as pool:
        return [row for rows in pool.map(lambda one: make(problem, dict([one])), counts.items()) for row in rows]


def method(analysed: Analysed) -> str:
    """How the intervals were had, in words, for people who look at the stage."""
    return (
        "Each replication draws the figures with their errors (`fct_value_uncertainty`, `fct_council_spend`) and every choice from its "
        f"alternatives (`dim_method_factor`): {', '.join(analysed.varied)}. Draws are shrunk and intervals calibrated so that nine in ten hold "
        "the true rank (docs/method.md). Ranks are of the councils ranked in the ranking itself. Sobol indices: Saltelli's design on a "
        "scrambled Sobol sequence, centred estimators, bootstrap intervals."
    )


def write(settings: Settings, frames: dict[str, pd.DataFrame]) -> None:
    """Each frame as a table of schema marts, in the order of its key."""
    with connect(str(settings.warehouse_path)) as db:
        for table in TABLES:
            columns = ", ".join(f'"{name}" {kind}' for name, kind, _ in table.columns)
            db.execute(f"create or replace table marts.{table.name} ({columns})")
            db.register("frame", frames[table.name])
            db.execute(f"insert into marts.{table.name} select * from frame order by all")
            db.unregister("frame")


def _peers(settings: Settings, problems: list[Problem]) -> list[dict[str, Indices]]:
    """For each problem and year (U, k) rows of each council's peers; -1 where one is not among the councils."""
    with connect(str(settings.warehouse_path), read_only=True) as db:
        found = db.execute("select financial_year, area_code, peer_area_code, nearness from marts.fct_peer").df()
    wide = {
        str(year): rows.pivot(index="area_code", columns="nearness", values="peer_area_code").astype(object)
        for year, rows in found.groupby("financial_year")
    }
    known: dict[tuple[str, tuple[str, ...]], Indices] = {}

    def of(year: DefinitionYear) -> Indices:
        key = year.financial_year, tuple(year.councils)
        if key not in known:
            index = {area: n for n, area in enumerate(year.councils)}
            rows = wide[year.financial_year].reindex(year.councils).to_numpy()
            known[key] = np.array([[index.get(p, -1) for p in row] for row in rows])
        return known[key]

    return [{y.financial_year: of(y) for y in problem.years if y.financial_year in wide} for problem in problems]
