"""Sixteen processes query `current` without pause while it moves forwards and back: no error, no mixture of two releases, and how long questions take."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.publication.release import _point, _signed, current_release, point_to, read_manifest
from orchestration.settings import Settings
from tests.conftest import Released

READERS = 16
PUBLICATIONS, ROLLBACKS = 10, 2
READER = """
import json, sys, time
from pathlib import Path
import duckdb
releases, stop, long_lived = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "1"
question = ("select (select min(number) from marts.one), (select max(number) from marts.other), "
            "(select count(rank) from marts.latest_ranking), (select number from read_parquet(?))")
spent, wrong = [], []
def ask(folder, db):
    began = time.perf_counter()
    one, other, ranked, file = db.execute(question, [str(folder / "one.parquet")]).fetchone()
    spent.append(time.perf_counter() - began)
    if one != other or ranked == 0 or file != one:
        wrong.append([one, other, ranked, file])
while not stop.exists():
    folder = (releases / "current").resolve()  # once, as `asc path` gives it
    with duckdb.connect(str(folder / "asc.duckdb"), read_only=True) as db:
        for _ in range(50 if long_lived else 1):
            ask(folder, db)
            if stop.exists():
                break
print(json.dumps({"spent": spent[3:] or spent, "wrong": wrong}))  # the first pay for sixteen processes that start at once
"""
"""A reader: half of them keep a connection for fifty questions, half open one for each. Two tables and a file must have one number."""


@pytest.fixture(scope="module")
def numbered(released: Released, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, list[str]]:
    """Releases that each have their number in two tables and in a file, signed as releases are."""
    releases = tmp_path_factory.mktemp("numbered")
    settings = released.settings.model_copy(update={"releases_dir": releases})
    names = []
    for number in range(PUBLICATIONS + 1):
        folder = releases / f"2026010{number // 10}T00000{number % 10}Z-{number:08d}"
        folder.mkdir()
        shutil.copyfile(released.release / "asc.duckdb", folder / "asc.duckdb")
        with duckdb.connect(str(folder / "asc.duckdb")) as db:
            for table in ("one", "other"):
                db.execute(f"create table marts.{table} as select {number} as number from range(1000)")
            db.execute(f"copy (select {number} as number) to '{folder / 'one.parquet'}' (format parquet)")
        manifest = read_manifest(released.release) | {
            "release_id": folder.name,
            "files": {f.name: _signed(f) for f in sorted(folder.iterdir())},
        }
        (folder / "manifest.json").write_text(json.dumps(manifest))
        names.append(folder.name)
    _point(settings, names[0])
    return settings, names


def read_while(settings: Settings, stop: Path, what: object) -> tuple[list[float], list[object]]:
    """Seconds of every question and every wrong answer of sixteen processes while `what` is done."""
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(settings.releases_dir), str(stop), str(n % 2)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(READERS)
    ]
    try:
        assert callable(what)
        what()
    finally:
        stop.touch()
    spent: list[float] = []
    wrong: list[object] = []
    for reader in readers:
        out, told = reader.communicate(timeout=120)
        assert reader.returncode == 0, told[-1000:]
        answer = json.loads(out)
        assert answer["spent"]
        spent += answer["spent"]
        wrong += answer["wrong"]
    return spent, wrong


@pytest.mark.slow
def test_sixteen_readers_see_whole_releases_while_current_moves(
    numbered: tuple[Settings, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, names = numbered

    def move() -> None:
        for name in names[1:]:
            time.sleep(0.5)
            point_to(settings, name)
        for name in names[:ROLLBACKS]:
            time.sleep(0.5)
            point_to(settings, name)

    quiet, wrong_at_rest = read_while(settings, tmp_path / "rest", lambda: time.sleep(6))
    moving, wrong = read_while(settings, tmp_path / "moving", move)
    assert (wrong_at_rest, wrong) == ([], [])
    assert current_release(settings).name == names[ROLLBACKS - 1]
    with capsys.disabled():
        told = [f"{len(s):,} questions, p99 {1000 * statistics.quantiles(s, n=100)[98]:.0f} ms" for s in (quiet, moving)]
        ratio = statistics.quantiles(moving, n=100)[98] / statistics.quantiles(quiet, n=100)[98]
        print(
            f"\n16 readers at rest: {told[0]}; while current moved {PUBLICATIONS + ROLLBACKS} times: {told[1]}; ratio {ratio:.2f}"
        )
