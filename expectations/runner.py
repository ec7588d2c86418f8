"""Run a suite of Great Expectations on a table of the warehouse and say in sentences what failed.

A suite is a YAML file beside this module: `query` is the SQL that makes the guarded table, `identify` the columns that tell a reader which
row is meant, `rules` a line each: `says` (the rule in words), `expect` (the expectation's name without `expect_`), its arguments, and where
wanted `where` (rows it is about) and `severity` (`critical`, which closes the gate and is what a rule has that says nothing, `warning`,
which is shown, or `quarantine`, which sets the rows aside that break it). Great Expectations takes seconds to import, so it is imported here only when a suite runs.
"""

from __future__ import annotations

import difflib
import logging
import os
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import pandas as pd

FAILING_ROWS_KEPT = 20
SEVERITIES = ("critical", "warning", "quarantine")


class RuleError(ValueError):
    """A rule that nobody could check as it is written; the text names the file, the rule, and what is wrong with it."""


@dataclass(frozen=True)
class Rule:
    """One rule: what it says, the expectation as Great Expectations writes it, and whether its failure closes the gate."""

    says: str
    expectation: dict[str, Any]
    severity: str


@dataclass(frozen=True)
class Suite:
    """One guarded table: what it is, how it is made, which columns name a row, and what must hold."""

    name: str
    guards: str
    query: str
    identify: list[str]
    rules: list[Rule]


@dataclass(frozen=True)
class Failure:
    """A rule that does not hold: the sentence a person reads, and up to FAILING_ROWS_KEPT of the rows; all of them if they are set aside."""

    says: str
    sentence: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    severity: str = "critical"
    failing: int | None = None
    """How many rows break the rule; None where it is about the whole table."""
    years: frozenset[str] = frozenset()
    """The financial years of all failing rows; empty where the rule is about the whole table, or its rows have no year."""


@dataclass(frozen=True)
class SuiteResult:
    """What came of one suite. `failures` close the gate; `warnings` are shown; the rows of `set_aside` go no further."""

    suite: str
    guards: str
    rows_checked: int
    rules_checked: int
    failures: list[Failure]
    warnings: list[Failure] = field(default_factory=list)
    rows_by_year: dict[str, int] = field(default_factory=dict)
    set_aside: list[Failure] = field(default_factory=list)

    def rows_of(self, year: str) -> int:
        """Rows of one financial year that were looked at."""
        return self.rows_by_year.get(year, 0)

    def said_of(self, year: str) -> tuple[list[str], list[str]]:
        """What failed and what is only a warning, of one financial year; a failure that names no year counts for every one."""
        failed, warned = (
            [f.sentence for f in found if year in f.years or not f.years] for found in (self.failures, self.warnings)
        )
        return failed, warned

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def sentence(self) -> str:
        """All failures as one text, or what was checked; then what is only a warning."""
        told = (
            f"{self.guards}: {self.rules_checked} rules hold over {self.rows_checked:,} rows"
            if self.passed and not self.warnings and not self.set_aside
            else f"{self.guards}: " + " | ".join(f.sentence for f in self.failures)
            if self.failures
            else f"{self.guards}: {self.rules_checked - len(self.warnings) - len(self.set_aside)} of {self.rules_checked} rules hold "
            f"over {self.rows_checked:,} rows"
        )
        told += "".join(f" | warning: {w.sentence}" for w in self.warnings)
        return told + "".join(f" | set aside: {s.sentence}" for s in self.set_aside)


def load_suite(path: Path) -> Suite:
    """A suite from its YAML file. RuleError names the file and the line that is no YAML, or the rule that has no sentence, the sentence of
    another, or an unknown severity.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise RuleError(f"{path.name}: {said}. A sentence with a comma, and a pattern with {{}} or #, stand in quotes.") from None
    rules = [_rule(path.name, rule) for rule in raw["rules"]]
    for twice in (says for says, times in Counter(rule.says for rule in rules).items() if times > 1):
        raise RuleError(f"{path.name}: {twice!r} is said of two rules: which of them failed could not be told")
    return Suite(path.stem, raw["guards"], raw["query"], raw["identify"], rules)


def _rule(file: str, written: dict[str, Any]) -> Rule:
    kwargs = dict(written)
    says, expect, severity = kwargs.pop("says", ""), kwargs.pop("expect", ""), kwargs.pop("severity", "critical")
    if not says or not expect:
        raise RuleError(f"{file}: rule {expect or written} has no `says` or no `expect`: nobody could read its failure")
    if severity not in SEVERITIES:
        raise RuleError(f"{file}: rule {says!r} has severity {severity!r}; choose {', '.join(SEVERITIES)}")
    if odd := [name for name in kwargs if not str(name).isidentifier()]:
        raise RuleError(f"{file}: rule {says!r} has an argument {odd[0]!r}: a sentence with a comma stands in quotes")
    if "where" in kwargs:
        kwargs |= {"row_condition": kwargs.pop("where"), "condition_parser": "pandas"}
    return Rule(says, {"type": f"expect_{expect}", "kwargs": kwargs, "meta": {"says": says}}, severity)


def suites(folder: Path, prefix: str) -> list[Suite]:
    """The suites whose file name starts with `prefix`, in order of name."""
    return [load_suite(path) for path in sorted(folder.glob(f"{prefix}*.yaml"))]


@cache
def _source() -> Any:
    """The one context of this process, as its data source of frames: each context stays in memory for good, with what it has seen."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context.data_sources.add_pandas("warehouse")


