"""`make bench`: what the framework costs over the work itself: the whole run beside `dbt build` and beside the same SQL in DuckDB, loading
the code location, a run with nothing new, and questions to a release.

python -m tests.benchmarks.pipeline [turns]
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from orchestration.cli.run import STAGE_NAMES
from orchestration.pages.site import MADE_WITH, SITE
from orchestration.publication.release import current_release, read_manifest
from orchestration.settings import PROJECT_ROOT, get_settings
from tests.benchmarks.ratios import Ratio, in_turn, paired, peak_of_children_mb, python, ratio, report, seconds

BIN = Path(sys.executable).parent
QUICK = {"ASC_REPLICATIONS": "200", "ASC_SENSITIVITY_SAMPLES": "256"}
"""The least that the analysis takes: its time is told apart from the rest, and has a benchmark of its own."""
NOT_COUNTED = ("analysis", "gate: analysis")
CODE_LOCATION = "from orchestration.definitions import defs; defs()"
QUERIES = (
    "from marts.latest_ranking",
    "from marts.council_scorecard where area_name = 'Leeds' and definition_id = 'default'",
    "select region, count(rank), median(rank) from marts.latest_ranking group by region",
    "select * from marts.council_measures where area_name = 'Leeds' and financial_year = '2023-24'",
    "from marts.fct_lineage where area_code = 'E08000035' and financial_year = '2023-24'",
)


class StageMissingError(RuntimeError):
    """A whole run did not have every stage: its time would be of something else."""


def stages_of(told: str) -> dict[str, float]:
    """Seconds of each stage from what `asc run` printed. StageMissingError if one of the stages is not among them."""
    found = {}
    for line in told.splitlines():
        if line.startswith(("✓ ", "! ")) and line.rstrip().endswith(" s"):
            name, _, took = line[2:].rstrip().removesuffix(" s").rpartition(" ")
            found[name.strip()] = float(took)
    missing = [name for name in STAGE_NAMES.values() if name not in found]
    if missing:
        raise StageMissingError(f"the run had no stage {', '.join(missing)}")
    return found


def whole_run(folder: Path) -> float:
    """Seconds of a whole run to a release and pages that were not there before, less what the analysis took."""
    shutil.rmtree(folder / "releases", ignore_errors=True)
    environment = QUICK | {
        "ASC_BUILD_DIR": str(folder / "build"),
        "ASC_RELEASES_DIR": str(folder / "releases"),
        "DAGSTER_HOME": str(folder / "dagster"),
    }
    began = time.perf_counter()
    done = subprocess.run(
        [str(BIN / "asc"), "run", "--again"],
        check=True,
        capture_output=True,
        text=True,
        cwd=PROJECT_ROOT,
        env={**os.environ, **environment},
    )
    took = time.perf_counter() - began
    stages = stages_of(done.stdout)
    return took - sum(spent for name, spent in stages.items() if name.startswith(NOT_COUNTED))


def dbt_alone(folder: Path) -> float:
    """Seconds of `dbt build` as a person types it: the same models, seeds and tests, on figures that are loaded."""
    return seconds(
        [str(BIN / "dbt"), "--quiet", "build", "--exclude-resource-type", "unit_test", "--target-path", str(folder / "target")],
        {"DBT_ENV_SECRET_ASC_WAREHOUSE": str(folder / "dbt.duckdb"), "DBT_LOG_PATH": str(folder / "logs")},
        PROJECT_ROOT / "dbt_project",
    )


def sql_alone(warehouse: Path, manifest: Path) -> float:
    """Seconds of the compiled SQL of every model, one after the other, straight in DuckDB with as many threads as dbt is given."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    order = TopologicalSorter({key: [p for p in node["depends_on"]["nodes"] if p in models] for key, node in models.items()})
    began = time.perf_counter()
    with duckdb.connect() as db:
        db.execute("set threads = 1")
        db.execute(f"attach '{warehouse}' as built (read_only)")
        db.execute(f"attach ':memory:' as {warehouse.stem}")
        for schema in ("raw", "seeds", "staging", "intermediate", "marts"):
            db.execute(f"create schema {warehouse.stem}.{schema}")
        for schema, table in db.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'built' and schema_name in ('raw', 'seeds')"
        ).fetchall():
            db.execute(f'create table {warehouse.stem}.{schema}."{table}" as from built.{schema}."{table}"')
        for key in order.static_order():
            node = models[key]
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            db.execute(f"create {kind} {warehouse.stem}.{node['schema']}.{node['name']} as {node['compiled_code']}")
    return time.perf_counter() - began


