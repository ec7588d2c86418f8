"""What a spreadsheet would run gets an apostrophe, in Python and in the database alike; what was published otherwise stays as it is."""

from __future__ import annotations

import duckdb
import pytest

from orchestration.publication.safe_text import safe_sql, safe_text

RUN = ["=1+1", '=HYPERLINK("x")', "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd()", "\tx", "\r=1", "+A1", "=\nnext"]
KEPT = ["Leeds", "", "-", "–", "+26 %", "-5.2", "[x]", "*", "..", "a=b", "18-64", "'quoted", "§"]


@pytest.mark.parametrize("text", RUN)
def test_a_formula_is_neutralised(text: str) -> None:
    assert safe_text(text) == "'" + text


@pytest.mark.parametrize("text", KEPT)
def test_other_text_stays(text: str) -> None:
    assert safe_text(text) == text


def test_the_database_says_the_same() -> None:
    with duckdb.connect() as db:
        db.execute("create table t (name varchar)")
        db.executemany("insert into t values (?)", [[t] for t in [*RUN, *KEPT]])
        assert [n for (n,) in db.execute(f"select {safe_sql('name')} from t").fetchall()] == [safe_text(t) for t in [*RUN, *KEPT]]
