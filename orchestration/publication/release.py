"""A release: the marts frozen into one folder, and a pointer to the newest that is replaced in one step.

    data/releases/<release id>/asc.duckdb, <mart>.csv, <mart>.parquet, manifest.json, datapackage.json, csv-metadata.json,
                               data_dictionary.csv, asc_index.xlsx, dbt_docs.html, self_audit.md; site/ (`pages/`)
    data/releases/current -> <release id>

Everything is written to a folder aside and renamed when whole. The pointer is a symbolic link replaced by a rename: whoever has
the old release open keeps it, whoever opens `current` next gets the new one, and nobody sees half of either.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.publication import descriptors
from orchestration.publication.safe_text import safe_sql
from orchestration.publication.schema import create, in_order, keys_of
from orchestration.publication.self_audit import self_audit
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse.connection import connect

if TYPE_CHECKING:
    from expectations.runner import SuiteResult

RELEASES_KEPT = 5
CONTINUITY = "continuity_code"
ADDED = {
    CONTINUITY: "Last ONS code of the same council over the same area: its history shares it.",
    "area_code": "ONS code of the council, valid in that year.",
    "financial_year": "Financial year, April to March, such as 2017-18.",
    "measure_id": "Measure of the index, as in dim_measure.",
    "lower_rank": "Best end of the 90 % interval of the rank.",
    "upper_rank": "Worst end of the 90 % interval of the rank.",
    "rank_group": "Councils of one group cannot be told apart; of pairs in different groups at most 5 % stand in the wrong order.",
    "domain_scores": "Score of each domain, by its id.",
    "domain_ranks": "Place of each domain's score among councils, by its id.",
    "lowest_winsorised_value": "Lowest winsorised value of the year, turned so that higher is better: it scores the lower end of the scale.",
    "highest_winsorised_value": "Highest winsorised value of the year, turned so that higher is better: it scores the upper end of the scale.",
    "mean_winsorised_value": "Mean of the winsorised values of the year, turned so that higher is better.",
    "winsorised_standard_deviation": "Sample standard deviation of the winsorised values of the year.",
    "value_name": "What was measured, without the ages that a measure is for.",
    "measure_ids": "The measures that the value stands for: several where it was published for all ages.",
    "domain_names": "The domains that the value counts in.",
    "why_not_counted": "Why the value is missing, or what speaks against it where it is withheld.",
}
"""What columns are that only a release has."""
VIEWS = sorted((Path(__file__).parent / "views").glob("*.sql"))  # by name: one that reads another comes after it
"""Views of a release, with names and history at hand; the first line of each says what it is."""
PART = ".part-"
WORKBOOK = "asc_index.xlsx"
DOCS = "dbt_docs.html"
"""dbt's documentation: every model with its columns, SQL and origins."""
MAKERS = ("descriptors.py", "safe_text.py", "schema.py", "workbook.py")
"""What makes the files that describe the tables: a change of theirs is a change of the release."""


@dataclass(frozen=True)
class Release:
    """One published release."""

    release_id: str
    path: Path
    tables: int
    rows: int
    content_sha256: str
    is_new: bool = True
    """Whether it was made now: what the current release has already, to the last byte, is not published again."""


class NoReleaseError(FileNotFoundError):
    """Nothing has been published yet."""


class UnknownReleaseError(LookupError):
    """No release of that name is kept; the text lists those that are."""


def publish(settings: Settings, report: Callable[[str], None] = lambda _: None) -> Release:
    """Run the gates of the marts and of the analysis, then freeze the marts and move `current` to them.

    GateError if a gate is closed: nothing is written and `current` stays. Only the newest RELEASES_KEPT releases are kept.
    """
    # Here and not above: who only reads a release must not pay for Dagster and for what gathers figures.
    from orchestration.warehouse.gates import run_gates
    from orchestration.warehouse.raw import assert_unchanged

    # Open for reading from the first gate to the last file: as long as it is, no other process can write to what was guarded.
    with connect(str(settings.warehouse_path), read_only=True) as guarded:
        checks = run_gates(settings, "marts_") + run_gates(settings, "analysis_")
        assert_unchanged(guarded)
        report(f"{len(checks)} gates are open")
        return _publish(settings, checks, report)


