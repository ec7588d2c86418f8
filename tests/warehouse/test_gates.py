"""Gates: what passes, what fails, how the failure reads, and that a rule without words is refused."""

from __future__ import annotations

import gc
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from expectations.runner import RuleError, Suite, _rule, load_suite, run_suite, suites
from orchestration.settings import Settings
from orchestration.warehouse.gates import check_result

SUITE = Suite(
    name="small",
    guards="Small table",
    query="",
    identify=["area_code", "value"],
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
        )
    ],
)


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
    path = tmp_path / "mute.yaml"
    path.write_text("guards: x\nquery: ''\nidentify: []\nrules:\n  - {expect: t}\n")
    with pytest.raises(ValueError, match=r"mute\.yaml: rule t has no `says`"):
        load_suite(path)
    path.write_text("guards: x\nquery: ''\nidentify: []\nrules:\n  - {says: s, expect: t, severity: fatal}\n")
    with pytest.raises(ValueError, match="rule 's' has severity 'fatal'; choose critical, warning, quarantine"):
        load_suite(path)


TABLE = pd.DataFrame({"area_code": ["A"], "value": [5.0]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"type": "expect_column_value_to_be_betwen"},
            r"expects column_value_to_be_betwen, which there is not; like it are column_values_to_be_between",
        ),
        ({"type": "expect_nothing_at_all"}, "expects nothing_at_all, which there is not"),
        (
            {"kwargs": {"column": "value", "minimum": 0, "max_value": 1}},
            "cannot be asked so: .* minimum extra fields not permitted",
        ),
        ({"kwargs": {"column": "value", "min_value": "few"}}, "cannot be asked so: "),
    ],
)
def test_a_rule_that_is_no_expectation_is_refused_and_never_left_out(change: dict[str, Any], said: str) -> None:
    """Great Expectations leaves such a rule out of the suite, prints a traceback and says that all is well."""
    rule = SUITE.rules[0]
    with pytest.raises(RuleError, match=rf"^{SUITE.name}\.yaml: rule '{rule.says}' {said}"):
        run_suite(replace(SUITE, rules=[replace(rule, expectation=rule.expectation | change)]), TABLE)


def test_an_answer_that_is_missing_closes_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    import great_expectations as gx

    suite = gx.ExpectationSuite
    monkeypatch.setattr(gx, "ExpectationSuite", lambda name, expectations: suite(name=name, expectations=expectations[:0]))
    with pytest.raises(RuleError, match="1 rules were asked, 0 answered: nothing may go on"):
        run_suite(SUITE, TABLE)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("{says: a month, or a year, expect: t}", r"mute\.yaml: rule 'a month' has an argument 'or a year': .* stands in quotes"),
        ("{says: 'a', expect: t, regex: \\d{2}}", r"mute\.yaml: .*stand in quotes"),
        ("{says: 'a', expect: t}\n  - {says: 'a', expect: u}", r"mute\.yaml: 'a' is said of two rules"),
    ],
)
def test_a_file_that_cannot_be_read_as_meant_says_where(tmp_path: Path, rules: str, said: str) -> None:
    path = tmp_path / "mute.yaml"
    path.write_text(f"guards: x\nquery: ''\nidentify: []\nrules:\n  - {rules}\n")
    with pytest.raises(RuleError, match=said):
        load_suite(path)


def test_a_warning_is_shown_and_the_gate_stays_open() -> None:
    rule = replace(SUITE.rules[0], severity="warning")
    result = run_suite(replace(SUITE, rules=[rule]), pd.DataFrame({"area_code": ["A", "B"], "value": [5.0, 101.0]}))
    assert result.passed
    assert [w.says for w in result.warnings] == ["A percentage lies between 0 and 100"]
    assert result.sentence.startswith("Small table: 0 of 1 rules hold over 2 rows | warning: A percentage")
    check = check_result(result)
    assert check.passed
    assert [r.data["area_code"] for r in check.metadata["failing_rows"].records] == ["B"]


def test_many_validations_take_no_more_memory_than_a_few() -> None:
    """A context of Great Expectations for each validation would keep every table it has seen: 3 MB each here, over half a gigabyte in all."""
    table = pd.DataFrame({"area_code": ["A"] * 200_000, "value": np.arange(200_000) % 100.0})

    def after(validations: int) -> float:
        for _ in range(validations):
            run_suite(SUITE, table)
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

    few = after(10)
    assert after(190) - few < 50


def test_rows_to_be_set_aside_are_all_named_and_close_nothing() -> None:
    rule = replace(SUITE.rules[0], severity="quarantine")
    many = pd.DataFrame({"area_code": [str(n) for n in range(60)], "value": [101.0] * 50 + [5.0] * 10})
    result = run_suite(replace(SUITE, rules=[rule]), many)
    assert result.passed
    assert [len(f.rows) for f in result.set_aside] == [50]
    assert result.sentence.startswith("Small table: 0 of 1 rules hold over 60 rows | set aside: A percentage")


def test_a_rule_to_set_aside_that_cannot_be_checked_closes_the_gate() -> None:
    rule = replace(SUITE.rules[0], severity="quarantine")
    result = run_suite(replace(SUITE, rules=[rule]), pd.DataFrame({"area_code": ["A"]}))
    assert not result.passed
    assert result.set_aside == []


def test_raw_figures_and_marts_are_guarded() -> None:
    folder = Settings().expectations_dir
    assert {s.name for s in suites(folder, "raw_")} == {"raw_figures", "raw_council_counts", "raw_councils", "raw_editions"}
    assert {s.name for s in suites(folder, "marts_")} >= {
        "marts_measure_values",
        "marts_productivity_ranking",
        "marts_ranked_years",
    }
