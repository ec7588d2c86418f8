"""Index of multiple deprivation, summaries for upper-tier local authorities (File 11 of 2015 and of 2019), sheet `IMD`."""

from __future__ import annotations

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, open_workbook, sheet_rows, value_or_mark

ITEMS = {"IMD - Average score": "imd_average_score", "IMD - Average rank": "imd_average_rank"}


def read_deprivation(content: bytes, year: int) -> pd.DataFrame:
    """Average score and average rank of each upper-tier council. Some headings end in a space; they are matched without it."""
    sheet, rows = sheet_rows(open_workbook(content), ["IMD"])
    header = [str(c).strip() for c in rows[0]]
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
