"""`make faults`: whole runs killed (SIGKILL) at every stage, while a log or a half-written folder is there, and at moments drawn by chance.

A client with an open transaction on the workbench is killed too. After each, the release before answers the same question; after each client or log
or half-written folder, and at the end, one undisturbed run in the same workbench gives the tables of the first, byte for byte. Half an hour and
more, so it is no part of `make test`. python -m tests.end_to_end.kills [random moments] [seed]
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.cli.run import STAGE_NAMES
from orchestration.pages.site import MADE_WITH, SITE
from orchestration.settings import PROJECT_ROOT

ASC = str(Path(sys.executable).parent / "asc")
QUICK = {"ASC_REPLICATIONS": "200", "ASC_SENSITIVITY_SAMPLES": "256"}
LONGEST_SECONDS = 600
IN_FLIGHT = {
    "a write-ahead log": "build/build-*/warehouse.duckdb.wal",
    "a release half written": "releases/.part-*/asc.duckdb",
    "a release's table half written": "releases/.part-*/*.csv",
    "a site half written": "releases/*/.site-*/index.html",
}
"""What is there, by its pattern under the folder of the try, when the run is killed."""

ENDED = "it had ended"

CLIENT = """
import sys, time
from pathlib import Path
import duckdb
db = duckdb.connect(sys.argv[1])
db.execute("set checkpoint_threshold = '1TB'")
db.execute("update raw.figures set value = value * 0.8 where area_code = 'E08000035'")
db.execute("begin; update raw.figures set value = value * 10 where area_code = 'E08000016'")
Path(sys.argv[2]).touch()
time.sleep(600)
"""


class HarmedError(RuntimeError):
    """A release was not what it was, or a run after a kill made something else."""


class Try:
    """A workbench and its releases in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            **QUICK,
            "ASC_BUILD_DIR": str(folder / "build"),
            "ASC_RELEASES_DIR": str(folder / "releases"),
            "DAGSTER_HOME": str(folder / "dagster"),
        }

    def run(self, **more: str) -> None:
        """An undisturbed run. CalledProcessError if it fails."""
        subprocess.run(
            [ASC, "run", "--again"], check=True, capture_output=True, cwd=PROJECT_ROOT, env={**self.environment, **more}
        )

    def killed(self, now: Callable[[str, float], bool]) -> str:
        """Begin a run and kill it with all its children once `now` (what it said so far, seconds since it began) says so; the last stage it told."""
        log = self.folder / "killed.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [ASC, "run", "--again"],
                stdout=file,
                stderr=file,
                cwd=PROJECT_ROOT,
                env={**self.environment, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
            began = time.monotonic()
            while process.poll() is None and time.monotonic() - began < LONGEST_SECONDS:
                if now(log.read_text(), time.monotonic() - began):
                    break
                time.sleep(0.005)
            if process.poll() is not None:
                return ENDED
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        told = [line for line in log.read_text().splitlines() if line.startswith("✓")]
        return told[-1][2:48].strip() if told else "nothing yet"

    def killed_client(self) -> str:
        """A program that has the build in work open for writing, with a changed figure not yet committed and one that is, both in its log, is killed."""
        build = self.folder / "build" / (self.folder / "build" / "in_work").read_text().strip()
        process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(build / "warehouse.duckdb"), str(self.folder / "client_ready")],
            start_new_session=True,
        )
        began = time.monotonic()
        while not (self.folder / "client_ready").exists() and time.monotonic() - began < LONGEST_SECONDS:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if not (build / "warehouse.duckdb.wal").exists():
            raise HarmedError("the client left no log: nothing was tried")
        return "a log beside the build"

    def answer(self) -> str:
        """The whole ranking of `current`, as a hash."""
        with duckdb.connect(str(self.folder / "releases" / "current" / "asc.duckdb"), read_only=True) as db:
            rows = db.execute("select * from marts.productivity_ranking order by all").fetchall()
        return hashlib.sha256(repr(rows).encode()).hexdigest()


def tables(release: Path) -> dict[str, str]:
    """Hash of every exported table."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(release.iterdir())
        if file.suffix in {".csv", ".parquet"}
    }


def main() -> None:
    """Print each kill and what came of it. HarmedError at the first harm."""
    moments = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    with tempfile.TemporaryDirectory() as made:
        tried = Try(Path(made))
        began = time.monotonic()
        tried.run()
        whole = time.monotonic() - began
        first, answer = tables(Path(made) / "releases" / "current"), tried.answer()
        kills: list[tuple[str, Callable[[str, float], bool]]] = [
            (f"after {stage}", lambda told, _, stage=stage: f"✓ {stage}" in told) for stage in list(STAGE_NAMES.values())[:-1]
        ]
        kills += [
            (f"with {what}", lambda _t, _s, pattern=pattern: any(Path(made).glob(pattern))) for what, pattern in IN_FLIGHT.items()
        ]
        kills += [
            (f"at {at:.1f} s", lambda _, spent, at=at: spent >= at)
            for at in sorted(rng.uniform(2, whole) for _ in range(moments))
        ]

        def same_tables_again() -> None:
            shutil.rmtree(Path(made) / "after", ignore_errors=True)
            tried.run(ASC_RELEASES_DIR=str(Path(made) / "after"))
            after = tables(Path(made) / "after" / "current")
            if after != first:
                raise HarmedError(f"the run after made other tables: {sorted(k for k in first if after.get(k) != first[k])}")
            print(f"  one more run made the same {len(first)} files, byte for byte", flush=True)

        for words, now in [*kills, ("a client that had a transaction open", None)]:
            in_flight = words.startswith(("with", "a client"))
            if in_flight:  # what an earlier kill left would be taken for the next run's
                # and a site that is made already would not be made again
                for left in (
                    "build/build-*/warehouse.duckdb.wal",
                    "releases/.part-*",
                    "releases/*/.site-*",
                    f"releases/*/{SITE}/{MADE_WITH}",
                ):
                    for path in Path(made).glob(left):
                        subprocess.run(["rm", "-rf", str(path)], check=True)
            last = tried.killed(now) if now else tried.killed_client()
            if last == ENDED and not words.startswith("at"):  # a moment drawn by chance may come after the end
                raise HarmedError(f"killed {words}: the run had ended, nothing was tried")
            if tried.answer() != answer:
                raise HarmedError(f"killed {words}: current does not answer as before")
            print(f"killed {words}; the last it told was: {last}. current answers as before", flush=True)
            if in_flight:
                same_tables_again()
        same_tables_again()
        print(f"{len(kills) + 1} kills: current answered as before after each")


if __name__ == "__main__":
    main()
