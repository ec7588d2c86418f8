"""What came of every rule of every validation, of every run: `data/releases/checks.jsonl`, one line a rule.

A release takes the lines of its own build with it (`meta.check_result`), and `asc checks` reads them. What belongs here: writing and reading
that file. What does not: rules (`expectations/`), and what a closed gate does (`gates.py`).
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from expectations.runner import Suite, SuiteResult
from orchestration.settings import Settings

CHECKS: Final = "checks.jsonl"
ROWS_SHOWN: Final = 5
COLUMNS: Final = {
    "run": ("varchar", "Build that was checked: the name of its folder, begun with its time."),
    "checked_at": ("timestamp", "When, in UTC."),
    "suite": ("varchar", "Suite of rules, a file in expectations/."),
    "rule": ("varchar", "The rule in words."),
    "severity": ("varchar", "critical closes the gate, warning is shown, quarantine sets the rows aside."),
    "passed": ("boolean", "Whether the rule held."),
    "rows_checked": ("bigint", "Rows that were looked at."),
    "rows_failing": ("bigint", "Rows that broke the rule; empty where the rule is about the whole table."),
    "sentence": ("varchar", "What a person was told; empty where the rule held."),
    "sample": ("varchar", "Up to five failing rows as JSON; empty where the rule held."),
}
"""Column -> type, description: of the table in a release, and the names in the file."""


def note(settings: Settings, suite: Suite, result: SuiteResult, run: str = "") -> None:
    """Append one line for each rule of a suite that was run on the build in work, or on the build `run`."""
    failed = {f.says: f for f in [*result.failures, *result.warnings, *result.set_aside]}
    now = dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat()
    lines = []
    for rule in suite.rules:
        failure = failed.get(rule.says)
        lines.append(
            {
                "run": run or settings.warehouse_path.parent.name,
                "checked_at": now,
                "suite": suite.name,
                "rule": rule.says,
                "severity": rule.severity,
                "passed": failure is None,
                "rows_checked": result.rows_checked,
                "rows_failing": failure.failing if failure else 0,
                "sentence": failure.sentence if failure else "",
                "sample": json.dumps(failure.rows[:ROWS_SHOWN], default=str, ensure_ascii=False)
                if failure and failure.rows
                else "",
            }
        )
    settings.releases_dir.mkdir(parents=True, exist_ok=True)
    with (settings.releases_dir / CHECKS).open("a", encoding="utf-8") as log:
        log.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        log.flush()
        os.fsync(log.fileno())


def noted(releases_dir: Path) -> Iterator[dict[str, Any]]:
    """Every line so far, the oldest first. A last line that a crash cut short is passed over."""
    path = releases_dir / CHECKS
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def of_last_run(releases_dir: Path) -> list[dict[str, Any]]:
    """The last result of each rule in the run that was checked last."""
    lines = list(noted(releases_dir))
    if not lines:
        return []
    run = lines[-1]["run"]
    last = {(line["suite"], line["rule"]): line for line in lines if line["run"] == run}
    return sorted(last.values(), key=lambda line: (line["passed"], line["suite"]))


def history(releases_dir: Path, rule: str) -> list[dict[str, Any]]:
    """Every result of the rules whose words have `rule` in them, whatever its capitals; the oldest first."""
    return [line for line in noted(releases_dir) if rule.lower() in str(line["rule"]).lower()]