def _publish(settings: Settings, checks: list[SuiteResult], report: Callable[[str], None]) -> Release:
    from orchestration.warehouse.check_log import COLUMNS

    settings.releases_dir.mkdir(parents=True, exist_ok=True)
    pointer = settings.releases_dir / "current"
    if pointer.exists() and not pointer.is_symlink():
        raise NotADirectoryError(
            f"{pointer} is a folder or file of its own and not the link to a release: move it away, then run again. Nothing was published."
        )
    _sweep(settings)
    aside = settings.releases_dir / f"{PART}{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        rows = _export(settings, aside)
        content = _content(aside, rows)
        told = [
            json.dumps(COLUMNS),
            *_comments(settings, sorted(rows)),
            *(file.read_text(encoding="utf-8") for file in (*VIEWS, *(Path(__file__).parent / name for name in MAKERS))),
        ]
        described = hashlib.sha256("\n".join(told).encode()).hexdigest()
        same = _same_as_current(settings, content, described)
        if same is not None:
            report(f"nothing has changed: release {same.name} stays current")
            return Release(same.name, same, len(rows), sum(rows.values()), content, is_new=False)
        made_at = dt.datetime.now(dt.UTC).replace(microsecond=0)
        release_id = f"{made_at:%Y%m%dT%H%M%SZ}-{content[:8]}"
        manifest: dict[str, Any] = {
            "release_id": release_id,
            "made_at": made_at.isoformat(),
            "commit": _commit(),
            "content_sha256": content,
            "descriptions_sha256": described,
            "tables": rows,
            "editions": _editions(settings),
            "checks": [
                {
                    "suite": c.suite,
                    "guards": c.guards,
                    "rules": c.rules_checked,
                    "rows": c.rows_checked,
                    "passed": c.passed,
                }
                for c in checks
            ],
            "licence": "Figures: Open Government Licence v3.0, publishers as in editions. Scores and ranks: this index.",
            "warning": "The publisher of the outcomes says that they cannot by themselves be used to judge how effective councils are.",
        }
        _sign_within(aside, manifest)
        manifest["files"] = {file.name: _signed(file) for file in sorted(aside.iterdir())}
        (aside / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        for file in sorted(aside.iterdir()):
            _to_disk(file)
        _to_disk(aside)
        path = settings.releases_dir / release_id
        if path.exists():  # the same content published twice in one second
            shutil.rmtree(aside)
        else:
            aside.rename(path)
            _to_disk(settings.releases_dir)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _point(settings, release_id)
    _prune(settings)
    report(f"release {release_id} is current")
    return Release(release_id, path, len(rows), sum(rows.values()), content)


def current_release(settings: Settings) -> Path:
    """The folder of the current release. NoReleaseError, with what to run or to do, if there is none, or if `current` leads elsewhere."""
    pointer = settings.releases_dir / "current"
    if not (pointer / "asc.duckdb").exists():
        raise NoReleaseError("There is no release yet. Run `make run` (or `asc run`) first: it takes two minutes.")
    release = pointer.resolve()
    if release.parent != settings.releases_dir.resolve():
        raise NoReleaseError(
            f"{pointer} leads to {release}, which is not among the releases of its folder: somebody moved it. Delete the link and run again, "
            "or `asc rollback` to a release that is there."
        )
    return release


def find_release(settings: Settings, release_id: str | None) -> Path:
    """The folder of a release; the current one for None. UnknownReleaseError lists those there are."""
    if release_id is None or release_id == "current":
        return current_release(settings)
    held = {path.name: path for path in releases(settings)} if settings.releases_dir.is_dir() else {}
    if release_id not in held:
        raise UnknownReleaseError(f"No release {release_id!r}. There are: {', '.join(held) or 'none'}.")
    return held[release_id]


def read_manifest(release: Path) -> dict[str, Any]:
    """The manifest of a release."""
    manifest: dict[str, Any] = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def _signed(file: Path) -> dict[str, int | str]:
    """Size and hash of a file: what `verify` holds it against."""
    with file.open("rb") as content:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(content, "sha256").hexdigest()}


