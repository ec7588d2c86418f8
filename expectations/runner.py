"""Run a suite of Great Expectations on a table of the warehouse and say in sentences what failed.

A suite is a JSON file beside this module: `query` is the SQL that makes the guarded table, `identify` the columns that tell a
reader which row is meant, `expectations` the expectations as Great Expectations writes them, each with `meta.says`, the rule in
words. Great Expectations takes seconds to import, so it is imported here only when a suite runs.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

FAILING_ROWS_KEPT = 20


@dataclass(frozen=True)
class Suite:
    """One guarded table: what it is, how it is made, which columns name a row, and what must hold."""

    name: str
    guards: str
    query: str
    identify: list[str]
    expectations: list[dict[str, Any]]


@dataclass(frozen=True)
class Failure:
    """A rule that does not hold: the sentence a person reads, and up to FAILING_ROWS_KEPT of the rows."""

    says: str
    sentence: str
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class SuiteResult:
    """What came of one suite."""

    suite: str
    guards: str
    rows_checked: int
    rules_checked: int
    failures: list[Failure]

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def sentence(self) -> str:
        """All failures as one text, or what was checked."""
        if self.passed:
            return f"{self.guards}: {self.rules_checked} rules hold over {self.rows_checked:,} rows"
        return f"{self.guards}: " + " | ".join(f.sentence for f in self.failures)


def load_suite(path: Path) -> Suite:
    """A suite from its JSON file. ValueError if an expectation has no sentence: nobody could read its failure."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    mute = [e["type"] for e in raw["expectations"] if not e.get("meta", {}).get("says")]
    if mute:
        raise ValueError(f"{path.name}: expectation {mute[0]} has no `meta.says`")
    query = raw["query"]
    return Suite(
        path.stem,
        raw["guards"],
        "\n".join(query) if isinstance(query, list) else query,
        raw["identify"],
        raw["expectations"],
    )


def suites(folder: Path, prefix: str) -> list[Suite]:
    """The suites whose file name starts with `prefix`, in order of name."""
    return [load_suite(path) for path in sorted(folder.glob(f"{prefix}*.json"))]


def run_suite(suite: Suite, table: pd.DataFrame) -> SuiteResult:
    """Every expectation of `suite` on `table`. An expectation that cannot be evaluated counts as failed."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = (
        context.data_sources.add_pandas("warehouse")
        .add_dataframe_asset(suite.name)
        .add_batch_definition_whole_dataframe("all")
        .get_batch(batch_parameters={"dataframe": table})
    )
    result = batch.validate(
        gx.ExpectationSuite(name=suite.name, expectations=suite.expectations),
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": suite.identify,
            "return_unexpected_index_query": False,
        },
    )
    failures = [_failure(one.to_json_dict(), table, suite.identify) for one in result.results if not one.success]
    return SuiteResult(suite.name, suite.guards, len(table), len(suite.expectations), failures)


def _failure(outcome: dict[str, Any], table: pd.DataFrame, identify: list[str]) -> Failure:
    config, result = outcome["expectation_config"], outcome["result"]
    says = config["meta"]["says"]
    rows = [{k: row[k] for k in [*identify, *row] if k in row} for row in result.get("unexpected_index_list") or []]
    if rows:
        named = "; ".join(", ".join(f"{k} {v}" for k, v in row.items()) for row in rows[:3])
        more = f" and {len(rows) - 3:,} more" if len(rows) > 3 else ""
        return Failure(says, f"{says}, but not for {len(rows):,} of {len(table):,} rows: {named}{more}", rows[:FAILING_ROWS_KEPT])
    details = result.get("details", {}).get("mismatched") or result.get("observed_value")
    if details is not None:
        return Failure(says, f"{says}, but found {details}")
    problems = [v.get("exception_message") for v in outcome.get("exception_info", {}).values() if isinstance(v, dict)]
    problems += [outcome.get("exception_info", {}).get("exception_message")]
    return Failure(says, f"{says}: could not be checked ({next((p for p in problems if p), 'no reason given')})")
