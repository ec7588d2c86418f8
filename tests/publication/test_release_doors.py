"""What a release is safe from: a typed query that reaches outside, leftovers of killed runs, a clock set back, a pointer that is none."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.cli.app import said_of
from orchestration.publication import export
from orchestration.publication.queries import typed_query
from orchestration.publication.release import RELEASES_KEPT, publish, releases
from tests.conftest import Released

REACHING_OUT = {
    "a file": "select * from read_csv('/etc/passwd')",
    "a file's name": "select * from glob('/etc/*')",
    "a text": "select * from read_text('{release}/manifest.json')",
    "a CSV over ours": "copy (select 1) to '{release}/dim_council.csv'",
    "another database": "attach '{build}' as workbench",
    "the network": "select * from read_csv('https://example.org/x.csv')",
    "an extension": "install httpfs",
    "the lock itself": "set enable_external_access = true",
    "a setting": "set threads = 1",
    "the release": "create table marts.mine as select 1",
    "a deletion": "delete from marts.dim_council",
    "an export": "export database '{release}/out'",
}


@pytest.mark.parametrize("what", REACHING_OUT)
def test_a_typed_query_reaches_nothing_but_the_release(released: Released, what: str) -> None:
    sql = REACHING_OUT[what].format(release=released.release, build=released.settings.warehouse_path)
    before = {p.name: p.stat().st_mtime_ns for p in released.release.iterdir()}
    with pytest.raises(duckdb.Error):
        typed_query(released.release, sql)
    assert {p.name: p.stat().st_mtime_ns for p in released.release.iterdir()} == before


@pytest.mark.parametrize("sql", ["", "  ", ";", "-- nothing", "select 1; select 2", "select 1; attach 'x'"])
def test_one_statement_is_asked_for(released: Released, sql: str) -> None:
    with pytest.raises(ValueError, match=r"\d statements; one is asked for"):
        typed_query(released.release, sql)


def test_a_typed_query_reads_the_release(released: Released) -> None:
    assert len(typed_query(released.release, "from marts.dim_council")) > 150
    assert "productivity_ranking" in set(typed_query(released.release, "show all tables")["name"])


def own(released: Released, tmp_path: Path):
    return released.settings.model_copy(update={"releases_dir": tmp_path / "releases"})


def test_what_a_killed_run_left_is_swept_and_what_a_living_one_writes_is_not(released: Released, tmp_path: Path) -> None:
    settings = own(released, tmp_path)
    settings.releases_dir.mkdir()
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True)
    left, living = settings.releases_dir / f".part-{dead.stdout.strip()}", settings.releases_dir / f".part-{os.getppid()}"
    for folder in (left, living):
        folder.mkdir()
        (folder / "asc.duckdb").write_text("half")
    publish(settings)
    assert not left.exists()
    assert living.exists()


def test_a_clock_set_back_prunes_the_oldest_and_never_the_current(released: Released, tmp_path: Path) -> None:
    settings = own(released, tmp_path)
    settings.releases_dir.mkdir()
    for n in range(RELEASES_KEPT + 1):  # names from the future, made in this order before the one below
        folder = settings.releases_dir / f"2099010{n}T000000Z-0000000{n}"
        folder.mkdir()
        (folder / "manifest.json").write_text(json.dumps({"content_sha256": str(n)}))
        os.utime(folder / "manifest.json", (1_000_000 + n, 1_000_000 + n))
    made = publish(settings)
    kept = releases(settings)
    assert kept[-1] == made.path
    assert len(kept) == RELEASES_KEPT
    assert settings.releases_dir / "20990100T000000Z-00000000" not in kept
    assert (settings.releases_dir / "current").resolve() == made.path


def test_what_is_current_already_is_not_published_again_but_what_was_damaged_is(released: Released, tmp_path: Path) -> None:
    settings = own(released, tmp_path)
    first, again = publish(settings), publish(settings)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.path == first.path
    assert releases(settings) == [first.path]
    manifest = first.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"descriptions_sha256": "', '"descriptions_sha256": "0'))
    time.sleep(1.1)  # the id of a release has its second
    described_anew = publish(settings)
    assert described_anew.is_new
    (described_anew.path / "dim_council.csv").unlink()
    time.sleep(1.1)
    assert publish(settings).is_new


def test_a_pointer_that_is_a_folder_is_refused_with_what_to_do(released: Released, tmp_path: Path) -> None:
    settings = own(released, tmp_path)
    shutil.copytree(released.release, settings.releases_dir / "current")
    with pytest.raises(NotADirectoryError, match="is a folder or file of its own and not the link to a release: move it away"):
        publish(settings)
    assert {p.name for p in settings.releases_dir.iterdir()} == {"current"}


def test_files_of_other_rows_than_the_tables_are_not_published(
    released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, written = own(released, tmp_path), export._files

    def one_row_is_lost(*of: Any) -> dict[str, int]:
        return {name: rows - (name == "dim_council") for name, rows in written(*of).items()}

    monkeypatch.setattr(export, "_files", one_row_is_lost)
    with pytest.raises(export.CountsDifferError, match="files of dim_council have other rows than the tables"):
        publish(settings)
    assert {p.name for p in settings.releases_dir.iterdir()} == {"checks.jsonl"}


def test_files_and_tables_of_a_release_are_of_the_same_rows_in_the_same_order(released: Released) -> None:
    """They are written side by side from the same queries."""
    with duckdb.connect(str(released.release / "asc.duckdb"), read_only=True) as db:
        tables = db.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        assert len(tables) > 40
        for (table,) in tables:
            parquet = f"read_parquet('{released.release / table}.parquet')"
            differ = db.execute(
                f"select count(*) from (select * from marts.{table} positional join (select row_number() over () as n from marts.{table})) a "
                f"full join (select * from {parquet} positional join (select row_number() over () as n from {parquet})) b using (n) "
                "where a is distinct from b"
            ).fetchone()
            assert differ == (0,), table


@pytest.mark.parametrize(
    ("code", "said"), [(errno.EACCES, "You may not write there"), (errno.EROFS, "It is read-only"), (errno.ENOSPC, "make room")]
)
def test_what_the_system_refuses_is_a_sentence(code: int, said: str) -> None:
    told = said_of(OSError(code, os.strerror(code), "/somewhere/warehouse.duckdb"))
    assert told.startswith("/somewhere/warehouse.duckdb: ")
    assert said in told