def questions(release: Path, times: int = 40) -> list[str]:
    """Cold (a new connection) and warm seconds of each of QUERIES: p50 and p99."""
    said = []
    for query in QUERIES:
        spent: dict[str, list[float]] = {"cold": [], "warm": []}
        for _ in range(times):
            began = time.perf_counter()
            with duckdb.connect(str(release / "asc.duckdb"), read_only=True) as db:
                db.execute(query).fetchall()
                spent["cold"].append(time.perf_counter() - began)
                began = time.perf_counter()
                db.execute(query).fetchall()
                spent["warm"].append(time.perf_counter() - began)
        told = ", ".join(f"{kind} {_at(found, 50):.0f} and {_at(found, 99):.0f} ms" for kind, found in spent.items())
        said.append(f"{query[:90]}: p50 and p99 {told}")
    return said


def _at(found: list[float], percent: int) -> float:
    return 1000 * statistics.quantiles(found, n=100)[percent - 1]


def main() -> None:
    """Print the benchmark. It needs a release and the build that it was made of."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    settings = get_settings()
    release = current_release(settings)
    asc = str(BIN / "asc")
    rows: list[Ratio] = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with duckdb.connect(str(folder / "dbt.duckdb")) as db:
            db.execute(f"attach '{settings.warehouse_path}' as built (read_only)")
            db.execute("create schema raw")
            for (table,) in db.execute(
                "select table_name from duckdb_tables() where database_name = 'built' and schema_name = 'raw'"
            ).fetchall():
                db.execute(f'create table raw."{table}" as from built.raw."{table}"')
        manifest = settings.prepared_dir / "manifest.json"
        measured = in_turn(
            turns,
            lambda: whole_run(folder),
            lambda: dbt_alone(folder),
            lambda: sql_alone(settings.warehouse_path, manifest),
        )
        rows.append(ratio("asc run less analysis", "dbt build alone", [(run, dbt) for run, dbt, _ in measured], 1.5))
        rows.append(ratio("dbt build alone", "its SQL straight in DuckDB", [(dbt, sql) for _, dbt, sql in measured]))
    location = python(CODE_LOCATION)
    rows.append(
        paired(
            "loading the code location",
            "importing dagster, dagster_dbt",
            lambda: seconds(location),
            lambda: seconds(python("import dagster, dagster_dbt")),
            1.3,
            turns,
        )
    )
    rows.append(
        paired(
            "asc run, nothing new", "loading the code location", lambda: nothing_new(asc), lambda: seconds(location), 1.2, turns
        )
    )
    rows.append(
        paired("asc site, made anew", "asc path", lambda: site(asc, release), lambda: seconds([asc, "path"]), None, min(turns, 3))
    )
    worse = report(rows, "pipeline", {"figures": sum(read_manifest(release)["tables"].values())})
    print(f"peak memory of any process: {peak_of_children_mb():,.0f} MB; {len(worse)} ratios worsened")
    for said in questions(release):
        print(said)


def nothing_new(asc: str) -> float:
    """Seconds of a run that has nothing to do. RuntimeError if it found something: then it was no such run."""
    began = time.perf_counter()
    told = subprocess.run([asc, "run"], check=True, capture_output=True, text=True, cwd=PROJECT_ROOT).stdout
    if not told.startswith("Nothing is new"):
        raise RuntimeError("there was something new: run `asc run` before the benchmark")
    return time.perf_counter() - began


def site(asc: str, release: Path) -> float:
    """Seconds of making every page of the release anew."""
    (release / SITE / MADE_WITH).unlink(missing_ok=True)
    return seconds([asc, "site"])


if __name__ == "__main__":
    main()
