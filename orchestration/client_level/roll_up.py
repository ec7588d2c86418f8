"""Roll events of persons up to measures: the same SQL in DuckDB on one machine, or in Apache Spark on many."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SQL: Final = Path(__file__).with_name("measures.sql")
COLUMNS: Final = {
    "area_code": "varchar",
    "person_id": "bigint",
    "age_band": "varchar",
    "event_type": "varchar",
    "service_type": "varchar",
    "delivery_mechanism": "varchar",
    "accommodation_status": "varchar",
    "outcome": "varchar",
    "event_start": "date",
    "event_end": "date",
}
"""What a table of events has: one row an event of a person, as the client-level return has them."""
Rolled = list[tuple[str, str, int, int | None]]
"""(area_code, measure_id, numerator, denominator), sorted; no denominator for a count that is held against residents."""


@dataclass(frozen=True)
class RollUpError(ValueError):
    """The events are not as they must be; the text says which column."""

    said: str

    def __str__(self) -> str:
        return self.said


def statement(events: str, financial_year: str) -> str:
    """The SQL for one table of events and one financial year, such as 2024-25. ValueError for another kind of year."""
    if not re.fullmatch(r"20\d\d-\d\d", financial_year):
        raise ValueError(f"{financial_year!r} is no financial year such as 2024-25")
    begins = int(financial_year[:4])
    return SQL.read_text(encoding="utf-8").format(
        events=events, year_begins=f"date '{begins}-04-01'", year_ends=f"date '{begins + 1}-03-31'"
    )


def in_duckdb(events: Path, financial_year: str, memory: str = "8GB") -> Rolled:
    """From Parquet, a file or a folder of files. RollUpError for a column that is missing."""
    from orchestration.warehouse.connection import connect  # not above: where Spark does it, there need be no DuckDB

    with connect() as db:
        db.execute(f"set memory_limit = '{memory}'")
        read = f"read_parquet('{events}/*.parquet')" if events.is_dir() else f"read_parquet('{events}')"
        db.execute(f"create view events as from {read}")
        _assert_columns([row[0] for row in db.execute("describe events").fetchall()])
        return db.execute(statement("events", financial_year)).fetchall()


def in_spark(spark: SparkSession, events: Path, financial_year: str) -> Rolled:
    """The same, by a session that somebody has: local, or of a cluster. RollUpError for a column that is missing."""
    frame = spark.read.parquet(str(events))
    _assert_columns(frame.columns)
    frame.createOrReplaceTempView("events")
    return [tuple(row) for row in spark.sql(statement("events", financial_year)).collect()]


def _assert_columns(found: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise RollUpError(f"the events have no column {', '.join(missing)}; they have {', '.join(found)}")
