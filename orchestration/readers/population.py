"""ONS mid-year population estimates: table MYE2, persons by single year of age, mid-2015 to mid-2022.

The sheet's name, the header's row and the columns before the ages differ by edition; ages are found by their own headings.
"""

from __future__ import annotations

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, header_row, open_workbook, sheet_rows, value_or_mark

SHEETS = ["MYE2 - Persons", "MYE2-All", "MYE2 - All", "Persons UK"]
BANDS = {"18_to_64": (18, 64), "65_and_over": (65, 90)}  # 90 stands for 90 and over
UPPER_TIER = ("E06", "E08", "E09", "E10")
ENGLAND = "E92000001"


def read_population(content: bytes, year: int) -> pd.DataFrame:
    """Residents aged 18-64 and 65+ in mid-`year`, upper-tier councils and England. Each figure is the sum of the cells it names.

    Mid-2017 belongs to financial year 2017-18. Raises LayoutError when an age is missing or a cell is no number.
    """
    sheet, rows = sheet_rows(open_workbook(content), SHEETS)
    head = header_row(rows, ["Code", "Name", "All ages"], sheet)
    ages = _age_columns(rows[head], sheet)
    figures: list[dict[str, object]] = []
    for number, row in enumerate(rows[head + 1 :], start=head + 1):
        code = str(row[0]).strip()
        if code != ENGLAND and not code.startswith(UPPER_TIER):
            continue
        for breakdown, (low, high) in BANDS.items():
            columns = [ages[age] for age in range(low, high + 1)]
            total = 0.0
            for column in columns:
                where = f"{sheet}!{cell_name(number, column)}"
                value, mark = value_or_mark(row[column], where)
                if value is None:
                    raise LayoutError(f"{where}: population of {code} is {mark!r}, expected a number")
                total += value
            figures.append(
                {
                    "framework": "mid_year_estimates",
                    "financial_year": f"{year}-{(year + 1) % 100:02d}",
                    "period": f"mid-{year}",
                    "area_code": code,
                    "item": "population",
                    "breakdown": breakdown,
                    "unit": "persons",
                    "value": total,
                    "mark": "",
                    "locator": f"{sheet}!{cell_name(number, columns[0])}:{cell_name(number, columns[-1])} (sum)",
                }
            )
    return figures_frame(figures)


def _age_columns(header: list[object], sheet: str) -> dict[int, int]:
    """Column of each single year of age, found by its heading ('17', 17.0, '90+')."""
    ages: dict[int, int] = {}
    for column, cell in enumerate(header):
        text = str(cell).strip().rstrip("+").removesuffix(".0")
        if text.isdigit() and int(text) <= 90:
            ages[int(text)] = column
    missing = [age for age in range(91) if age not in ages]
    if missing:
        raise LayoutError(f"sheet {sheet!r}: no column for age {missing[0]}; header is {[str(c) for c in header][:12]}")
    return ages
