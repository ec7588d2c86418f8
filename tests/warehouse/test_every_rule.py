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
    assert run_suite(alone, whole).passed, says
    result = run_suite(alone, broken(rule, whole))
    seen = [*result.failures, *result.warnings]
    assert [f.says for f in seen] == [says]
    assert "could not be checked" not in seen[0].sentence, seen[0].sentence


@pytest.mark.parametrize(
    ("suite", "says"),
    [(s, r.says) for s in SUITES for r in SUITES[s].rules if {"min_value", "max_value"} <= set(r.expectation["kwargs"])],
)
def test_a_rule_with_two_ends_holds_at_the_lower_one_too(suite: str, says: str, tables: Callable[[str], pd.DataFrame]) -> None:
    rule = next(r for r in SUITES[suite].rules if r.says == says)
    kwargs = rule.expectation["kwargs"]
    if "column" not in kwargs:
        return
    table = tables(suite)
    rows = table.query(kwargs["row_condition"]) if "row_condition" in kwargs else table
    table[kwargs["column"]] = table[kwargs["column"]].astype(float)
    table.loc[rows.index[0], kwargs["column"]] = kwargs["min_value"] - abs(kwargs["min_value"]) * 0.01 - 0.01
    assert not run_suite(replace(SUITES[suite], rules=[rule]), table).passed


# ── wrong figures that look plausible one by one ─────────────────────────────────────────────────────────────────────────────────────

MEASURE, OTHER, YEAR = "direct_payments", "self_directed", "2023-24"
OF = f"measure_id = '{MEASURE}' and financial_year = '{YEAR}'"
WRONG_VALUES = {
    "a tenth of everything": (f"update v set value = value / 10 where {OF}", "median is between"),
    "ten times everything": (f"update v set value = value * 10 where {OF}", "median is between"),
    "fractions for percentages": (f"update v set value = value / 100 where {OF}", "median is between"),
    "the polarity turned": (f"update v set value = 100 - value where {OF}", "much as they stood"),
    "a constant": (f"update v set value = 25.0 where {OF}", "Councils differ"),
    "one of three values": (f"update v set value = 20 + hash(area_code) % 3 where {OF}", "Councils differ"),
    "councils in another order": (
        f"""update v set value = (select w.value from (select area_code, value, row_number() over (order by hash(area_code)) as n from v where {OF} and value is not null) as w
            where w.n = (select x.n from (select area_code, row_number() over (order by area_code) as n from v where {OF} and value is not null) as x where x.area_code = v.area_code))
            where {OF} and value is not null""",
        "much as they stood",
    ),
    "noughts for marks": (f"update v set value = 0 where {OF} and hash(area_code) % 3 = 0", "At most a quarter"),
    "the year before again": (
        f"update v set value = (select w.value from v as w where w.area_code = v.area_code and w.measure_id = '{MEASURE}' and w.financial_year = '2022-23') where {OF}",
        "not those of the year before",
    ),
    "another measure's column": (
        f"update v set value = (select w.value from v as w where w.area_code = v.area_code and w.measure_id = '{OTHER}' and w.financial_year = '{YEAR}') where {OF}",
        "not those of another measure",
    ),
    "England's value doubled": (f"update v set england_value = england_value * 2 where {OF}", "near the mean"),
    "England's value beyond all councils": (f"update v set england_value = 250 where {OF}", "lies among those"),
    "a spread of three times": (f"update v set value = 25 + (value - 25) * 3 where {OF}", "between half and twice"),
    "everybody much higher": (f"update v set value = value + 20 where {OF}", "one and a half standard deviations"),
}
WRONG_SPEND = {
    "a tenth of everything": ("update s set spend_gbp = spend_gbp / 10 where financial_year = '2023-24'", "between -5 and \\+25"),
    "all a third more": ("update s set spend_gbp = spend_gbp * 1.33 where financial_year = '2023-24'", "between -5 and \\+25"),
    "the year before again": (
        "update s set spend_gbp = (select w.spend_gbp from s as w where w.area_code = s.area_code and w.spend_basis = s.spend_basis "
        "and w.domain_id = s.domain_id and w.financial_year = '2022-23') where financial_year = '2023-24'",
        "not that of the year before",
    ),
    "councils in another order": (
        """update s set spend_gbp = (select w.spend_gbp from (select *, row_number() over (order by hash(area_code)) as n from s where financial_year = '2023-24' and spend_basis = 'total_net' and domain_id = 'all') as w
            where w.n = (select x.n from (select area_code, row_number() over (order by area_code) as n from s where financial_year = '2023-24' and spend_basis = 'total_net' and domain_id = 'all') as x where x.area_code = s.area_code))
            where financial_year = '2023-24' and spend_basis = 'total_net' and domain_id = 'all'""",
        "as they stood the year before",
    ),
}


def related(released: Released, model: str, table: str, change: str) -> pd.DataFrame:
    """The model worked again over a copy of `table` in which something was changed."""
    sql = (PROJECT_ROOT / "dbt_project" / "models" / "marts" / f"{model}.sql").read_text(encoding="utf-8")
    short = {"fct_measure_value": "v", "fct_council_spend": "s"}[table]
    with duckdb.connect() as db:
        db.execute(f"attach '{released.settings.warehouse_path}' as w (read_only)")
        db.execute(f"create table {short} as from w.marts.{table}")
        db.execute(change)

        def place(ref: re.Match[str]) -> str:
            return (
                short if ref[1] == table else f"w.{'marts' if ref[1].startswith(('dim_', 'fct_')) else 'intermediate'}.{ref[1]}"
            )

        db.execute("create schema marts")
        resolved = re.sub(r"\{\{ ref\('(\w+)'\) \}\}", place, sql)
        db.execute(f"create table marts.{model} as {resolved}")
        return db.execute(
            SUITES[{"measure_relation": "marts_measure_relations", "spend_relation": "marts_spend_relations"}[model]].query
        ).df()


@pytest.mark.parametrize("what", WRONG_VALUES)
def test_a_wrong_column_that_looks_plausible_is_refused_and_named(released: Released, what: str) -> None:
    change, says = WRONG_VALUES[what]
    result = run_suite(SUITES["marts_measure_relations"], related(released, "measure_relation", "fct_measure_value", change))
    assert not result.passed
    named = [f for f in result.failures if re.search(says, f.sentence)]
    assert named, result.sentence
    assert any(row["financial_year"] == YEAR and row["measure_id"] == MEASURE for f in named for row in f.rows), named


@pytest.mark.parametrize("what", WRONG_SPEND)
def test_wrong_spend_that_looks_plausible_is_refused_and_named(released: Released, what: str) -> None:
    change, says = WRONG_SPEND[what]
    result = run_suite(SUITES["marts_spend_relations"], related(released, "spend_relation", "fct_council_spend", change))
    named = [f for f in result.failures if re.search(says, f.sentence)]
    assert named, result.sentence
    assert any(row["financial_year"] == "2023-24" for f in named for row in f.rows)


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
