"""The benchmark measures what it says: a run without a stage, a command that failed and a run that was no run have no time; what worsens is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.cli.run import STAGE_NAMES
from tests.benchmarks.pipeline import StageMissingError, nothing_new, stages_of
from tests.benchmarks.ratios import Ratio, paired, report, seconds

WHOLE = "\n".join(f"✓ {name:<46}{1.5:6.1f} s" for name in STAGE_NAMES.values())


def test_a_run_without_a_stage_is_not_measured() -> None:
    assert stages_of(WHOLE) == dict.fromkeys(STAGE_NAMES.values(), 1.5)
    for left_out in WHOLE.splitlines():
        with pytest.raises(StageMissingError, match="the run had no stage"):
            stages_of(WHOLE.replace(left_out, ""))
    with pytest.raises(StageMissingError):
        stages_of(WHOLE.replace("✓ analysis", "✗ analysis"))


def test_a_command_that_fails_has_no_time() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        seconds([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_run_that_found_something_is_not_one_with_nothing_new(tmp_path: Path) -> None:
    program = tmp_path / "asc"
    program.write_text("#!/bin/sh\necho '✓ raw'\n")
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match="there was something new"):
        nothing_new(str(program))


def test_a_ratio_is_the_median_of_turns_and_the_first_is_not_counted() -> None:
    mine, theirs = iter([99.0, 2.0, 4.0, 9.0]), iter([1.0, 1.0, 2.0, 3.0])
    found = paired("a", "b", lambda: next(mine), lambda: next(theirs), turns=3)
    assert (found.own_seconds, found.beside_seconds, found.ratio) == (4.0, 2.0, 2.0)


def test_a_ratio_that_worsens_by_a_fifth_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "benchmarks.jsonl"

    def measured(ratio: float) -> list[str]:
        return report([Ratio("a", "b", ratio, 1, ratio, 1.5)], "x", kept=kept)

    assert measured(1.0) == []
    assert "held" in capsys.readouterr().out
    assert measured(1.19) == []
    assert measured(1.6) == ["a beside b: 1.60, and 1.19 the last time"]
    told = capsys.readouterr().out
    assert "NOT HELD" in told
    assert "WORSE BY A FIFTH" in told
    assert report([Ratio("a", "b", 9, 1, 9)], "another", kept=kept) == []
    assert len(kept.read_text().splitlines()) == 4
