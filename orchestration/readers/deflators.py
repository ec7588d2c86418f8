"""HM Treasury, GDP deflators at market prices, workbook or CSV: the financial-year block (column B the year, column C the index).

Forecast years are published as growth only ('-' in the index column): they keep their mark and have no value.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, decode, open_workbook, value_or_mark

YEAR = re.compile(r"^(\d{4}-\d{2})\b")


def read_deflators(content: bytes, first_year: str = "2010-11") -> pd.DataFrame:
    """The deflator of each financial year from `first_year` on, as an index whose base year the edition states."""
    if content[:2] == b"PK":
        book = open_workbook(content)
        rows: list[list[Any]] = book.rows(book.sheet_names[0])
    else:
        try:
            rows = list(csv.reader(io.StringIO(decode(content), newline="")))
        except csv.Error as error:
            raise LayoutError(f"not a CSV that can be read: {error}") from error
    if not any("= 100" in str(cell) for row in rows[:8] for cell in row[2:3]):
        raise LayoutError("no index column headed '<year> = 100' in column C of the first eight rows")
    figures: list[dict[str, object]] = []
    for number, row in enumerate(rows):
        match = YEAR.match(str(row[1]).strip()) if len(row) > 2 else None
        if not match or match[1] < first_year:
            continue
        where = cell_name(number, 2)
        value, mark = value_or_mark(row[2], where)
        figures.append(
            {
                "framework": "gdp_deflator",
                "financial_year": match[1],
                "period": match[1],
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