def verify(release: Path) -> list[str]:
    """What is wrong with the files of a release: those that are missing, or are not what the manifest signed. Empty if all is well."""
    signed = read_manifest(release).get("files")
    if not signed:
        return ["manifest.json signs no files: the release was made before files were signed"]
    wrong = []
    for name, expected in signed.items():
        file = release / name
        if not file.exists():
            wrong.append(f"{name} is missing")
        elif (found := _signed(file)) != expected:
            wrong.append(
                f"{name} has {found['bytes']:,} bytes with the hash {str(found['sha256'])[:12]}…; "
                f"signed were {expected['bytes']:,} bytes with {str(expected['sha256'])[:12]}…"
            )
    return wrong


def point_to(settings: Settings, release_id: str) -> Path:
    """Make an earlier release current again. UnknownReleaseError, or ValueError if its files are not what was signed: then nothing is moved."""
    release = find_release(settings, release_id)
    wrong = verify(release)
    if wrong:
        raise ValueError(f"Release {release_id} is not as it was published: {'; '.join(wrong)}. `current` stays where it is.")
    _point(settings, release.name)
    return release


def _same_as_current(settings: Settings, content: str, described: str) -> Path | None:
    """The current release, if its tables and their descriptions are these, and its files are still those that it was made with."""
    try:
        current = current_release(settings)
        manifest = read_manifest(current)
        held = _content(current, manifest["tables"])
    except (OSError, ValueError, KeyError):
        return None
    same = (held, manifest.get("descriptions_sha256")) == (content, described) and not verify(current)
    return current if same else None


def _content(folder: Path, tables: Iterable[str]) -> str:
    """One hash over the CSV of every table."""
    digest = hashlib.sha256()
    for name in sorted(tables):
        digest.update((folder / f"{name}.csv").read_bytes())
    return digest.hexdigest()


def _export(settings: Settings, folder: Path) -> dict[str, int]:
    """Marts into `folder`: one DuckDB file with descriptions, a CSV and a Parquet each. Returns rows by table."""
    from orchestration.warehouse import lineage
    from orchestration.warehouse.dbt import docs_path, lineage_path

    rows: dict[str, int] = {}
    with connect(str(folder / "asc.duckdb")) as connection:
        connection.execute("set threads = 1")  # rows stay in the order the mart was written in
        connection.execute(f"attach '{settings.warehouse_path}' as warehouse (read_only)")
        names = [
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() "
                "where database_name = 'warehouse' and schema_name = 'marts' order by table_name"
            ).fetchall()
        ]
        connection.execute("create schema marts")
        queries = {name: _with_continuity(connection, name) for name in names}
        columns = {
            name: {str(c[0]): str(c[1]) for c in connection.execute(f"describe {queries[name]}").fetchall()} for name in names
        }
        keys = keys_of(_nodes(settings), {name: list(of) for name, of in columns.items()})
        for name in in_order(keys):
            create(connection, name, queries[name], keys[name])
            written = ", ".join(safe_sql(c) if kind == "VARCHAR" else f'"{c}"' for c, kind in columns[name].items())
            connection.execute(f"copy (select {written} from marts.{name}) to '{folder / name}.csv' (header, delimiter ',')")
            connection.execute(f"copy marts.{name} to '{folder / name}.parquet' (format parquet, compression zstd)")
            counted = connection.execute(f"select count(*) from marts.{name}").fetchone()
            rows[name] = counted[0] if counted else 0
        connection.execute("detach warehouse")
        for view in VIEWS:
            connection.execute(f"create view marts.{view.stem} as {view.read_text(encoding='utf-8')}")
        for statement in _comments(settings, names):
            connection.execute(statement)
        _describe_the_rest(connection)
        _meta(settings, connection)
        shutil.copyfile(docs_path(settings), folder / DOCS)
        (folder / "self_audit.md").write_text(self_audit(connection), encoding="utf-8")
        descriptors.write(folder, connection, keys, _editions(settings), lineage.read(lineage_path(settings)))
        from orchestration.publication.workbook import write_workbook  # with pandas, which who reads a release does not need

        write_workbook(folder / WORKBOOK, connection)
    return rows


