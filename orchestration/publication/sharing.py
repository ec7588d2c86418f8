"""The current release where many read it: a folder or an object store (`object_store.py`), a DuckLake (catalogue in PostgreSQL or a file, data on
a shared path or an object store), and a PostgreSQL database for BI tools.

Each is written in one step: whoever reads meanwhile sees the release before or this one. What belongs here: taking a release that
is whole somewhere else. What does not: making one (`release.py`). The extensions of DuckDB that this needs come with `requirements/sharing.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestration.publication.object_store import S3, SharingError, load_extensions, to_store, use_object_stores
from orchestration.publication.release import read_manifest
from orchestration.settings import Settings
from orchestration.warehouse.connection import connect

if TYPE_CHECKING:
    import duckdb

AUTHOR: Final = "asc"
SCHEMA: Final = "marts"
NOT_IN_POSTGRES: Final = ("MAP", "STRUCT")
"""Kinds of column that PostgreSQL has no like of: views of a release have them, tables do not."""


@dataclass(frozen=True)
class Taken:
    """Where a release now is as well: `place` for a person, `version` the lake's snapshot (0 elsewhere), and whether it was new there."""

    place: str
    version: int
    tables: int
    is_new: bool


def share_release(settings: Settings, release: Path) -> list[Taken]:
    """The release into every place that the settings name; none is no error. SharingError at the first that cannot be written to."""
    taken = []
    if settings.store:
        is_new = to_store(release, settings.store)
        taken.append(Taken(settings.store, 0, len(read_manifest(release)["tables"]), is_new))
    if settings.lake_catalogue:
        taken.append(to_lake(release, settings.lake_catalogue, settings.lake_data))
    if settings.postgres:
        taken.append(to_postgres(release, settings.postgres))
    return taken


def to_lake(release: Path, catalogue: str, data: str | None = None) -> Taken:
    """All tables and views of the release into schema marts of a DuckLake, as one snapshot whose message is the release's id.

    `catalogue` is what DuckLake attaches: `postgres:dbname=… host=…` or the path of a file; `data` a folder or an object store, asked for
    when the lake is made. A release that the newest snapshot holds is not written again.
    """
    with _attached(release, ("ducklake", "postgres_scanner"), catalogue) as connection:
        if data and data.startswith(S3):
            use_object_stores(connection)
        attach_lake(connection, catalogue, data)
        newest = snapshots(connection)[-1:]
        if newest and newest[0][1] == release.name:
            return Taken(shown(catalogue), newest[0][0], len(_relations(connection)), is_new=False)
        connection.execute("begin")
        connection.execute(f"create schema if not exists lake.{SCHEMA}")
        relations = _relations(connection)
        for name in relations:
            connection.execute(f'create or replace table lake.{SCHEMA}."{name}" as from release.{SCHEMA}."{name}"')
        for (gone,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'lake' and schema_name = ?", [SCHEMA]
        ).fetchall():
            if gone not in relations:
                connection.execute(f'drop table lake.{SCHEMA}."{gone}"')
        connection.execute(f"call lake.set_commit_message('{AUTHOR}', '{release.name}')")
        connection.execute("commit")
        version = snapshots(connection)[-1][0]
    return Taken(shown(catalogue), version, len(relations), is_new=True)


def attach_lake(connection: duckdb.DuckDBPyConnection, catalogue: str, data: str | None, read_only: bool = False) -> None:
    """The lake under the name `lake`. `from lake.marts.productivity_ranking at (version => N)` reads an earlier release."""
    options = ([f"data_path '{_quoted(data)}'"] if data else []) + (["read_only"] if read_only else [])
    connection.execute(f"attach 'ducklake:{_quoted(catalogue)}' as lake{' (' + ', '.join(options) + ')' if options else ''}")


def snapshots(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """Snapshots of the attached lake that are releases, oldest first: number and release id."""
    return connection.execute(
        "select snapshot_id, commit_message from lake.snapshots() where author = ? order by 1", [AUTHOR]
    ).fetchall()


def to_postgres(release: Path, address: str) -> Taken:
    """All tables and views of the release into schema marts of a PostgreSQL database, with primary keys, in one transaction there.

    `address` is a connection string of libpq, or a postgresql:// URL. Columns of a kind that PostgreSQL does not have are left out (the maps
    of two views).
    """
    with _attached(release, ("postgres_scanner",), address) as connection:
        connection.execute(f"attach '{_quoted(address)}' as place (type postgres)")
        aside = f"{SCHEMA}_part"
        _say(connection, f"drop schema if exists {aside} cascade")
        _say(connection, f"create schema {aside}")
        connection.execute("call pg_clear_cache()")
        relations = _relations(connection)
        for name in relations:
            kept = [c for c, kind in _columns(connection, name) if not kind.startswith(NOT_IN_POSTGRES)]
            listed = ", ".join(f'"{c}"' for c in kept)
            connection.execute(f'create table place.{aside}."{name}" as select {listed} from release.{SCHEMA}."{name}"')
        for table, columns in connection.execute(
            "select table_name, constraint_column_names from duckdb_constraints() "
            "where database_name = 'release' and schema_name = ? and constraint_type = 'PRIMARY KEY'",
            [SCHEMA],
        ).fetchall():
            _say(connection, f'alter table {aside}."{table}" add primary key ({", ".join(columns)})')
        _say(connection, f"comment on schema {aside} is '{release.name}'")
        # in one message, which PostgreSQL takes as one transaction
        _say(connection, f"drop schema if exists {SCHEMA} cascade; alter schema {aside} rename to {SCHEMA}")
    return Taken(shown(address), 0, len(relations), is_new=True)


def shown(address: str) -> str:
    """An address without its password, for logs and for people."""
    return re.sub(
        r"(password\s*=\s*)('[^']*'|\S+)", r"\1…", re.sub(r"(://[^:/@\s]+):[^@\s]*@", r"\1:…@", address), flags=re.IGNORECASE
    )


@contextmanager
def _attached(release: Path, extensions: tuple[str, ...], address: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that has the release, with the extensions; what goes wrong on it is said in one sentence without a password."""
    import duckdb

    with connect() as connection:
        try:
            load_extensions(connection, *extensions)
            connection.execute(f"attach '{_quoted(str(release / 'asc.duckdb'))}' as release (read_only)")
            yield connection
        except duckdb.Error as error:
            said = str(error).splitlines()[0].replace(address, shown(address))
            raise SharingError(
                f"Release {release.name} could not be taken to {shown(address)}: {shown(said)} What was there before still is."
            ) from None


def _relations(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Tables and views of the release."""
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'release' and schema_name = $1 union "
        "select view_name from duckdb_views() where database_name = 'release' and schema_name = $1 and not internal order by 1",
        [SCHEMA],
    ).fetchall()
    return [name for (name,) in found]


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in connection.execute(f'describe release.{SCHEMA}."{name}"').fetchall()]


def _say(connection: duckdb.DuckDBPyConnection, statement: str) -> None:
    connection.execute(f"call postgres_execute('place', '{_quoted(statement)}')")


def _quoted(text: str) -> str:
    return text.replace("'", "''")
