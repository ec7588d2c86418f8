"""dbt in this process: compile the project once, build one layer or some of its models, and hand the warehouse file back.

dbt takes seconds to import, so one process imports it once for all three layers. It is imported inside functions: loading the
code location must not pay for it. After each call the DuckDB file is closed, because an open writer keeps every reader out.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestration.settings import Settings
from orchestration.warehouse import lineage
from orchestration.warehouse.connection import connect
from orchestration.warehouse.dbt_words import words_of_failure
from orchestration.warehouse.lineage import Columns, column_lineage, write
from orchestration.warehouse.raw import raw_columns
from orchestration.warehouse.workbench import held

WAREHOUSE_VARIABLE = "DBT_ENV_SECRET_ASC_WAREHOUSE"
"""How dbt is told its DuckDB file (`dbt_project/profiles.yml`)."""
LAYERS = ("staging", "intermediate", "marts")
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC)
"""What the system refuses dbt and a person can do something about: told as such, and not as a fault of dbt."""
QUIET = ("--quiet", "--log-level", "none", "--log-level-file", "debug")
_PARSED = (".sql", ".yml", ".csv")
_kept: dict[str, Any] = {}
"""The project of the last fingerprint as dbt parsed it: a second's work for each call otherwise."""


class DbtError(RuntimeError):
    """dbt did not parse or build; the text names each node that failed, with dbt's message."""


@dataclass(frozen=True)
class NodeResult:
    """What came of one dbt node. `kind` is model, seed, test or unit_test; `status` is dbt's word."""

    unique_id: str
    name: str
    kind: str
    schema: str
    status: str
    message: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.status in {"success", "pass", "warn"}


def layer_selection(layer: str) -> list[str]:
    """What dbt selects for a layer: its models, and with staging the seeds. ValueError for another word."""
    if layer not in LAYERS:
        raise ValueError(f"no layer {layer!r}; there are {', '.join(LAYERS)}")
    return [f"fqn:asc_index.{layer}"] + (["resource_type:seed"] if layer == "staging" else [])


def in_layer(node: Mapping[str, Any], layer: str) -> bool:
    """Whether `layer_selection` selects a node of the manifest that becomes a table."""
    is_model = node["resource_type"] == "model" and node["fqn"][1] == layer
    return is_model or (layer == "staging" and node["resource_type"] == "seed")


def build_arguments(layer: str, only: Collection[str] = ()) -> list[str]:
    """Arguments of `dbt build` for one layer, or for some of its models and seeds by name.

    A test runs once all it looks at is built; unit tests are for `make test`.
    """
    selected = sorted(only) if only else layer_selection(layer)
    return [
        "build",
        "--no-write-json",
        "--indirect-selection",
        "buildable",
        "--exclude-resource-type",
        "unit_test",
        "--select",
        *selected,
    ]


def build_layer(settings: Settings, layer: str, only: Collection[str] = ()) -> list[NodeResult]:
    """Build one layer, or the models `only` names, and run their tests; returns a result for each node, failed ones included.

    MissingTablesError, before anything is built, if a table that they read is neither in the workbench nor among them.
    """
    layer_selection(layer)
    if only:
        assert_built(settings, sorted(tables_read(read_manifest(settings), only)), f"{layer}.{', '.join(sorted(only))}")
    results = run_dbt(settings, build_arguments(layer, only))
    note_built(settings, [(r.schema, r.name) for r in results if r.kind in {"model", "seed"} and r.ok])
    return results


class MissingTablesError(RuntimeError):
    """Something was to be made of tables that the workbench does not have; the text names them and says what makes them."""


def tables_read(manifest: Mapping[str, Any], only: Collection[str]) -> set[tuple[str, str]]:
    """(schema, name) of every table that the named models and seeds read and that is not one of them."""
    nodes = {**manifest["nodes"], **manifest["sources"]}
    chosen = {k for k, n in manifest["nodes"].items() if n["resource_type"] in {"model", "seed"} and n["name"] in only}
    read = {parent for key in chosen for parent in nodes[key].get("depends_on", {}).get("nodes", [])} - chosen
    return {(nodes[key]["schema"], nodes[key]["name"]) for key in read}


