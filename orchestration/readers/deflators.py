"""HM Treasury, GDP deflators at market prices, workbook or CSV: the financial-year block (column B the year, column C the index).

Forecast years are published as growth only ('-' in the index column): they keep their mark and have no value.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, decode, open_workbook
from orchestration.readers.ledger import Ledger, visible

YEAR = re.compile(r"^(\d{4}-\d{2})\b")
HEADER_WITHIN = 8


def read_deflators(content: bytes, first_year: str = "2010-11", *, ledger: Ledger | None = None) -> pd.DataFrame:
    """The deflator of each financial year from `first_year` on, as an index whose base year the edition states.

    LayoutError when the columns are headed otherwise, a year is missing or stands twice, the base year is not 100, and when an index does
    not follow from the year before by the published change.
    """
    ledger = ledger or Ledger()
    if content[:2] == b"PK":
        book = open_workbook(content)
        ledger.sheets(book.sheet_names, book.sheet_names[:1])
        rows: list[list[Any]] = book.rows(book.sheet_names[0])
    else:
        rows = [[visible(c) for c in cells] for cells in _lines(content)]
    head, base = _base_year(rows)
    figures: list[dict[str, object]] = []
    last: tuple[str, float | None] = ("", None)
    for number, row in ledger.each(rows[head + 1 :], head + 1, "the table"):
        match = YEAR.match(visible(row[1])) if len(row) > 3 else None
        if match is None:
            ledger.skip("calendar years and notes")
            continue
        where = cell_name(number, 2)
        value, mark = ledger.value(row[2], where)
        year = match[1]
        if last[0] and int(year[:4]) != int(last[0][:4]) + 1:
            raise LayoutError(f"{cell_name(number, 1)}: {year} follows {last[0]}")
        if value is not None and last[1]:
            grown = ledger.value(row[3], cell_name(number, 3))[0]
            if grown is not None:
                ledger.same(
                    where, value, last[1] * (1 + grown / 100), 0.02, f"what follows from {last[0]} by a change of {grown:g} %"
                )
        if year == base:
            ledger.same(where, value or 0.0, 100.0, 1e-6, f"the index of the base year {base}")
        last = year, value
        if year < first_year:
            ledger.skip("years before the index")
            continue
        ledger.read()
        figures.append(
            {
                "framework": "gdp_deflator",
                "financial_year": year,
                "period": year,
                "area_code": "K02000001",
                "item": "gdp_deflator",
                "breakdown": "total",
                "unit": "index",
                "value": value,
                "mark": mark,
                "locator": where,
            }
        )
    return figures_frame(figures)


def _lines(content: bytes) -> list[list[str]]:
    """All lines, empty ones too: cells are counted from the first."""
    try:
        return list(csv.reader(io.StringIO(decode(content), newline="")))
    except csv.Error as error:
        raise LayoutError(f"not a CSV that can be read: {error}") from error


def _base_year(rows: Sequence[Sequence[Any]]) -> tuple[int, str]:
    """The row of the headings, and the year whose index is 100. LayoutError unless columns B to D are headed as published."""
    for number, row in enumerate(rows[:HEADER_WITHIN]):
        words = [visible(c) for c in row]
        if len(words) > 3 and (match := re.fullmatch(r"(\d{4}-\d{2}) ?= ?100", words[2])):
            if words[1] != "Financial year" or not words[3].lower().startswith("per cent change"):
                raise LayoutError(f"expected Financial year, {words[2]}, per cent change in columns B to D; found {words[1:4]}")
            return number, match[1]
    raise LayoutError(f"no index column headed '<year> = 100' in column C of the first {HEADER_WITHIN} rows")