def _meta(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    """Schema `meta`: what came of each rule in the run of this release, and of each attempt to fetch a publisher's file."""
    from orchestration.acquisition.store import outcomes
    from orchestration.warehouse.check_log import COLUMNS, noted

    connection.execute("create schema meta")
    run = settings.warehouse_path.parent.name
    last = {(line["suite"], line["rule"]): line for line in noted(settings.releases_dir) if line["run"] == run}
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    connection.execute(f"create table meta.check_result ({columns}, primary key (run, suite, rule))")
    if last:
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(
            f"insert into meta.check_result values ({marks})", [[line[c] for c in COLUMNS] for line in last.values()]
        )
    connection.execute("comment on table meta.check_result is 'What came of each rule of each gate in the run of this release.'")
    for name, (_, about) in COLUMNS.items():
        connection.execute(f"comment on column meta.check_result.{name} is {_quoted(about)}")
    _quarantine(settings, connection)
    connection.execute("create table meta.fetch_outcome (attempt bigint primary key, outcome json)")
    connection.execute(
        "comment on table meta.fetch_outcome is 'Each attempt to fetch or import a publisher''s file, the oldest first.'"
    )
    connection.execute("comment on column meta.fetch_outcome.attempt is 'Number of the attempt.'")
    connection.execute(
        "comment on column meta.fetch_outcome.outcome is 'Source, edition, time, outcome and why, as asc sources tells them.'"
    )
    attempts = [[n, json.dumps(row)] for n, row in enumerate(outcomes(settings.raw_dir), 1)]
    if attempts:
        connection.executemany("insert into meta.fetch_outcome values (?, ?)", attempts)


def _quarantine(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    """Table `meta.quarantine`: the figures that were set aside, by which rule, and where they stand in their publications."""
    from orchestration.warehouse.quarantine import QUARANTINE_COLUMNS

    keyed = ", ".join(("rule", "source", "edition", "framework", "financial_year", "period", "area_code", "item", "breakdown"))
    kinds = ", ".join(f"{name} {'double' if name == 'value' else 'varchar'}" for name in QUARANTINE_COLUMNS)
    connection.execute(f"create table meta.quarantine ({kinds}, primary key ({keyed}))")
    connection.execute(f"attach '{settings.warehouse_path}' as warehouse (read_only)")
    connection.execute("insert into meta.quarantine select * from warehouse.raw.quarantine order by all")
    connection.execute("detach warehouse")
    connection.execute(
        "comment on table meta.quarantine is "
        "'Published figures that broke a rule about single figures: their values were set aside and went no further.'"
    )
    for name, about in QUARANTINE_COLUMNS.items():
        connection.execute(f"comment on column meta.quarantine.{name} is {_quoted(about)}")


OF_RELEASE = {
    "release_id": "The release that this file is of.",
    "made_at": "When it was made, UTC.",
    "commit": "The commit that made it; empty outside a checkout.",
    "content_sha256": "One hash over the CSV of every table.",
}
"""Columns of meta.release: as the manifest has them."""


def _sign_within(folder: Path, manifest: dict[str, Any]) -> None:
    """Table `meta.release`: a copy of the database still says which release it is of."""
    with connect(str(folder / "asc.duckdb")) as connection:
        connection.execute(
            f"create table meta.release ({', '.join(f'{name} varchar' for name in OF_RELEASE)}, primary key (release_id))"
        )
        connection.execute("insert into meta.release values (?, ?, ?, ?)", [manifest[name] for name in OF_RELEASE])
        connection.execute("comment on table meta.release is 'Which release this file is of: one row, as its manifest has it.'")
        for name, about in OF_RELEASE.items():
            connection.execute(f"comment on column meta.release.{name} is {_quoted(about)}")


def _describe_the_rest(connection: duckdb.DuckDBPyConnection) -> None:
    """Words for the columns that the release adds: those of its views are the words of the table column of the same name."""
    described = connection.execute(
        "select column_name, min(comment) from duckdb_columns() where schema_name = 'marts' and comment is not null group by 1"
    ).fetchall()
    said = dict(described) | ADDED
    for table, column in connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' and comment is null"
    ).fetchall():
        connection.execute(f'comment on column marts.{table}."{column}" is {_quoted(said[column])}')


def _with_continuity(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    """The query of a released table: where it names a council, with the code by which the council's history is followed."""
    columns = [row[0] for row in connection.execute(f"describe warehouse.marts.{name}").fetchall()]
    if "area_code" not in columns or CONTINUITY in columns:
        return f"select * from warehouse.marts.{name}"
    return (
        f"select t.*, c.{CONTINUITY} from warehouse.marts.{name} as t "
        "left join warehouse.marts.dim_council as c on t.area_code = c.area_code"
    )


def _comments(settings: Settings, names: list[str]) -> list[str]:
    """Descriptions of dbt and of the analysis as comments on tables and columns, so that the release describes itself."""
    from orchestration.analysis.tables import TABLES

    nodes = _nodes(settings)
    statements = [
        f"comment on view marts.{view.stem} is {_quoted(view.read_text(encoding='utf-8').splitlines()[0].removeprefix('-- '))}"
        for view in VIEWS
    ]
    for node in nodes.values():
        if node["resource_type"] != "model" or node["name"] not in names:
            continue
        table = f"marts.{node['name']}"
        statements.append(f"comment on table {table} is {_quoted(node['description'])}")
        for column in node["columns"].values():
            statements.append(f'comment on column {table}."{column["name"]}" is {_quoted(column["description"])}')
    for made in (t for t in TABLES if t.name in names):
        statements.append(f"comment on table marts.{made.name} is {_quoted(made.description)}")
        for column_name, _, description in made.columns:
            statements.append(f'comment on column marts.{made.name}."{column_name}" is {_quoted(description)}')
    return statements


def _nodes(settings: Settings) -> dict[str, Any]:
    """dbt's models and tests, from its manifest."""
    from orchestration.warehouse.dbt import manifest_path

    nodes: dict[str, Any] = json.loads(manifest_path(settings).read_text(encoding="utf-8"))["nodes"]
    return nodes


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _editions(settings: Settings) -> list[dict[str, str]]:
    with connect(str(settings.warehouse_path), read_only=True) as connection:
        table = connection.execute(
            "select source, edition, publisher, maturity, file_sha256 from marts.dim_edition order by all"
        ).df()
    return [{str(k): str(v) for k, v in row.items()} for row in table.to_dict("records")]


def _commit() -> str | None:
    """The commit the release was made from, or None outside a checkout."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def _point(settings: Settings, release_id: str) -> None:
    aside = settings.releases_dir / f".current-{os.getpid()}"
    aside.unlink(missing_ok=True)
    aside.symlink_to(release_id, target_is_directory=True)
    aside.replace(settings.releases_dir / "current")
    _to_disk(settings.releases_dir)


def _to_disk(path: Path) -> None:
    """Have the operating system write a file, or the names in a folder, through to the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(settings: Settings) -> None:
    """Delete what killed runs left: folders and pointers that were never put in place, of processes that are no more."""
    for left in [*settings.releases_dir.glob(f"{PART}*"), *settings.releases_dir.glob(".current-*")]:
        process = left.name.rpartition("-")[2]
        if process.isdigit() and int(process) != os.getpid() and Path(f"/proc/{process}").exists():
            continue
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink(missing_ok=True)


def releases(settings: Settings) -> list[Path]:
    """The folders of all releases, the one published first first: by when each folder was made, whatever its name or the clock says."""
    folders = [p for p in settings.releases_dir.iterdir() if p.is_dir() and not p.is_symlink() and (p / "manifest.json").exists()]
    return sorted(folders, key=lambda p: (p / "manifest.json").stat().st_mtime_ns)


def _prune(settings: Settings) -> None:
    """Delete all but the newest RELEASES_KEPT releases; never the current one."""
    current = (settings.releases_dir / "current").resolve()
    for old in [p for p in releases(settings) if p.resolve() != current][: -(RELEASES_KEPT - 1)]:
        shutil.rmtree(old)
