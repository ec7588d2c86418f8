"""The files of a release: the marts as one DuckDB file with keys and descriptions, and each as a CSV and a Parquet.

What belongs here: what stands in a release. What does not: when one is made, its manifest, which one is current (`release.py`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.publication import descriptors
from orchestration.publication.safe_text import safe_sql
from orchestration.publication.schema import Keys, create_all, keys_of
from orchestration.publication.self_audit import self_audit
from orchestration.settings import Settings
from orchestration.warehouse.connection import connect

if TYPE_CHECKING:
    import duckdb

    from expectations.runner import SuiteResult

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
WORKBOOK = "asc_index.xlsx"
DOCS = "dbt_docs.html"
"""dbt's documentation: every model with its columns, SQL and origins."""


class CountsDifferError(RuntimeError):
    """A table of a release and its files are not of the same rows; the text names them."""


def export(settings: Settings, folder: Path, gates: Callable[[], list[SuiteResult]]) -> tuple[dict[str, int], list[SuiteResult]]:
    """Marts into `folder`: one DuckDB file with descriptions, a CSV and a Parquet each. Returns rows by table, and what `gates` returned.

    The gates look at the same tables meanwhile, and whatever they raise ends the export: DuckDB's work and theirs wait for different things.
    CountsDifferError if a table and its files are not of the same rows.
    """
    from orchestration.warehouse import lineage
    from orchestration.warehouse.dbt import docs_path, lineage_path

    with connect(str(folder / "asc.duckdb")) as connection, ThreadPoolExecutor(2) as pool:
        written = pool.submit(_files, settings, folder)
        made = pool.submit(_tables, settings, connection)
        checks = gates()
        keys, rows = made.result()
        if (of_files := written.result()) != rows:
            differ = sorted(name for name in rows if of_files.get(name) != rows[name])
            raise CountsDifferError(
                f"The files of {', '.join(differ)} have other rows than the tables of the release. Nothing was published."
            )
        for view in VIEWS:
            connection.execute(f"create view marts.{view.stem} as {view.read_text(encoding='utf-8')}")
        for statement in comments(settings, sorted(rows)):
            connection.execute(statement)
        _describe_the_rest(connection)
        _meta(settings, connection)
        shutil.copyfile(docs_path(settings), folder / DOCS)
        (folder / "self_audit.md").write_text(self_audit(connection), encoding="utf-8")
        descriptors.write(folder, connection, keys, editions(settings), lineage.read(lineage_path(settings)))
        from orchestration.publication.workbook import write_workbook  # with pandas, which who reads a release does not need

        write_workbook(folder / WORKBOOK, connection)
    return rows, checks


def _tables(settings: Settings, connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, Keys], dict[str, int]]:
    """Every mart as a table with its keys; returns the keys, and rows by table."""
    queries = _queries(settings, connection)
    connection.execute("create schema marts")
    columns = {
        name: {str(column): str(kind) for column, kind, *_ in connection.execute(f"describe {query}").fetchall()}
        for name, query in queries.items()
    }
    keys = keys_of(_nodes(settings), columns)
    rows = create_all(connection, queries, columns, keys)
    connection.execute("detach warehouse")
    return keys, {name: rows[name] for name in sorted(rows)}


def _files(settings: Settings, folder: Path) -> dict[str, int]:
    """Every mart as a CSV and a Parquet; returns rows by table."""
    rows = {}
    with connect() as connection:
        for name, query in _queries(settings, connection).items():
            columns = connection.execute(f"describe {query}").fetchall()
            written = ", ".join(safe_sql(c) if kind == "VARCHAR" else f'"{c}"' for c, kind, *_ in columns)
            connection.execute(f"copy (select {written} from ({query})) to '{folder / name}.csv' (header, delimiter ',')")
            copied = connection.execute(
                f"copy ({query}) to '{folder / name}.parquet' (format parquet, compression zstd)"
            ).fetchone()
            rows[name] = copied[0] if copied else 0
    return rows


def _queries(settings: Settings, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What each released table is, asked of the warehouse, which is attached as `warehouse`."""
    connection.execute("set threads = 1")  # rows stay in the order the mart was written in
    connection.execute(f"attach '{settings.warehouse_path}' as warehouse (read_only)")
    names = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'warehouse' and schema_name = 'marts' order by table_name"
    ).fetchall()
    return {name: _with_continuity(connection, name) for (name,) in names}


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


def sign_within(folder: Path, manifest: dict[str, Any]) -> None:
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


def comments(settings: Settings, names: list[str]) -> list[str]:
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


def _nodes(settings: Settings) -> Mapping[str, Any]:
    """dbt's models and tests, from its manifest."""
    from orchestration.warehouse.dbt import read_manifest

    nodes: Mapping[str, Any] = read_manifest(settings)["nodes"]
    return nodes


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def editions(settings: Settings) -> list[dict[str, str]]:
    with connect(str(settings.warehouse_path), read_only=True) as connection:
        table = connection.execute(
            "select source, edition, publisher, maturity, file_sha256 from marts.dim_edition order by all"
        ).df()
    return [{str(k): str(v) for k, v in row.items()} for row in table.to_dict("records")]
