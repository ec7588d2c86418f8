"""dbt's tests in words: what each holds, and for one that failed the rows that do not hold, as a sentence.

dbt itself says "Got 1 result, configured to fail if != 0". What belongs here: words. What does not: running dbt (`dbt.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb


SHOWN: Final = 3
"""Failing rows that a sentence shows."""


def words_of_test(test: Mapping[str, Any]) -> str:
    """What a dbt test holds: its own description, the comment that a test of its own begins with, or the sentence of its kind."""
    if test.get("description"):
        return str(test["description"])
    of = test.get("test_metadata")
    if of is None:
        comment = [line.removeprefix("--").strip() for line in test["raw_code"].splitlines() if line.startswith("--")]
        return " ".join(comment) or test["name"].replace("_", " ")
    arguments = of["kwargs"]
    column = arguments.get("column_name")
    match of["name"]:
        case "not_null":
            return f"{column} is never missing."
        case "unique":
            return f"No two rows have the same {column}."
        case "unique_key":
            return f"No two rows have the same {', '.join(arguments['columns'])}."
        case "accepted_values":
            return f"{column} is one of {', '.join(map(str, arguments['values']))}."
        case "relationships":
            table = str(arguments["to"]).split("'")[1]
            return f"Every {column} is a {arguments['field']} of {table}."
    return str(test["name"]).replace("_", " ")


def words_of_failure(test: Mapping[str, Any], connection: duckdb.DuckDBPyConnection) -> str:
    """What did not hold, of which table, in how many rows, and the first of them. `test` is dbt's node with its compiled SQL, `connection` the
    warehouse as the test saw it.
    """
    query = str(test["compiled_code"])
    counted = connection.execute(f"select count(*) from ({query})").fetchone()
    found = connection.execute(f"select * from ({query}) limit {SHOWN}")
    names = [column[0] for column in found.description or []]
    rows = ["; ".join(f"{name} {value}" for name, value in zip(names, row, strict=True)) for row in found.fetchall()]
    table = str(test.get("attached_node") or "").rpartition(".")[2]
    count = counted[0] if counted else 0
    more = f" | and {count - len(rows):,} more" if count > len(rows) else ""
    return (
        f"{table + ': ' if table else ''}{words_of_test(test).rstrip('.')}. It does not hold in {count:,} row{'s' if count != 1 else ''}: "
        f"{' | '.join(rows)}{more}"
    )
