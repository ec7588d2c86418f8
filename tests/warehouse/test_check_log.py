"""What came of every rule is kept, shown, and shipped with the release."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

from expectations.runner import Suite, _rule, run_suite, suites
from orchestration.settings import Settings
from orchestration.warehouse.check_log import CHECKS, history, note, of_last_run
from tests.conftest import Released

SUITE = Suite(
    name="small",
    guards="Small table",
    query="",
    identify=["area_code"],
    rules=[
        _rule(
            "small",
            {
                "says": "A percentage lies between 0 and 100",
                "expect": "column_values_to_be_between",
                "column": "value",
                "min_value": 0,
                "max_value": 100,
            },
        ),
        _rule(
            "small",
            {
                "says": "A code stands once",
                "expect": "compound_columns_to_be_unique",
                "column_list": ["area_code", "value"],
                "severity": "warning",
            },
        ),
    ],
)


def test_each_rule_has_a_line_and_a_failure_its_rows(tmp_path: Path) -> None:
    settings = Settings(releases_dir=tmp_path / "releases", build_dir=tmp_path / "build")
    whole = pd.DataFrame({"area_code": ["A", "B"], "value": [1.0, 2.0]})
    for table in (whole, pd.DataFrame({"area_code": list("ABCDEFGH"), "value": [101.0] * 7 + [5.0]}), whole):
        note(settings, SUITE, run_suite(SUITE, table))
    seen = history(settings.releases_dir, "percentage LIES")
    assert [(line["passed"], line["rows_checked"], line["rows_failing"]) for line in seen] == [
        (True, 2, 0),
        (False, 8, 7),
        (True, 2, 0),
    ]
    assert [row["area_code"] for row in json.loads(seen[1]["sample"])] == list("ABCDE")
    assert "but not for 7 of 8 rows" in seen[1]["sentence"]
    last = of_last_run(settings.releases_dir)
    assert [line["rule"] for line in last] == [r.says for r in SUITE.rules] and all(line["passed"] for line in last)
    with (settings.releases_dir / CHECKS).open("a", encoding="utf-8") as log:
        log.write('{"run": "cut sh')
    assert len(history(settings.releases_dir, "percentage")) == 3
    assert of_last_run(tmp_path) == []


def test_the_terminal_names_the_rows_that_break_a_rule(tmp_path: Path) -> None:
    settings = Settings(releases_dir=tmp_path, build_dir=tmp_path)
    broken = pd.DataFrame({"area_code": list("ABCDEFGH"), "value": [101.0] * 7 + [5.0]})
    note(settings, SUITE, run_suite(SUITE, broken), run="build-1")
    environment = os.environ | {"ASC_RELEASES_DIR": str(tmp_path), "ASC_BUILD_DIR": str(tmp_path)}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "asc"), "checks", "--failing"],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    told = done.stdout.splitlines()
    start = told.index(f"{SUITE.name}: {SUITE.rules[0].says}")
    assert told[start + 1] == "  area_code A, value 101.0"
    assert told[start + 6] == "  and 2 more"


KNOWN_WARNING = "Lines of the outturn add up in the earlier returns too, to GBP 15,000"
"""Of 55 councils' published returns they do not."""


def test_a_release_has_the_results_of_every_rule_of_its_run(released: Released) -> None:
    rules = {(s.name, r.says, r.severity) for s in suites(released.settings.expectations_dir, "") for r in s.rules}
    with released.connect() as db:
        found = db.execute("select suite, rule, severity, passed, rows_checked from meta.check_result").fetchall()
        assert db.execute("select count(distinct run) from meta.check_result").fetchone() == (1,)
        assert db.execute("select count(*) from meta.fetch_outcome").fetchone() == (
            0,
        )  # a run on embedded figures fetches nothing
    assert {f[:3] for f in found} == rules
    assert [f[1] for f in found if not f[3]] == [KNOWN_WARNING]
    assert all(rows for *_, rows in found if rows is not None)
