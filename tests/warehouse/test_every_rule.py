"""Every rule of every gate: on the real tables it holds, and on a row that breaks it, it says so. A rule that is taken away is missed.

The rows are broken as the kind of expectation asks: a kind without a way to break it fails here, so no rule can come in untested.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest

from expectations.runner import Rule, run_suite, suites
from orchestration.settings import PROJECT_ROOT, Settings
from tests.conftest import Released

SUITES = {suite.name: suite for suite in suites(Settings().expectations_dir, "")}
RULES = [(suite.name, rule.says) for suite in SUITES.values() for rule in suite.rules]
AGREED = PROJECT_ROOT / "tests" / "golden" / "rules_of_gates.txt"


def test_the_rules_are_those_agreed() -> None:
    """A rule taken away, or weakened to a warning, is a change that somebody must mean: then this list says so."""
    found = [f"{suite.name}: {rule.severity}: {rule.says}" for suite in SUITES.values() for rule in suite.rules]
    assert len(found) == len(set(found))
    assert found == AGREED.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def tables(released: Released) -> Callable[[str], pd.DataFrame]:
    held: dict[str, pd.DataFrame] = {}

    def table(name: str) -> pd.DataFrame:
        if name not in held:
            query = SUITES[name].query.replace("{expectations_dir}", str(released.settings.expectations_dir))
            with duckdb.connect(str(released.settings.warehouse_path), read_only=True) as db:
                held[name] = db.execute(query).df()
        return held[name].copy()

    return table


def broken(rule: Rule, table: pd.DataFrame) -> pd.DataFrame:
    """The table with one row, or what the kind needs, that the rule forbids."""
    kwargs, kind = rule.expectation["kwargs"], rule.expectation["type"].removeprefix("expect_")
    rows = table.query(kwargs["row_condition"]) if "row_condition" in kwargs else table
    assert len(rows), f"no row is ever judged: {rule.says}"
    column, at = kwargs.get("column"), rows.index[0]
    if "mostly" in kwargs:
        at = rows.index[: int(len(rows) * (1 - kwargs["mostly"])) + 2]
    if kind == "column_values_to_be_between":
        beyond = kwargs["max_value"] * 1.01 + 1 if "max_value" in kwargs else kwargs["min_value"] - 1
        table[column] = table[column].astype(float)
        table.loc[at, column] = beyond
    elif kind == "column_values_to_be_in_set":
        table[column] = table[column].astype(object)
        table.loc[at, column] = (
            False if kwargs["value_set"] == [True] else "no such" if isinstance(kwargs["value_set"][0], str) else -1
        )
    elif kind == "column_values_to_not_be_in_set":
        table[column] = table[column].astype(object)
        table.loc[at, column] = kwargs["value_set"][0]
    elif kind == "column_values_to_match_regex":
        table[column] = table[column].astype(object)
        table.loc[at, column] = "" if re.fullmatch(kwargs["regex"], "~") or kwargs["regex"] == r"\S" else " ~"
    elif kind == "column_values_to_be_null":
        table[column] = table[column].astype(object)
        if len(table) == 0 or table[column].isna().all():
            table.loc[at, column] = "a problem"
    elif kind == "compound_columns_to_be_unique":
        table = pd.concat([table, table.iloc[[0]]], ignore_index=True)
    elif kind == "column_pair_values_a_to_be_greater_than_b":
        table.loc[at, kwargs["column_A"]] = table.loc[at, kwargs["column_B"]] - 1
    elif kind == "table_row_count_to_be_between":
        table = table.iloc[:0]
    else:
        raise NotImplementedError(f"{kind}: say here how a row breaks it")
    return table


@pytest.mark.parametrize(("suite", "says"), RULES)
def test_a_broken_row_is_seen_by_the_rule_that_forbids_it(suite: str, says: str, tables: Callable[[str], pd.DataFrame]) -> None:
    rule = next(r for r in SUITES[suite].rules if r.says == says)
    alone = replace(SUITES[suite], rules=[rule])
    whole = tables(suite)
    held = run_suite(alone, whole)
    assert held.passed and not held.set_aside, says
    result = run_suite(alone, broken(rule, whole))
    seen = [*result.failures, *result.warnings, *result.set_aside]
    assert [f.says for f in seen] == [says]
    assert "could not be checked" not in seen[0].sentence, seen[0].sentence


@pytest.mark.parametrize(
    ("suite", "says"),
    [
        (s, r.says)
        for s in SUITES
        for r in SUITES[s].rules
        if {"column", "min_value", "max_value"} <= set(r.expectation["kwargs"])
        and r.expectation["type"] == "expect_column_values_to_be_between"
    ],
)
def test_a_rule_with_two_ends_holds_at_the_lower_one_too(suite: str, says: str, tables: Callable[[str], pd.DataFrame]) -> None:
    rule = next(r for r in SUITES[suite].rules if r.says == says)
    kwargs = rule.expectation["kwargs"]
    table = tables(suite)
    rows = table.query(kwargs["row_condition"]) if "row_condition" in kwargs else table
    table[kwargs["column"]] = table[kwargs["column"]].astype(float)
    table.loc[rows.index[0], kwargs["column"]] = kwargs["min_value"] - abs(kwargs["min_value"]) * 0.01 - 0.01
    result = run_suite(replace(SUITES[suite], rules=[rule]), table)
    assert not result.passed or result.set_aside


MEASURE, YEAR = "direct_payments", "2023-24"
OF = f"measure_id = '{MEASURE}' and financial_year = '{YEAR}'"


def test_relations_are_what_pandas_finds(released: Released) -> None:
    """A second calculation of the statistics of one measure and year."""
    with duckdb.connect(str(released.settings.warehouse_path), read_only=True) as db:
        row = db.execute(f"select * from marts.measure_relation where {OF}").df().iloc[0]
        values = db.execute(
            "select financial_year, measure_id, area_code, value, england_value from marts.fct_measure_value "
            "where value is not null and area_code not in (select area_code from marts.dim_council where not is_rankable)"
        ).df()
    now = values[(values["measure_id"] == MEASURE) & (values["financial_year"] == YEAR)].set_index("area_code")
    before = values[(values["measure_id"] == MEASURE) & (values["financial_year"] == "2022-23")].set_index("area_code")
    both = now.join(before, how="inner", rsuffix="_before")
    assert (
        0 <= len(both) - row["councils_compared"] <= 0 or len(both) < row["councils_compared"]
    )  # recoded councils are compared too
    assert np.isclose(row["rank_correlation"], both["value"].rank().corr(both["value_before"].rank()), atol=0.01)
    assert (
        row["councils"] == len(now)
        and row["zeros"] == (now["value"] == 0).sum()
        and row["distinct_values"] == now["value"].nunique()
    )
    assert np.isclose(
        row["england_in_standard_deviations"], (now["england_value"].iloc[0] - now["value"].mean()) / now["value"].std()
    )
    assert np.isclose(row["ratio_of_standard_deviations"], now["value"].std() / both["value_before"].std(), rtol=0.03)
