"""Sixteen processes query `current` without pause while it moves forwards and back: no error, no mixture of two releases, and how long questions take."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.publication.release import _point, _signed, current_release, point_to, read_manifest
from orchestration.settings import Settings
from tests.conftest import Released

READERS = 16
PUBLICATIONS, ROLLBACKS = 10, 2
PAUSE_SECONDS = 0.5
LONGEST_START_SECONDS = 60
READER = """
import json, sys, time
from pathlib import Path
import duckdb
releases, stop, long_lived = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "1"
question = ("select (select min(number) from marts.one), (select max(number) from marts.other), "
            "(select count(rank) from marts.latest_ranking), (select number from read_parquet(?))")
spent, wrong = [], []
def ask(folder, db):
    began = time.monotonic()
    one, other, ranked, file = db.execute(question, [str(folder / "one.parquet")]).fetchone()
    spent.append((began, time.monotonic() - began))
    if len(spent) == 1:
        Path(sys.argv[4]).touch()
    if one != other or ranked == 0 or file != one:
        wrong.append([one, other, ranked, file])
while not stop.exists():
    folder = (releases / "current").resolve()  # once, as `asc path` gives it
    with duckdb.connect(str(folder / "asc.duckdb"), read_only=True) as db:
        for _ in range(50 if long_lived else 1):
            ask(folder, db)
            if stop.exists():
                break
print(json.dumps({"spent": spent, "wrong": wrong}))
"""
"""A reader: when each question was asked, by the clock that all processes share, and how long it took. Half of them keep a connection for fifty questions, half open one for each. Two tables and a file must have one number."""


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


Spent = list[tuple[float, float]]
"""When each question was asked, seconds by the monotonic clock, and how many seconds it took."""


def read_while(settings: Settings, folder: Path, what: Callable[[], None]) -> tuple[Spent, list[object]]:
    """Every question and every wrong answer of sixteen processes while `what` is done, which begins once all of them have had an answer."""
    stop = folder / "stop"
    ready = [folder / f"ready-{n}" for n in range(READERS)]
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(settings.releases_dir), str(stop), str(n % 2), str(ready[n])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(READERS)
    ]
    try:
        until = time.monotonic() + LONGEST_START_SECONDS
        while not all(path.exists() for path in ready) and time.monotonic() < until:
            time.sleep(0.05)
        what()
    finally:
        stop.touch()
    spent: Spent = []
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
    """The same processes at rest and while `current` moves, so that what differs is the moving."""
    settings, names = numbered
    began_to_move: list[float] = []

    def rest_and_move() -> None:
        time.sleep(PAUSE_SECONDS * (PUBLICATIONS + ROLLBACKS))
        began_to_move.append(time.monotonic())
        for name in (*names[1:], *names[:ROLLBACKS]):
            point_to(settings, name)
            time.sleep(PAUSE_SECONDS)

    spent, wrong = read_while(settings, tmp_path, rest_and_move)
    assert wrong == []
    assert current_release(settings).name == names[ROLLBACKS - 1]
    since = began_to_move[0]
    rest, moving = (
        [
            took
            for asked, took in spent
            if (asked >= since) is moved and asked >= since - PAUSE_SECONDS * (PUBLICATIONS + ROLLBACKS)
        ]
        for moved in (False, True)
    )
    p99 = [statistics.quantiles(some, n=100)[98] for some in (rest, moving)]
    with capsys.disabled():
        print(
            f"\n{READERS} readers, {len(rest):,} questions at rest: p99 {1000 * p99[0]:.0f} ms; {len(moving):,} while current moved "
            f"{PUBLICATIONS + ROLLBACKS} times: p99 {1000 * p99[1]:.0f} ms; ratio {p99[1] / p99[0]:.2f}"
        )
