"""NHS England, delayed transfers of care by local authority: the monthly workbook (August 2010 to February 2020).

Sheet `LA - by responsible org`, header in the 14th row, period in C5. From April 2017 a second block of columns repeats the
organisations as average people delayed: only the first block is read. Before July 2015 there is no ONS code.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, header_row, open_workbook, sheet_rows, value_or_mark

SHEETS = ("LA - by responsible org",)
ORGANISATIONS = {"NHS": "nhs", "Social Care": "social_care", "Both": "both", "Total": "total"}
OUTSIDE_ENGLAND = {"9900", "9901", "9902"}  # residents of Wales, of Scotland, and from outside Great Britain


def financial_year_of(year: int, month: int) -> str:
    """The label of the financial year (April to March) a month falls in: (2018, 3) -> '2017-18'."""
    start = year if month >= 4 else year - 1
    return f"{start}-{(start + 1) % 100:02d}"


def read_delayed_transfers(content: bytes, sheets: Sequence[str] = SHEETS) -> pd.DataFrame:
    """Delayed days in one month by council and attributable organisation, with England and non-residents.

    Raises LayoutError when the sheet, the header or a cell is not as published before.
    """
    sheet, rows = sheet_rows(open_workbook(content), sheets)
    head = header_row(rows, ["Code", "Name", *ORGANISATIONS], sheet)
    columns = [str(c).strip() for c in rows[head]]
    first = {name: columns.index(name) for name in ("Code", "Name", *ORGANISATIONS)}
    ons = columns.index("ONS Geography") if "ONS Geography" in columns else None
    period_cell = str(rows[4][2]).strip()
    try:
        month = dt.datetime.strptime(period_cell, "%B %Y").replace(tzinfo=dt.UTC)
    except ValueError:
        raise LayoutError(f"sheet {sheet!r}, cell C5: expected a month such as 'June 2016', found {period_cell!r}") from None
    period = f"{month.year}-{month.month:02d}"

    figures: list[dict[str, object]] = []
    for number, row in enumerate(rows[head + 1 :], start=head + 1):
        code, name = str(row[first["Code"]]).strip(), str(row[first["Name"]]).strip()
        if not name or (not code and name.lower() != "england"):
            continue  # blank lines and the notes under the table
        area = _area(name, code, row[ons] if ons is not None else "")
        for organisation, breakdown in ORGANISATIONS.items():
            column = first[organisation]
            where = f"{sheet}!{cell_name(number, column)}"
            value, mark = value_or_mark(row[column], where)
            figures.append(
                {
                    "framework": "delayed_transfers",
                    "financial_year": financial_year_of(month.year, month.month),
                    "period": period,
                    "area_code": area,
                    "item": "delayed_days",
                    "breakdown": breakdown,
                    "unit": "days",
                    "value": value,
                    "mark": mark,
                    "locator": where,
                }
            )
    return figures_frame(figures)


def _area(name: str, code: str, ons_code: Any) -> str:
    if name.lower() == "england":
        return "E92000001"
    if code in OUTSIDE_ENGLAND:
        return f"non_resident:{code}"
    published = str(ons_code).strip()
    return published if published.startswith("E") else f"cassr:{code}"
