"""All studies of a run, and their tables into the warehouse.

The definition `default` is studied in full; every other has its rank intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.analysis import rows as made
from orchestration.analysis.error_checks import error_checks
from orchestration.analysis.factors import factors_of, read_factors
from orchestration.analysis.influence import drop_one, sensitivity
from orchestration.analysis.problems import DefinitionYear, Problem, read_problems
from orchestration.analysis.reuse import Kept, Rows, fingerprint
from orchestration.analysis.simulation import RankCounts, Study, in_order, simulate_all
from orchestration.analysis.spend_share import spend_share_and_stability
from orchestration.analysis.tables import TABLES
from orchestration.index.monte_carlo import Indices
from orchestration.settings import Settings
from orchestration.warehouse.connection import connect

DEFAULT = "default"
RESAMPLES = 200
KINDS = {(True, True): "both", (True, False): "data", (False, True): "method"}
"""Whether figures and choices are drawn, and what the uncertainty is then of."""
RESULTS = "analysis"
"""Folder of the build, beside the builds, for results that outlive them."""
SHARE_OF_OTHERS = 0.25
"""Of the replications, how many every other definition than `default` has: the ends of its intervals are sure to about a place."""


@dataclass(frozen=True)
class Analysed:
    """What the stage made: the tables by name, what was varied for the default definition, and how many years of definitions were computed
    now and how many taken from an earlier run."""

    frames: dict[str, pd.DataFrame]
    varied: tuple[str, ...]
    computed: int
    taken: int


def analyse(settings: Settings, report: Callable[[str], None] = lambda _: None) -> Analysed:
    """Simulate, and write each table of `TABLES` to schema marts. ValueError when the factors or sizes cannot be used."""
    studies = studies_of(settings)
    default, own = studies[0].problem, studies[0].factors
    rows: dict[str, Rows] = {table.name: [] for table in TABLES}
    kept = Kept(settings.build_dir / RESULTS, read=settings.reuse)
    parts = [_simulated(settings, studies, kept), _sensitivities(settings, Study(default, own), kept)]
    for _, found in parts:
        for tables in found:
            for name, more in tables.items():
                rows[name] += more
    made.beside(rows["rank_uncertainty"], rows["rank_confidence_set"])
    computed, taken = sum(n for n, _ in parts), sum(len(found) - n for n, found in parts)
    report(
        f"{settings.replications:,} replications of {len({study.problem.definition_id for study in studies})} definitions, varied {', '.join(own.varied)}"
    )
    report(f"{computed} years of definitions computed, {taken} as an earlier run with the same inputs had them")
    for year in default.years:
        if year.is_ranked.any():
            rows["drop_one"] += made.drop_one_rows(default, year, drop_one(default, year))
            rows["index_diagnostics"] += made.diagnostics(default, year)
    report(f"{DEFAULT}: sensitivity, drop-one and diagnostics")
    rows["index_diagnostics"] += error_checks(settings)
    rows["index_diagnostics"] += spend_share_and_stability(settings)
    frames = {table.name: table.frame(rows[table.name]) for table in TABLES}
    write(settings, frames)
    kept.forget_the_oldest()
    return Analysed(frames, own.varied, computed, taken)


def studies_of(settings: Settings) -> list[Study]:
    """What is asked of the build in work: of the definition `default` all together, figures alone and choices alone; of each other all together.

    ValueError when the factors cannot be used, or there is no default.
    """
    problems = read_problems(settings)
    declared = read_factors(settings)
    default = next((p for p in problems if p.definition_id == DEFAULT), None)
    if default is None:
        raise ValueError(f"There is no definition {DEFAULT!r}: what is varied for a definition is told from it.")
    peers = dict(zip((p.definition_id for p in problems), _peers(settings, problems), strict=True))
    own = factors_of(declared, default, default)
    return [Study(default, own, data, method, peers[DEFAULT], pairs=data and method) for data, method in KINDS] + [
        Study(problem, factors_of(declared, problem, default), peers=peers[problem.definition_id], share=SHARE_OF_OTHERS)
        for problem in problems
        if problem is not default
    ]


def _simulated(settings: Settings, studies: list[Study], kept: Kept) -> tuple[int, list[dict[str, Rows]]]:
    """How many years of studies were computed now, and the tables of each, computed or kept."""
    snapshots = [2**n for n in range(8, 30) if 2**n <= settings.replications]
    sizes = ("replications", settings.replications, settings.seed, snapshots)
    keys = {
        (number, label): fingerprint(sizes, study.depends_on(label))
        for number, study in enumerate(studies)
        for label in study.years
    }

    def made_now(wanted: list[tuple[int, str]]) -> Iterator[tuple[tuple[int, str], dict[str, Rows]]]:
        counts = simulate_all(
            studies,
            replications=settings.replications,
            seed=settings.seed,
            threads=settings.threads,
            snapshots=snapshots,
            wanted=wanted,
        )

        def tables_of(at: int) -> dict[str, Rows]:
            number, label = wanted[at]
            return _tables(studies[number], {label: counts[number][label]})

        for at, tables in in_order(tables_of, len(wanted), settings.threads):
            yield wanted[at], tables

    return kept.complete(keys, made_now)


def _tables(study: Study, counts: Mapping[str, RankCounts]) -> dict[str, Rows]:
    of = study.problem
    tables = {"rank_uncertainty": made.rank_uncertainty(of, counts, KINDS[study.data, study.method])}
    if study.data and study.method:
        tables["uncertainty_convergence"] = made.convergence(of, counts)
    if study.pairs:
        tables["pairwise_probability"] = made.pairwise(of, counts)
        tables["rank_group"] = made.groups(of, counts)
    if study.data and not study.method:
        tables["rank_confidence_set"] = made.confidence_sets(of, counts)
    return tables


def _sensitivities(settings: Settings, study: Study, kept: Kept) -> tuple[int, list[dict[str, Rows]]]:
    """The same of what each choice moves, year by year."""
    sizes = ("sensitivity", settings.sensitivity_samples, RESAMPLES, settings.seed)
    keys = {label: fingerprint(sizes, study.depends_on(label)) for label in study.years}

    def made_now(wanted: list[str]) -> Iterator[tuple[str, dict[str, Rows]]]:
        sobol = sensitivity(
            study.problem,
            study.factors,
            samples=settings.sensitivity_samples,
            resamples=RESAMPLES,
            seed=settings.seed,
            threads=settings.threads,
            wanted=wanted,
        )
        for label, one in sobol.items():
            yield label, {"sensitivity": made.sensitivity_rows(study.problem, {label: one})}

    return kept.complete(keys, made_now)


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