def run_suite(suite: Suite, table: pd.DataFrame) -> SuiteResult:
    """Every rule of `suite` on `table`. A rule that cannot be evaluated counts as failed; RuleError for one that is no expectation at all."""
    source = _source()
    import great_expectations as gx

    expected = [_expected(suite, rule) for rule in suite.rules]

    asset = source.add_dataframe_asset(suite.name)
    try:
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": table})
        result = batch.validate(
            gx.ExpectationSuite(name=suite.name, expectations=expected),
            result_format={
                "result_format": "COMPLETE",
                "unexpected_index_column_names": suite.identify,
                "return_unexpected_index_query": False,
            },
        )
        judged = Counter(str(one.expectation_config.meta["says"]) for one in result.results)
        if judged != Counter(rule.says for rule in suite.rules):
            raise RuleError(
                f"{suite.name}.yaml: {len(suite.rules)} rules were asked, {judged.total()} answered: nothing may go on"
            )
        outcomes = [one.to_json_dict() for one in result.results if not one.success]
    finally:
        source.delete_asset(suite.name)
    severity = {rule.says: rule.severity for rule in suite.rules}
    failed = [_failure(one, table, suite.identify, severity) for one in outcomes]
    return SuiteResult(
        suite.name,
        suite.guards,
        len(table),
        len(suite.rules),
        # what is to be set aside and names no rows could not be checked: then nothing may go on
        [f for f in failed if f.severity == "critical" or (f.severity == "quarantine" and not f.rows)],
        [f for f in failed if f.severity == "warning"],
        {str(k): int(v) for k, v in table["financial_year"].value_counts().items()} if "financial_year" in table else {},
        [f for f in failed if f.severity == "quarantine" and f.rows],
    )


def _expected(suite: Suite, rule: Rule) -> Any:
    """The rule as Great Expectations has it, which by itself leaves out what it does not know and goes on."""
    import great_expectations as gx
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl, list_registered_expectation_implementations

    written, place = rule.expectation, f"{suite.name}.yaml: rule {rule.says!r}"
    try:
        kind = get_expectation_impl(written["type"])
    except ExpectationNotFoundError:
        like = difflib.get_close_matches(written["type"], list_registered_expectation_implementations(), n=3)
        meant = f"; like it are {', '.join(name.removeprefix('expect_') for name in like)}" if like else ""
        raise RuleError(f"{place} expects {written['type'].removeprefix('expect_')}, which there is not{meant}") from None
    try:
        return kind(**written["kwargs"], meta=written["meta"])
    except (gx.compatibility.pydantic.ValidationError, TypeError, ValueError) as error:
        raise RuleError(f"{place} cannot be asked so: {' '.join(str(error).split())}") from None


def _failure(outcome: dict[str, Any], table: pd.DataFrame, identify: list[str], severity: dict[str, str]) -> Failure:
    config, result = outcome["expectation_config"], outcome["result"]
    says = config["meta"]["says"]
    weight = severity[says]
    rows = [{k: row[k] for k in [*identify, *row] if k in row} for row in result.get("unexpected_index_list") or []]
    if rows:
        named = "; ".join(", ".join(f"{k} {v}" for k, v in row.items()) for row in rows[:3])
        more = f" and {len(rows) - 3:,} more" if len(rows) > 3 else ""
        years = frozenset(str(row["financial_year"]) for row in rows if "financial_year" in row)
        return Failure(
            says,
            f"{says}, but not for {len(rows):,} of {len(table):,} rows: {named}{more}",
            rows if weight == "quarantine" else rows[:FAILING_ROWS_KEPT],
            weight,
            len(rows),
            years,
        )
    details = result.get("details", {}).get("mismatched") or result.get("observed_value")
    if details is not None:
        return Failure(says, f"{says}, but found {details}", severity=weight)
    problems = [v.get("exception_message") for v in outcome.get("exception_info", {}).values() if isinstance(v, dict)]
    problems += [outcome.get("exception_info", {}).get("exception_message")]
    told = next((p for p in problems if p), "no reason given")
    return Failure(says, f"{says}: could not be checked ({told})", severity=weight)
