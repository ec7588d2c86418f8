"""All studies of a run, and their tables into the warehouse.

The definition `default` is studied in full; every other has its rank intervals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from orchestration.analysis import rows as made
from orchestration.analysis.factors import factors_of, read_factors
from orchestration.analysis.picture import as_markdown, rank_intervals_svg
from orchestration.analysis.problems import Problem, read_problems
from orchestration.analysis.spend_share import spend_share_and_stability
from orchestration.analysis.studies import drop_one, sensitivity, simulate
from orchestration.analysis.tables import TABLES
from orchestration.index.monte_carlo import Indices
from orchestration.settings import Settings

DEFAULT = "default"
RESAMPLES = 200


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
    peers = _peers(settings, default)
    snapshots = [2**n for n in range(8, 30) if 2**n <= settings.replications]
    rows: dict[str, list[dict[str, object]]] = {table.name: [] for table in TABLES}
    for problem in problems:
        factors = factors_of(declared, problem, default)
        own = problem is default
        counts = simulate(
            problem, factors, replications=settings.replications, seed=settings.seed, threads=settings.threads,
            peers=_peers(settings, problem) if not own else peers, snapshots=snapshots, pairs=own,
        )  # fmt: skip
        rows["rank_uncertainty"] += made.rank_uncertainty(problem, counts, "both")
        rows["uncertainty_convergence"] += made.convergence(problem, counts)
        report(f"{problem.definition_id}: {settings.replications:,} replications, varied {', '.join(factors.varied)}")
        if not own:
            continue
        rows["pairwise_probability"] += made.pairwise(problem, counts)
        for name, data, method in (("data", True, False), ("method", False, True)):
            alone = simulate(
                problem, factors, replications=settings.replications, seed=settings.seed, threads=settings.threads,
                data=data, method=method, peers=peers,
            )  # fmt: skip
            rows["rank_uncertainty"] += made.rank_uncertainty(problem, alone, name)
        found = sensitivity(
            problem,
            factors,
            samples=settings.sensitivity_samples,
            resamples=RESAMPLES,
            seed=settings.seed,
            threads=settings.threads,
        )
        rows["sensitivity"] += made.sensitivity_rows(problem, found)
        for year in problem.years:
            if year.is_ranked.any():
                rows["drop_one"] += made.drop_one_rows(problem, year, drop_one(problem, year))
                rows["index_diagnostics"] += made.diagnostics(problem, year)
        report(f"{problem.definition_id}: sensitivity, drop-one and diagnostics")
    rows["index_diagnostics"] += spend_share_and_stability(settings)
    frames = {table.name: table.frame(rows[table.name]) for table in TABLES}
    write(settings, frames)
    return Analysed(frames, factors_of(declared, default, default).varied)


def method(analysed: Analysed) -> str:
    """How the intervals were had, in words, for people who look at the stage."""
    return (
        "Each replication draws every value and spend from its interval (`fct_value_uncertainty`) and every choice from its alternatives "
        f"(`dim_method_factor`): {', '.join(analysed.varied)}. Ranks are of the councils ranked in the ranking itself. Sobol indices: "
        "Saltelli's design on a scrambled Sobol sequence, centred estimators, bootstrap intervals."
    )


def latest_intervals(settings: Settings) -> str:
    """The rank intervals of the default definition's latest ranked year, as a picture inside markdown."""
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as db:
        frame = db.execute(
            """
            select u.*, c.area_name
            from marts.rank_uncertainty as u
            inner join marts.dim_council as c using (area_code)
            where u.definition_id = ? and u.uncertainty_of = 'both'
            qualify u.financial_year = max(u.financial_year) over ()
            """,
            [DEFAULT],
        ).df()
    title = f"Ranks of {frame['financial_year'].iloc[0]} with their 90 % interval and middle half"
    return as_markdown(rank_intervals_svg(frame, title), title)


def write(settings: Settings, frames: dict[str, pd.DataFrame]) -> None:
    """Each frame as a table of schema marts, in the order of its key."""
    with duckdb.connect(str(settings.warehouse_path)) as db:
        for table in TABLES:
            columns = ", ".join(f'"{name}" {kind}' for name, kind, _ in table.columns)
            db.execute(f"create or replace table marts.{table.name} ({columns})")
            db.register("frame", frames[table.name])
            db.execute(f"insert into marts.{table.name} select * from frame order by all")
            db.unregister("frame")


def _peers(settings: Settings, problem: Problem) -> dict[str, Indices]:
    """For each year (U, k) rows of each council's peers; -1 where one is not among the councils."""
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as db:
        found = db.execute("select financial_year, area_code, peer_area_code, nearness from marts.fct_peer order by all").df()
    peers = {}
    for year in problem.years:
        rows = found[found["financial_year"] == year.financial_year]
        if rows.empty:
            continue
        index = {area: n for n, area in enumerate(year.councils)}
        wide = rows.pivot(index="area_code", columns="nearness", values="peer_area_code").reindex(year.councils)
        peers[year.financial_year] = np.array([[index.get(p, -1) for p in row] for row in wide.to_numpy()])
    return peers
