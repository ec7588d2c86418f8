"""The ranking of one financial year, as an asset of its own that nothing executes: a run reports it, with a result of each gate for the year.

So Dagster's pages have a grid of years: which are ranked, in which release, and in which year a rule did not hold. What belongs here: that
asset, its checks, and the reports. What does not: what the rules are (`expectations/`) and what stops a run (`warehouse/gates.py`).
"""

import csv
from collections.abc import Iterator

import dagster as dg

from expectations.runner import Suite, SuiteResult, suites
from orchestration.assets.common import OWNERS
from orchestration.settings import Settings
from orchestration.warehouse.gates import run_gate

RANKED_YEAR = dg.AssetKey(["marts", "ranked_year"])
GATES_OF_YEARS = ("marts_", "analysis_")
"""Which suites are about ranked years: those of these names whose rows carry a financial year."""
CHECK_YEAR = "check_year"


def years_of(settings: Settings) -> dg.StaticPartitionsDefinition:
    """The financial years of the index (seed financial_years)."""
    with (settings.dbt_project_dir / "seeds" / "financial_years.csv").open(encoding="utf-8", newline="") as seed:
        return dg.StaticPartitionsDefinition(sorted(row["financial_year"] for row in csv.DictReader(seed)))


def suites_of_years(settings: Settings) -> list[Suite]:
    found = [suite for prefix in GATES_OF_YEARS for suite in suites(settings.expectations_dir, prefix)]
    return [suite for suite in found if "financial_year" in suite.identify]


def year_asset(settings: Settings) -> dg.AssetSpec:
    return dg.AssetSpec(
        RANKED_YEAR,
        deps=[dg.AssetKey(["marts", "productivity_ranking"]), dg.AssetKey(["marts", "rank_uncertainty"])],
        group_name="marts",
        owners=OWNERS,
        kinds={"duckdb"},
        partitions_def=years_of(settings),
        description="The default ranking of one financial year, a partition each, as a release published it. A run reports it; nothing "
        "materializes it by itself. Its checks are the gates, year by year.",
    )


def year_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """Each gate that is about years, as a check with one result a year. None blocks: the gates themselves do."""
    return [_year_check(settings, suite, years_of(settings)) for suite in suites_of_years(settings)]


def _year_check(settings: Settings, suite: Suite, years: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=RANKED_YEAR,
        name=suite.name,
        partitions_def=years,
        description=f"{suite.guards}, the year's rows: " + "; ".join(rule.says for rule in suite.rules) + ".",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return result_of_year(run_gate(settings, suite), context.partition_key)

    return check


def result_of_year(result: SuiteResult, year: str) -> dg.AssetCheckResult:
    """A suite's result for one year."""
    failed, warned = result.said_of(year)
    return dg.AssetCheckResult(
        passed=not failed and not warned,
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
        description=" | ".join([*failed, *warned]) or f"{result.guards}: all rules hold over {result.rows_of(year):,} rows",
        metadata={"rows_checked": result.rows_of(year)},
    )


def reported(result: SuiteResult) -> Iterator[dg.AssetCheckEvaluation]:
    """A suite's result for every year it looked at, as a gate reports it."""
    for year in sorted(result.rows_by_year):
        one = result_of_year(result, year)
        yield dg.AssetCheckEvaluation(
            asset_key=RANKED_YEAR,
            check_name=result.suite,
            passed=one.passed,
            severity=one.severity,
            description=one.description,
            metadata=one.metadata,
            partition=year,
        )
