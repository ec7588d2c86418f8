"""The workbench: what another program leaves or writes never reaches a build, one run at a time, and a change is found before publishing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from expectations.runner import suites
from orchestration.publication.release import publish
from orchestration.settings import Settings
from orchestration.warehouse.dbt import run_dbt
from orchestration.warehouse.gates import run_gate
from orchestration.warehouse.raw import ChangedError, load_raw
from orchestration.warehouse.workbench import BUILDS_KEPT, BusyError, held, hold, let_go
from tests.conftest import Released

LEEDS = "update raw.figures set value = value * 0.8 where area_code = 'E08000035' and item like 'adult_social_care%'"
CLIENT = """
import duckdb, sys, time
db = duckdb.connect(sys.argv[1])
db.execute("set checkpoint_threshold = '1GB'")
db.execute(sys.argv[2])
print("written", flush=True)
sys.stdin.readline()
db.execute(sys.argv[2])
print("again", flush=True)
time.sleep(60)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(build_dir=tmp_path / "build", releases_dir=tmp_path / "releases")


def client(path: Path) -> subprocess.Popen[str]:
    """Another program that writes to a build and keeps it open; it writes again when a line is sent to it."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(path), LEEDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "written\n"
    return process


def fingerprint(settings: Settings) -> tuple[object, ...]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as db:
        return db.execute("select * from raw.load").fetchone() or ()


def leeds(settings: Settings) -> list[tuple[float]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as db:
        return db.execute(
            "select value from raw.figures where area_code = 'E08000035' and item like 'adult_social_care%' order by all"
        ).fetchall()


def test_a_log_that_a_killed_client_left_is_not_replayed_into_the_next_build(settings: Settings) -> None:
    load_raw(settings)
    before, first = leeds(settings), settings.warehouse_path
    process = client(first)
    process.kill()
    process.wait()
    assert first.with_name(first.name + ".wal").exists()
    load_raw(settings)
    assert settings.warehouse_path != first
    assert leeds(settings) == before
    for suite in suites(settings.expectations_dir, "raw_"):
        assert run_gate(settings, suite).passed


def test_a_client_that_keeps_an_older_build_open_writes_to_that_one_only(settings: Settings) -> None:
    load_raw(settings)
    before = leeds(settings)
    process = client(settings.warehouse_path)
    try:
        load_raw(settings)
        assert process.stdin
        assert process.stdout
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "again\n"
        assert leeds(settings) == before
    finally:
        process.kill()
        process.wait()


def test_figures_that_changed_after_they_were_gathered_close_every_gate(settings: Settings) -> None:
    load_raw(settings)
    with duckdb.connect(str(settings.warehouse_path)) as db:
        db.execute(LEEDS)
    with pytest.raises(ChangedError, match=r"not those that were gathered: [\d,]+ were loaded, [\d,]+ are there"):
        run_gate(settings, suites(settings.expectations_dir, "raw_")[0])


def test_nothing_is_published_from_figures_that_changed(released: Released, tmp_path: Path) -> None:
    settings = Settings(build_dir=tmp_path / "build", releases_dir=tmp_path / "releases")
    folder = settings.build_dir / "build-x"
    folder.mkdir(parents=True)
    settings.build_pointer.write_text("build-x")
    settings.warehouse_path.write_bytes(released.settings.warehouse_path.read_bytes())
    with duckdb.connect(str(settings.warehouse_path)) as db:
        db.execute(LEEDS)
    with pytest.raises(ChangedError):
        publish(settings)
    assert not list(settings.releases_dir.glob("*")) if settings.releases_dir.exists() else True


def test_the_fingerprint_sees_one_cell_and_not_the_order(settings: Settings) -> None:
    load_raw(settings)
    first = fingerprint(settings)
    load_raw(settings)
    assert fingerprint(settings) == first
    assert len(list(settings.build_dir.glob("build-*"))) == BUILDS_KEPT


HOLDER = """
import sys
from pathlib import Path
from orchestration.settings import Settings
from orchestration.warehouse.workbench import hold
hold(Settings(build_dir=Path(sys.argv[1])))
print("held", flush=True)
sys.stdin.readline()
"""


def test_a_second_run_is_told_who_runs_and_a_dead_process_holds_nothing(settings: Settings) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.build_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=rf"A run is going on: process {process.pid} since \d\d:\d\d\. .*asc run --wait"):
            hold(settings)
        link = settings.dbt_target_dir / "at_work"
        before = link.readlink() if link.is_symlink() else None
        with pytest.raises(BusyError):  # dbt of that process has its warehouse open by this link
            run_dbt(settings, ["parse"])
        assert (link.readlink() if link.is_symlink() else None) == before
        os.kill(process.pid, signal.SIGKILL)
        began = time.monotonic()
        with held(settings, wait=True):
            assert time.monotonic() - began < 20
            assert not hold(settings)  # a block inside another leaves it to the outer one
    finally:
        process.kill()
        process.wait()
    assert hold(settings)
    let_go(settings)


WRONG_EDITIONS = {
    "a figure of an edition that nobody described": (
        "update raw.figures set edition = '1999' where source = 'deflators'",
        "Every figure is of an edition that is described",
    ),
    "an edition whose row is gone": (
        "delete from raw.editions where source = 'deprivation' and edition = '2019'",
        "Every figure is of an edition that is described",
    ),
    "a hash of zeros": (
        "update raw.editions set sha256 = repeat('0', 64) where edition = '2024-25'",
        "Every edition has the SHA-256",
    ),
    "no hash": ("update raw.editions set sha256 = '' where source = 'deflators'", "Every edition has the SHA-256"),
    "an edition without figures": ("delete from raw.figures where source = 'fingertips'", "Every edition has figures"),
    "an edition twice": ("insert into raw.editions from raw.editions where source = 'deflators'", "An edition is described once"),
    "no licence": ("update raw.editions set licence = '' where source = 'deflators'", "Every edition says under which licence"),
    "an unknown way to have got it": (
        "update raw.editions set obtained = 'somehow' where source = 'deflators'",
        "Every edition says whether",
    ),
    "revised by nothing": (
        "update raw.editions set superseded_by = 'x' where source = 'deflators'",
        "An edition that was revised names",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_EDITIONS)
def test_figures_and_editions_are_tied(settings: Settings, wrong: str) -> None:
    sql, says = WRONG_EDITIONS[wrong]
    load_raw(settings)
    with duckdb.connect(str(settings.warehouse_path)) as db:
        db.execute(sql)
        db.execute(
            "create or replace table raw.load as select count(*) as figures, sum(hash(f)::hugeint)::varchar as fingerprint from raw.figures as f"
        )
    (suite,) = (s for s in suites(settings.expectations_dir, "raw_") if s.name == "raw_editions")
    result = run_gate(settings, suite)
    assert not result.passed
    assert says in result.sentence
