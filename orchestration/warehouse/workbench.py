"""The workbench: a folder for each build, a pointer to the one in work, and one lock over a whole run.

Each build has a folder of its own, so that a program that still has an older build open, or was killed with its write-ahead log beside it,
can change nothing in a newer one: DuckDB replays whatever log lies beside a file of the same name.

What belongs here: where a build lies and who may build. What does not: what is put into it (`raw.py`, `dbt.py`).
"""

from __future__ import annotations

import atexit
import datetime as dt
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from orchestration.settings import BUILD_PREFIX, Settings

LOCK: Final = "run.lock"
BUILDS_KEPT: Final = 2
LOOK_AGAIN_SECONDS: Final = 1.0

_held: dict[Path, IO[str]] = {}


class BusyError(RuntimeError):
    """Another process is building; the text says which, since when, and what to do."""


def new_build(settings: Settings) -> Path:
    """An empty folder for a new build. It is not in work before `put_in_work`."""
    folder = settings.build_dir / f"{BUILD_PREFIX}{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    return folder


def put_in_work(settings: Settings, folder: Path) -> None:
    """Point to `folder` in one step, and delete older builds; the one before stays, for whoever looks at it."""
    aside = settings.build_pointer.with_suffix(".part")
    aside.write_text(folder.name, encoding="utf-8")
    aside.replace(settings.build_pointer)
    builds = sorted((p for p in settings.build_dir.glob(f"{BUILD_PREFIX}*") if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for old in [p for p in builds if p != folder][: -(BUILDS_KEPT - 1)]:
        shutil.rmtree(old, ignore_errors=True)
    for left in settings.build_dir.glob("warehouse.duckdb*"):  # where builds lay before each had a folder
        left.unlink()


def hold(settings: Settings, wait: bool = False) -> bool:
    """Take the lock of the workbench for this process; return whether it was taken now (False: this process has it already).

    The operating system frees it when the process ends, however it ends. BusyError if another process has it, unless `wait`.
    """
    path = settings.build_dir / LOCK
    if path in _held:
        return False
    settings.build_dir.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if not wait:
                file.seek(0)
                who = file.read().strip() or "another process"
                file.close()
                raise BusyError(
                    f"A run is going on: {who}. Let it end and run again, or wait for it with `asc run --wait`."
                ) from None
            time.sleep(LOOK_AGAIN_SECONDS)
    file.truncate(0)
    file.write(f"process {os.getpid()} since {dt.datetime.now():%H:%M}\n")  # noqa: DTZ005 (a person's clock)
    file.flush()
    _held[path] = file
    return True


def let_go(settings: Settings) -> None:
    """Free the lock, if this process has it."""
    file = _held.pop(settings.build_dir / LOCK, None)
    if file is not None:
        file.truncate(0)
        file.close()


@contextmanager
def held(settings: Settings, wait: bool = False) -> Iterator[None]:
    """The lock for the length of a block; a block inside another leaves it to the outer one."""
    taken = hold(settings, wait)
    try:
        yield
    finally:
        if taken:
            let_go(settings)


@atexit.register
def _let_go_of_all() -> None:
    for file in _held.values():
        file.close()
    _held.clear()
