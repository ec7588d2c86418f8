"""NHS England, delayed transfers of care by local authority: the monthly workbook (August 2010 to February 2020).

Sheet `LA - by responsible org`, header in the 14th row, period in C5. From April 2017 a second block of columns repeats the
organisations as average people delayed: only the first block is read. Before July 2015 there is no ONS code.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from orchestration.figures import BLANK, figures_frame
from orchestration.readers.cells import LayoutError, cell_name, header_row, open_workbook
from orchestration.readers.ledger import COUNCIL, ENGLAND, Ledger, as_code, has_number, visible

SHEETS = ("LA - by responsible org",)
ORGANISATIONS = {"NHS": "nhs", "Social Care": "social_care", "Both": "both", "Total": "total"}
FIRST_BLOCK: Final = "Delayed Days"
SECOND_BLOCK: Final = ("DTOC Beds", "Average Number of People Delayed per Day")
NONE = "-"
"""What stands for no delays at all."""
OUTSIDE_ENGLAND = {"9900", "9901", "9902"}  # residents of Wales, of Scotland, and from outside Great Britain


def financial_year_of(year: int, month: int) -> str:
    """The label of the financial year (April to March) a month falls in: (2018, 3) -> '2017-18'."""
    start = year if month >= 4 else year - 1
    return f"{start}-{(start + 1) % 100:02d}"


def read_delayed_transfers(content: bytes, sheets: Sequence[str] = SHEETS, *, ledger: Ledger | None = None) -> pd.DataFrame:
    """Delayed days in one month by council and attributable organisation, with England and non-residents.

    Raises LayoutError when the sheet, a heading or a cell is not as published before, and when England is not the sum of the rows or a
    row's total not the sum of its organisations.
    """
    ledger = ledger or Ledger()
    book = open_workbook(content)
    sheet = ledger.sheet(book.sheet_names, sheets)
    rows = book.rows(sheet)
    head = header_row(rows, ["Code", "Name", "NHS"], sheet)
    first = _columns(rows[head - 1] if head else [], rows[head], sheet, ledger)
    has_ons = visible(rows[head][first["ONS"]]) != ""
    period_cell = str(rows[4][2]).strip()
    try:
        month = dt.datetime.strptime(period_cell, "%B %Y").replace(tzinfo=dt.UTC)
    except ValueError:
        raise LayoutError(f"sheet {sheet!r}, cell C5: expected a month such as 'June 2016', found {period_cell!r}") from None
    period = f"{month.year}-{month.month:02d}"

    figures: list[dict[str, object]] = []
    for number, row in ledger.each(rows[head + 1 :], head + 1, f"sheet {sheet!r}"):
        code, name = visible(row[first["Code"]]), visible(row[first["Name"]])
        if not has_number(row[first["NHS"] :]):
            continue  # blank lines and the notes under the table
        area = _area(name, code, row[first["ONS"]], f"{sheet}!{cell_name(number, first['Code'])}", has_ons)
        ledger.read()
        for organisation, breakdown in ORGANISATIONS.items():
            column = first[organisation]
            where = f"{sheet}!{cell_name(number, column)}"
            value, mark = ledger.value(row[column], where)
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
    found = figures_frame(figures)
    _add_up(found, ledger)
    return found


def _columns(above: Sequence[Any], header: Sequence[Any], sheet: str, ledger: Ledger) -> dict[str, int]:
    """Column of the codes, the name and each organisation of the first block. LayoutError unless the headings are those of one layout."""
    names = [visible(c) for c in header]
    while names and not names[-1]:
        names.pop()
    start = 1 if names and not names[0] else 0
    lead = names[start : start + 4]
    block = names[start + 4 : start + 8]
    rest = names[start + 8 :]
    known_lead = len(lead) == 4 and lead[0] == "Region" and lead[1] in ("", "ONS Geography") and lead[2:] == ["Code", "Name"]
    known_rest = rest in ([], ["", *ORGANISATIONS])
    if not known_lead or block != list(ORGANISATIONS) or not known_rest:
        expected = ["Region", "ONS Geography", "Code", "Name", *ORGANISATIONS]
        raise LayoutError(
            f"sheet {sheet!r}: expected headings {', '.join(expected)}, and no others but those four again; found {', '.join(names)}"
        )
    if rest:
        said = [visible(above[n]) if n < len(above) else "" for n in (start + 4, start + 9)]
        if said[0] != FIRST_BLOCK or said[1] not in SECOND_BLOCK:
            titles = f"{FIRST_BLOCK!r} and {' or '.join(map(repr, SECOND_BLOCK))}"
            raise LayoutError(f"sheet {sheet!r}: above the two blocks should stand {titles}; found {said}")
        ledger.headings_unused[said[1]] += len(ORGANISATIONS)
    places = {"ONS": start + 1, "Code": start + 2, "Name": start + 3}
    return places | {name: start + 4 + n for n, name in enumerate(ORGANISATIONS)}


def _add_up(figures: pd.DataFrame, ledger: Ledger) -> None:
    """England is the sum of all rows, and a total the sum of the three organisations; a dash, or nothing, is none. LayoutError otherwise."""
    days = figures.assign(value=figures["value"].where(~figures["mark"].isin([NONE, BLANK]), 0.0))
    for breakdown, rows in days.groupby("breakdown"):
        england = rows[rows["area_code"] == ENGLAND]
        if len(england) != 1:
            raise LayoutError(f"{len(england)} rows of England; expected one")
        others = rows.loc[rows["area_code"] != ENGLAND, "value"]
        ledger.total(england["locator"].iloc[0], england["value"].iloc[0], others, 1e-6, f"the sum of the rows ({breakdown})")
    for _, row in days.groupby("area_code"):
        value = dict(zip(row["breakdown"], row["value"], strict=True))
        where = str(row.loc[row["breakdown"] == "total", "locator"].iloc[0])
        ledger.total(where, value["total"], [value[part] for part in ("nhs", "social_care", "both")], 1e-6)


def _area(name: str, code: str, ons_code: Any, where: str, has_ons: bool) -> str:
    if name.lower() == "england":
        return ENGLAND
    if code in OUTSIDE_ENGLAND:
        return f"non_resident:{code}"
    published = as_code(ons_code)
    if COUNCIL.fullmatch(published):
        return published
    if has_ons or published not in ("", "-") or not re.fullmatch(r"\d{3}|\d\d[A-Z]{2}|[A-Z]\d[A-Z]\d[A-Z]", code):
        raise LayoutError(f"{where}: neither {published!r} is a code of ONS nor {code!r} one of a council")
    return f"cassr:{code}"
