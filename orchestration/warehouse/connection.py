"""The one way to open a DuckDB database here.

DuckDB draws a progress bar on standard output once a query takes two seconds, terminal or not: in the middle of a CSV that a person writes to a
file, or of a run's lines. Here it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect(path: str = ":memory:", read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection that prints nothing by itself. What DuckDB raises, it raises."""
    import duckdb  # here, so that whoever only describes what is done with databases does not wait for it

    connection = duckdb.connect(path, read_only=read_only)
    connection.execute("set enable_progress_bar = false")
    return connection
