"""Figures that break a rule about single figures are set aside before anything is made of them: table `raw.quarantine`.

They stay in `raw.figures` as published; staging takes their value away and says why. What belongs here: running the suites named `rows_…` and
writing that table. What does not: rules (`expectations/`), and what many figures have to do with each other (the gates).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from expectations.runner import SuiteResult, run_suite, suites
from orchestration.settings import Settings
from orchestration.warehouse.check_log import note

if TYPE_CHECKING:
    import duckdb

QUARANTINE_COLUMNS: Final = {
    "rule": "The rule that the figure breaks, in words.",
    "source": "The series of publications.",
    "edition": "One issue of it.",
    "framework": "The code system that the item belongs to.",
    "financial_year": "Label such as 2017-18.",
    "period": "The published period inside or under the year.",
    "area_code": "As published.",
    "item": "The publisher's code, or a name for the line.",
    "breakdown": "total, 18_to_64, 65_and_over and the like.",
    "unit": "Unit of the figure.",
    "value": "The number as it was published.",
    "locator": "Where in the publication: sheet and cell, or the keys of a row.",
}
"""Columns of raw.quarantine and of meta.quarantine in a release -> what they say; a row for each figure and rule."""


class UnjudgedError(RuntimeError):
    """A rule about single figures could not be checked; the text says which."""


def set_aside(settings: Settings, connection: duckdb.DuckDBPyConnection, build: Path) -> list[SuiteResult]:
    """Make `raw.quarantine` of the figures in `raw.figures` that break a rule, and keep what came of each rule.

    `connection` is to the database of the folder `build`. UnjudgedError if a rule could not be checked: then nothing may go on.
    """
    import pandas as pd

    kinds = ", ".join(f"{name} {'double' if name == 'value' else 'varchar'}" for name in QUARANTINE_COLUMNS)
    connection.execute(f"create table raw.quarantine ({kinds})")
    results = []
    for suite in suites(settings.expectations_dir, "rows_"):
        result = run_suite(suite, connection.execute(suite.query).df())
        note(settings, suite, result, run=build.name)
        if not result.passed:
            raise UnjudgedError(f"The figures could not be judged one by one. {result.sentence}")
        broken = [{**row, "rule": failure.says} for failure in result.set_aside for row in failure.rows]
        if broken:
            frame = pd.DataFrame(broken)[list(QUARANTINE_COLUMNS)]
            connection.register("frame", frame)
            connection.execute("insert into raw.quarantine select * from frame")
            connection.unregister("frame")
        results.append(result)
    return results
