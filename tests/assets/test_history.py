"""Dagster's history in SQLite: kept open, and still the history that Dagster's own class reads and writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.storage.event_log import SqliteEventLogStorage

from orchestration.assets.history import FILES_OPEN, OpenHistory
from orchestration.settings import PROJECT_ROOT


@dg.asset
def a_table() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 7})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dagster.yaml").write_bytes((PROJECT_ROOT / ".dagster" / "dagster.yaml").read_bytes())
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as made:
        yield made


def open_files(folder: Path) -> set[str]:
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    held = [link.readlink() for link in links if link.is_symlink()]
    return {file.name for file in held if file.is_relative_to(folder)}


def test_the_projects_home_names_it(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.event_log_storage, OpenHistory)


def test_what_it_writes_dagsters_own_class_reads_and_the_other_way_round(home: Path, instance: dg.DagsterInstance) -> None:
    mine = dg.materialize([a_table], instance=instance)
    settings = yaml.safe_load((home / "dagster.yaml").read_text())
    del settings["event_log_storage"]
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
    with dg.DagsterInstance.get() as plain:
        assert type(plain.event_log_storage) is SqliteEventLogStorage
        assert len(plain.all_logs(mine.run_id)) == len(instance.all_logs(mine.run_id)) > 5
        theirs = dg.materialize([a_table], instance=plain)
    assert len(instance.all_logs(theirs.run_id)) > 5
    latest = instance.get_latest_materialization_event(dg.AssetKey("a_table"))
    assert latest is not None
    assert latest.run_id == theirs.run_id


def test_files_stay_open_but_not_of_every_run(home: Path, instance: dg.DagsterInstance) -> None:
    runs = [dg.materialize([a_table], instance=instance).run_id for _ in range(FILES_OPEN + 2)]
    kept = {name for name in open_files(home / "history" / "runs") if name.endswith(".db")}
    assert "index.db" in kept
    assert f"{runs[-1]}.db" in kept
    assert len(kept) <= FILES_OPEN
    for run in runs:
        assert instance.all_logs(run)
    instance.event_log_storage.dispose()
    assert open_files(home / "history" / "runs") == set()


def test_history_can_be_wiped(instance: dg.DagsterInstance) -> None:
    run = dg.materialize([a_table], instance=instance).run_id
    instance.event_log_storage.wipe()
    assert instance.all_logs(run) == []
    assert instance.get_latest_materialization_event(dg.AssetKey("a_table")) is None
    assert instance.all_logs(dg.materialize([a_table], instance=instance).run_id)
