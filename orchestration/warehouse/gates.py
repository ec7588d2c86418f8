"""Gates: expectation suites as blocking asset checks, and the same suites called by the release.

A blocking check stops later steps of the run it belongs to. Publishing does not rely on that: it runs the marts' suites itself.
"""

from collections.abc import Callable, Iterable

import dagster as dg

from expectations.runner import Suite, SuiteResult, run_suite, suites
from orchestration.settings import Settings
from orchestration.warehouse.check_log import note
from orchestration.warehouse.connection import connect
from orchestration.warehouse.raw import assert_unchanged

WARNINGS = "warnings"
"""Metadata of a check: a line for each rule that does not hold and closes nothing."""


class GateError(RuntimeError):
    """A gate is closed; the text says which figures failed which rule."""


def run_gate(settings: Settings, suite: Suite) -> SuiteResult:
    """One suite on the warehouse, opened read-only for the length of the query; what came of each rule is kept (`check_log`)."""
    query = suite.query.replace("{expectations_dir}", str(settings.expectations_dir))
    with connect(str(settings.warehouse_path), read_only=True) as connection:
        assert_unchanged(connection)
        table = connection.execute(query).df()
    result = run_suite(suite, table)
    note(settings, suite, result)
    return result


def run_gates(settings: Settings, prefix: str) -> list[SuiteResult]:
    """Every suite whose name starts with `prefix`. GateError with all failures if one does not hold."""
    results = [run_gate(settings, suite) for suite in suites(settings.expectations_dir, prefix)]
    failed = [r.sentence for r in results if not r.passed]
    if failed:
        raise GateError("The gate is closed. " + "\n".join(failed))
    return results


def gate_checks(
    settings: Settings,
    prefix: str,
    asset: dg.AssetKey,
    by_year: Callable[[SuiteResult], Iterable[dg.AssetCheckEvaluation]] = lambda _: (),
) -> list[dg.AssetChecksDefinition]:
    """A blocking asset check on `asset` for each suite whose name starts with `prefix`. `by_year` makes of a result what is reported of
    each financial year beside it.
    """
    return [_gate_check(settings, suite, asset, by_year) for suite in suites(settings.expectations_dir, prefix)]


def _gate_check(
    settings: Settings, suite: Suite, asset: dg.AssetKey, by_year: Callable[[SuiteResult], Iterable[dg.AssetCheckEvaluation]]
) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=asset,
        name=f"gate_{suite.name}",
        blocking=True,
        description=f"{suite.guards}: " + "; ".join(rule.says for rule in suite.rules) + ".",
    )
    def gate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        result = run_gate(settings, suite)
        for evaluation in by_year(result):
            context.op_execution_context.log_event(evaluation)  # type: ignore[arg-type]  # taken, but not annotated
        return check_result(result)

    return gate


def check_result(result: SuiteResult) -> dg.AssetCheckResult:
    """A suite's result as Dagster shows it: sentences, and the failing rows as a table."""
    metadata: dict[str, dg.MetadataValue] = {
        "rows_checked": dg.MetadataValue.int(result.rows_checked),
        "rules_checked": dg.MetadataValue.int(result.rules_checked),
    }
    if result.failures or result.warnings:
        said = [f"- {f.sentence}" for f in result.failures] + [f"- warning: {f.sentence}" for f in result.warnings]
        metadata["failures"] = dg.MetadataValue.md("\n".join(said))
        if result.warnings:
            told = [f"{w.says}, but not for {w.failing:,} rows" if w.failing else w.sentence for w in result.warnings]
            metadata[WARNINGS] = dg.MetadataValue.text("\n".join(told))
        rows = list(_records(result))
        if rows:
            metadata["failing_rows"] = dg.MetadataValue.table(records=rows, schema=_schema(rows))
    return dg.AssetCheckResult(
        passed=result.passed, severity=dg.AssetCheckSeverity.ERROR, description=result.sentence, metadata=metadata
    )


def _records(result: SuiteResult) -> Iterable[dg.TableRecord]:
    for failure in (*result.failures, *result.warnings):
        for row in failure.rows:
            yield dg.TableRecord({"rule": failure.says, **{k: "" if v is None else str(v) for k, v in row.items()}})


def _schema(rows: list[dg.TableRecord]) -> dg.TableSchema:
    names = list(dict.fromkeys(name for row in rows for name in row.data))
    return dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in names])
