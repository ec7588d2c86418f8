"""Ratios of a benchmark: measured turn by turn, printed beside their bars, kept, and held against those of the last time.

What belongs here: how a ratio is measured and remembered. What does not: what is measured (the modules beside this one).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from orchestration.settings import PROJECT_ROOT

KEPT: Final = PROJECT_ROOT / "data" / "build" / "benchmarks.jsonl"
"""One line a benchmark: of this machine, so it is not part of the project."""
WORSE: Final = 1.2
PACKAGES: Final = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "numpy", "pandas")


@dataclass(frozen=True)
class Ratio:
    """Medians of the thing and of what stands beside it, seconds; the median of the ratios of the turns; peak memory of the thing, MB."""

    name: str
    beside: str
    own_seconds: float
    beside_seconds: float
    ratio: float
    bar: float | None = None
    peak_mb: float | None = None
    turns: int = 0


def seconds(command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path = PROJECT_ROOT) -> float:
    """Of one whole process. CalledProcessError, with what it said, if it fails: a stage that did not run has no time."""
    began = time.perf_counter()
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=folder, env={**os.environ, **(environment or {})}
    )
    took = time.perf_counter() - began
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, list(command), done.stdout[-2000:], done.stderr[-2000:])
    return took


def in_turn(turns: int, *things: Callable[[], float]) -> list[tuple[float, ...]]:
    """Seconds of each thing, turn by turn, the first turn not counted: what warms up warms all."""
    measured = [tuple(thing() for thing in things) for _ in range(1 + turns)]
    return measured[1:]


def ratio(name: str, beside: str, measured: Sequence[tuple[float, float]], bar: float | None = None) -> Ratio:
    """Of (seconds of the thing, seconds of what stands beside it), a pair a turn."""
    mine, theirs = zip(*measured, strict=True)
    return Ratio(
        name,
        beside,
        statistics.median(mine),
        statistics.median(theirs),
        statistics.median(a / b for a, b in measured),
        bar,
        turns=len(measured),
    )


def paired(
    name: str, beside: str, own: Callable[[], float], other: Callable[[], float], bar: float | None = None, turns: int = 5
) -> Ratio:
    """A thing and what stands beside it, turn by turn."""
    return ratio(name, beside, [(a, b) for a, b in in_turn(turns, own, other)], bar)


def peak_of_children_mb() -> float:
    """The most that any process begun by this one held at a time."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def report(rows: Sequence[Ratio], benchmark: str, size: Mapping[str, int] | None = None, kept: Path = KEPT) -> list[str]:
    """Print the rows, keep them, and print and return a sentence for each ratio that worsened by a fifth since the last time on this machine."""
    print(f"{'what':<34}{'beside':<40}{'s':>8}{'s':>8}{'ratio':>8}  bar")
    for row in rows:
        told = "" if row.bar is None else f"at most {row.bar:g}: {'held' if row.ratio <= row.bar else 'NOT HELD'}"
        print(f"{row.name:<34}{row.beside:<40}{row.own_seconds:>8.2f}{row.beside_seconds:>8.2f}{row.ratio:>8.2f}  {told}")
    machine = {"machine": platform.machine(), "processors": os.cpu_count() or 0, "python": platform.python_version()}
    before = _last(benchmark, machine, kept)
    line = {
        "benchmark": benchmark,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        **machine,
        "versions": {name: version(name) for name in PACKAGES},
        "size": dict(size or {}),
        "ratios": [asdict(row) for row in rows],
    }
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    worse = [
        f"{row.name} beside {row.beside}: {row.ratio:.2f}, and {before[row.name, row.beside]:.2f} the last time"
        for row in rows
        if row.ratio > WORSE * before.get((row.name, row.beside), float("inf"))
    ]
    for said in worse:
        print(f"WORSE BY A FIFTH OR MORE: {said}")
    return worse


def _last(benchmark: str, machine: Mapping[str, object], kept: Path) -> dict[tuple[str, str], float]:
    if not kept.exists():
        return {}
    lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines() if line]
    own = [one for one in lines if one["benchmark"] == benchmark and all(one[key] == value for key, value in machine.items())]
    return {(row["name"], row["beside"]): row["ratio"] for row in own[-1]["ratios"]} if own else {}


def python(code: str) -> list[str]:
    """A whole process of this Python."""
    return [sys.executable, "-c", code]
