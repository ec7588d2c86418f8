"""Index of multiple deprivation, summaries for upper-tier local authorities (File 11 of 2015, of 2019 and of 2025), sheet `IMD`.

The first heading names the year of the codes: 2013 in the edition of 2015, 2019 in that of 2019, 2024 in that of 2025.
"""

from __future__ import annotations

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, open_workbook, sheet_rows, value_or_mark

ITEMS = {"IMD - Average score": "imd_average_score", "IMD - Average rank": "imd_average_rank"}


def read_deprivation(content: bytes, year: int, codes_of: int) -> pd.DataFrame:
    """Average score and average rank of each upper-tier council. Some headings end in a space; they are matched without it."""
    sheet, rows = sheet_rows(open_workbook(content), ["IMD"])
    header = [str(c).strip() for c in rows[0]] if rows else []
    if not header or f"({codes_of})" not in header[0]:
        raise LayoutError(f"sheet {sheet!r}, A1: expected codes of ({codes_of}) in the edition of {year}; found {header[:1]}")
    absent = [h for h in ITEMS if h not in header]
    if absent:
        raise LayoutError(f"sheet {sheet!r}: no column {absent[0]!r}; found {header}")
    figures: list[dict[str, object]] = []
    for number, row in enumerate(rows[1:], start=1):
        code = str(row[0]).strip()
        if not code.startswith("E"):
            continue
        for heading, item in ITEMS.items():
            column = header.index(heading)
            where = f"{sheet}!{cell_name(number, column)}"
            value, mark = value_or_mark(row[column], where)
            figures.append(
                {
                    "framework": "index_of_multiple_deprivation",
                    "financial_year": f"{year}-{(year + 1) % 100:02d}",
                    "period": str(year),
                    "area_code": code,
                    "item": item,
                    "breakdown": "total",
                    "unit": "score" if item.endswith("score") else "rank",
                    "value": value,
                    "mark": mark,
                    "locator": where,
                }
            )
    return figures_frame(figures)
