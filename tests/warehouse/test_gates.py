"""Gates: what passes, what fails, how the failure reads, and that a rule without words is refused."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from expectations.runner import Suite, load_suite, run_suite, suites
from orchestration.settings import Settings
from orchestration.warehouse.gates import check_result

SUITE = Suite(
    name="small", guards="Small table", query="", identify=["area_code", "value"],
    expectations=[
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "value", "min_value": 0, "max_value": 100},
            "meta": {"says": "A percentage lies between 0 and 100"},
        }
    ],
)  # fmt: skip


def test_a_table_that_keeps_the_rules_passes() -> None:
    result = run_suite(SUITE, pd.DataFrame({"area_code": ["A", "B"], "value": [0.0, 100.0]}))
    assert result.passed
    assert result.sentence == "Small table: 1 rules hold over 2 rows"
    assert check_result(result).passed


def test_a_failure_is_a_sentence_with_the_rows() -> None:
    result = run_suite(SUITE, pd.DataFrame({"area_code": ["A", "B", "C"], "value": [5.0, 101.0, -1.0]}))
    assert not result.passed
    assert "A percentage lies between 0 and 100, but not for 2 of 3 rows" in result.sentence
    assert "area_code B" in result.sentence
    check = check_result(result)
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.ERROR
    rows = check.metadata["failing_rows"].records
    assert [r.data["area_code"] for r in rows] == ["B", "C"]


def test_a_rule_that_cannot_be_checked_counts_as_failed() -> None:
    result = run_suite(SUITE, pd.DataFrame({"area_code": ["A"]}))
    assert not result.passed
    assert "could not be checked" in result.sentence


def test_a_rule_without_words_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mute.json"
    path.write_text(json.dumps({"guards": "x", "query": "", "identify": [], "expectations": [{"type": "t", "kwargs": {}}]}))
    with pytest.raises(ValueError, match=r"mute\.json: expectation t has no `meta\.says`"):
        load_suite(path)


def test_raw_figures_and_marts_are_guarded() -> None:
    folder = Settings().expectations_dir
    assert {s.name for s in suites(folder, "raw_")} == {"raw_figures", "raw_council_counts"}
    assert {s.name for s in suites(folder, "marts_")} >= {
        "marts_measure_values",
        "marts_productivity_ranking",
        "marts_ranked_years",
    }