def assert_built(settings: Settings, tables: list[tuple[str, str]], what: str) -> None:
    """MissingTablesError unless the workbench has every one of `tables` (schema, name); `what` is to be made of them."""
    there = set()
    if settings.warehouse_path.exists():
        with connect(str(settings.warehouse_path), read_only=True) as connection:
            there = set(connection.execute("select table_schema, table_name from information_schema.tables").fetchall())
    missing = [f"{schema}.{name}" for schema, name in tables if (schema, name) not in there]
    if missing:
        named = ", ".join(missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
        raise MissingTablesError(
            f"{what} is made of tables that are not built yet: {named}. Run the job rank_councils first (`asc run`), which builds all, "
            "or materialize them before this."
        )


def note_built(settings: Settings, tables: Collection[tuple[str, str]]) -> None:
    """Write down, in order, which tables were made: `assert_in_order` asks it."""
    with connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema if not exists meta")
        connection.execute("create table if not exists meta.built (place bigint, table_schema varchar, table_name varchar)")
        last = connection.execute("select coalesce(max(place), 0) from meta.built").fetchone()
        place = last[0] if last else 0
        rows = [(place + n, schema, name) for n, (schema, name) in enumerate(tables, 1)]
        if rows:
            connection.executemany("insert into meta.built values (?, ?, ?)", rows)


class OutOfOrderError(RuntimeError):
    """A table of the workbench is older than one it is made of; the text names both and says what to do."""


def assert_in_order(settings: Settings, made_of: Mapping[tuple[str, str], Collection[tuple[str, str]]]) -> None:
    """OutOfOrderError if a table was last made before one of those it is made of: a release must not mix two states of the marts."""
    with connect(str(settings.warehouse_path), read_only=True) as connection:
        last = {
            (schema, name): place
            for schema, name, place in connection.execute(
                "select table_schema, table_name, max(place) from meta.built group by all"
            ).fetchall()
        }
    stale = sorted(
        (f"{s}.{n}", f"{os}.{on}")
        for (s, n), origins in made_of.items()
        for os, on in origins
        if (s, n) in last and (os, on) in last and last[(os, on)] > last[(s, n)]
    )
    if stale:
        told = "; ".join(f"{table} was made before {origin}, which it is made of" for table, origin in stale[:3])
        more = f", and {len(stale) - 3} more like it" if len(stale) > 3 else ""
        raise OutOfOrderError(
            f"The workbench is not of one piece: {told}{more}. Materialize those again, or run everything (`asc run`)."
        )


def made_of(manifest: Mapping[str, Any]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Each model with the models and seeds it reads, as (schema, name)."""
    models = {k: n for k, n in manifest["nodes"].items() if n["resource_type"] in {"model", "seed"}}
    return {
        (n["schema"], n["name"]): {(models[p]["schema"], models[p]["name"]) for p in n["depends_on"]["nodes"] if p in models}
        for n in models.values()
        if n["resource_type"] == "model"
    }


def run_dbt(settings: Settings, arguments: list[str], folder: Path | None = None) -> list[NodeResult]:
    """One dbt command, on the build in work or on a warehouse file in `folder`, with the workbench held. DbtError if dbt itself could not
    run, OSError if the system refused it something, BusyError if another process has the workbench; nodes that failed are returned.
    """
    warehouse = settings.warehouse_path
    with held(settings), _environment(settings.dbt_environment), _same_place(settings, folder or warehouse.parent) as place:
        os.environ[WAREHOUSE_VARIABLE] = str(place / warehouse.name)
        from dbt.cli.main import dbtRunner

        try:
            done = dbtRunner(_parsed(settings)).invoke([*QUIET, *arguments])
        finally:
            _close_warehouse()
    _raise_what_stopped(settings, done.exception)
    results: list[Any] = getattr(done.result, "results", [])
    said = _failures_in_words(settings, results) if folder is None else {}
    return [
        NodeResult(
            r.node.unique_id,
            r.node.name,
            str(r.node.resource_type),
            r.node.schema,
            str(r.status),
            said.get(r.node.unique_id, str(r.message or "")),
            r.execution_time,
        )
        for r in results
    ]


def _raise_what_stopped(settings: Settings, exception: BaseException | None) -> None:
    for code in REFUSED:
        if os.strerror(code) in str(exception):  # dbt may have wrapped it
            raise OSError(code, os.strerror(code), str(settings.build_dir))
    if exception is not None:
        raise DbtError(f"dbt could not run: {exception}")


@contextmanager
def _same_place(settings: Settings, folder: Path) -> Iterator[Path]:
    """A link to `folder` whose own path is always the same: dbt parses the whole project anew for a warehouse of another path.

    Only dbt opens the warehouse by it, and only while this process has the workbench: a link that moved under an open database would put the
    log of one build beside another.
    """
    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    link = settings.dbt_target_dir / "at_work"
    if link.is_dir() and not link.is_symlink():  # somebody copied the folder while dbt worked, and with it what the link led to
        shutil.rmtree(link)
    link.unlink(missing_ok=True)  # of a run that was killed
    link.symlink_to(folder.resolve(), target_is_directory=True)
    try:
        yield link
    finally:
        link.unlink(missing_ok=True)


def _parsed(settings: Settings) -> Any:
    """The project as dbt parsed it: kept for the calls of this process, as long as no file of it changes. Asked within dbt's variables."""
    from dbt.cli.main import dbtRunner

    fingerprint = _fingerprint(settings)
    if fingerprint not in _kept:
        done = dbtRunner().invoke([*QUIET, "parse", "--no-write-json"])
        _raise_what_stopped(settings, done.exception)
        _kept.clear()
        _kept[fingerprint] = done.result
    return _kept[fingerprint]


def _failures_in_words(settings: Settings, results: list[Any]) -> dict[str, str]:
    """For each test of data that failed or warned, what it holds and the rows that do not."""
    failed = [r for r in results if str(r.node.resource_type) == "test" and str(r.status) in {"fail", "warn"}]
    if not failed:
        return {}
    with connect(str(settings.warehouse_path), read_only=True) as connection:
        return {r.node.unique_id: words_of_failure(r.node.to_dict(), connection) for r in failed}


def failure_text(results: list[NodeResult]) -> str:
    """Each failed node with dbt's message; skipped ones are only counted."""
    failed = [r for r in results if not r.ok and r.status != "skipped"]
    skipped = sum(r.status == "skipped" for r in results)
    lines = [f"{r.kind} {r.name}: {r.message.strip()}" for r in failed]
    return "\n".join(lines) + (f"\n{skipped} nodes that need them were skipped" if skipped else "")


def manifest_path(settings: Settings) -> Path:
    """Where `prepare` leaves the compiled project."""
    return settings.prepared_dir / "manifest.json"


def docs_path(settings: Settings) -> Path:
    """Where `prepare` leaves dbt's documentation as one page without a path of this machine in it."""
    return settings.prepared_dir / "dbt_docs.html"


def lineage_path(settings: Settings) -> Path:
    """Where `prepare` leaves the origins of every column."""
    return settings.prepared_dir / "column_lineage.json"


def read_manifest(settings: Settings) -> Mapping[str, Any]:
    """The compiled project. It is the same object for all who ask in this process, until the file is written anew."""
    path = manifest_path(settings)
    return _manifest(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _manifest(path: Path, _written_ns: int) -> Mapping[str, Any]:
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def prepare(settings: Settings) -> bool:
    """Compile the dbt project, write its documentation and trace its columns, unless all are of the same files; return whether it was done.

    DbtError if the project does not compile, LineageError if a column cannot be traced.
    """
    fingerprint = _fingerprint(settings)
    stamp = settings.prepared_dir / "fingerprint"
    if manifest_path(settings).exists() and stamp.exists() and stamp.read_text() == fingerprint:
        return False
    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    settings.prepared_dir.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as empty:  # the name of the file is part of the compiled SQL, its content is not looked at
        # the documentation compiles the project too; its catalogue is empty because column types stand in the contracts
        failed = failure_text(run_dbt(settings, ["docs", "generate", "--static", "--empty-catalog"], folder=Path(empty)))
    if failed:
        raise DbtError(f"The dbt project does not compile. {failed}")
    shutil.copyfile(settings.dbt_target_dir / "manifest.json", manifest_path(settings))
    pages = (settings.dbt_target_dir / "static_index.html").read_text(encoding="utf-8")
    for folder, name in ((settings.dbt_target_dir, "target"), (settings.dbt_project_dir, "dbt_project")):
        pages = pages.replace(str(folder), name)
    docs_path(settings).write_text(pages, encoding="utf-8")
    manifest = read_manifest(settings)
    write(column_lineage(manifest, _columns_known(settings, manifest)), lineage_path(settings))
    stamp.write_text(fingerprint)
    return True


def _columns_known(settings: Settings, manifest: Mapping[str, Any]) -> Columns:
    """Columns of what no model makes: raw tables and seeds."""
    seeds = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "seed":
            with (settings.dbt_project_dir / node["original_file_path"]).open(encoding="utf-8", newline="") as file:
                seeds[node["name"]] = dict.fromkeys(next(csv.reader(file)), "text")
    raw = {table: dict.fromkeys(columns, "text") for table, columns in raw_columns(settings).items()}
    return {"raw": raw, "seeds": seeds}


def _fingerprint(settings: Settings) -> str:
    # the code that traces columns is part of what is kept
    digest = hashlib.sha256(str(settings.build_dir).encode() + Path(lineage.__file__).read_bytes())
    for path in sorted(settings.dbt_project_dir.rglob("*")):
        if path.suffix in _PARSED and path.is_file() and "target" not in path.parts:
            digest.update(str(path.relative_to(settings.dbt_project_dir)).encode() + path.read_bytes())
    return digest.hexdigest()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _close_warehouse() -> None:
    """dbt-duckdb keeps its connection for the life of the process; give the file back."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    manager: Any = DuckDBConnectionManager
    if manager._ENV is not None:
        manager._ENV.close()
        manager.close_all_connections()
