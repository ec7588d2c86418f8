"""MHCLG, revenue outturn by council: the summary (RS) of one year, one form of one year, and the data set of many years (CSV).

The summary has a sheet `RS LA Data <year>` whose headings are words (`Adult Social Care`); England stands without a code.

A form's sheet is named `<FORM>_LA_Data_<years>`; headings stand in the row with `ONS Code`, and a hidden row holds the machine's name of
each column (`RO3-ascphyold-net-cur-exp`): columns are found by that. The data set of many years names the same columns
`RO3_ascphyold_net_cur_exp`. Amounts are GBP thousand in cash. Rows of classes of councils are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import (
    LayoutError,
    Workbook,
    cell_name,
    csv_rows,
    csv_table,
    header_row,
    open_workbook,
    value_or_mark,
)

COUNCILS = ("E06", "E08", "E09", "E10")
ENGLAND = "E92000001"
REASONS = ("phy", "sns", "mmr", "lrn", "mnt")  # physical, sensory, memory, learning disability, mental health
ADULT_SOCIAL_CARE = (*(f"asc{reason}{age}" for age in ("adl", "old") for reason in REASONS), "asctot")
"""Lines of form RO3: support of adults aged 18-64 (adl) and of older people (old) by reason, and all adult social care."""
NET: dict[str, str] = {"net-cur-exp": "net_current_expenditure"}
AMOUNTS = {
    "empl": "employees",
    "run-exp": "running_expenses",
    "tot-exp": "total_expenditure",
    "sfc": "sales_fees_and_charges",
    "oth-inc": "other_income",
    "tot-inc": "total_income",
} | NET
"""The columns of a line, by the machine's name: what was spent, what came in, and the difference."""


def read_form(
    content: bytes,
    financial_year: str,
    form: str = "RO3",
    lines: Sequence[str] = ADULT_SOCIAL_CARE,
    lines_in_full: Sequence[str] = (),
) -> pd.DataFrame:
    """Net current expenditure of `lines` and every amount of `lines_in_full`, councils and England.

    LayoutError names a sheet, row or column that is not there.
    """
    book = open_workbook(content)
    sheet, rows = _sheet(book, f"{form}_LA_Data", financial_year)
    head = header_row(rows, ["ONS Code", "Local authority"], sheet)
    code_column = [str(c).strip() for c in rows[head]].index("ONS Code")
    machine = next((row for row in reversed(rows) if any(str(c).startswith(f"{form}-") for c in row)), None)
    if machine is None:
        raise LayoutError(f"sheet {sheet!r}: no row with the machine's names of columns, such as {form}-{lines[0]}-net-cur-exp")
    columns = {}
    for line, amounts in {**dict.fromkeys(lines, NET), **dict.fromkeys(lines_in_full, AMOUNTS)}.items():
        for amount, name in amounts.items():
            wanted = f"{form}-{line}-{amount}"
            if wanted not in machine:
                raise LayoutError(f"sheet {sheet!r}: no column {wanted}; found {', '.join(str(c) for c in machine if c)[:400]}")
            columns[line, name] = machine.index(wanted)
    figures = []
    for number, row in enumerate(rows[head + 1 :], start=head + 1):
        code = str(row[code_column]).strip()
        if code != ENGLAND and not (code.startswith(COUNCILS) and len(code) == len(ENGLAND)):
            continue
        for (line, amount), column in columns.items():
            where = f"{sheet}!{cell_name(number, column)}"
            figures.append(_figure(financial_year, code, (form, line, amount), row[column], where))
    return figures_frame(figures)


def read_summary(content: bytes, financial_year: str, heading: str = "Adult Social Care") -> pd.DataFrame:
    """Net current expenditure on adult social care from the summary, councils and England. LayoutError as for a form."""
    sheet, rows = _sheet(open_workbook(content), "RS LA Data", financial_year)
    head = header_row(rows, ["ONS Code", "Local authority", heading], sheet)
    headings = [str(c).strip().lower() for c in rows[head]]
    code_column, name_column, column = (headings.index(h) for h in ("ons code", "local authority", heading.lower()))
    figures: list[dict[str, object]] = []
    for number, row in enumerate(rows[head + 1 :], start=head + 1):
        code, name = str(row[code_column]).strip(), str(row[name_column]).strip()
        if name.upper() == "ENGLAND":
            code = ENGLAND
        if code != ENGLAND and not (code.startswith(COUNCILS) and len(code) == len(ENGLAND)):
            continue
        where = f"{sheet}!{cell_name(number, column)}"
        value, mark = value_or_mark(row[column], where)
        figures.append(
            {
                "framework": "revenue_outturn",
                "financial_year": financial_year,
                "period": financial_year,
                "area_code": code,
                "item": "adult_social_care_net_current_expenditure",
                "breakdown": "total",
                "unit": "gbp_thousand",
                "value": value,
                "mark": mark,
                "locator": where,
            }
        )
    return figures_frame(figures)


def _sheet(book: Workbook, begins: str, financial_year: str) -> tuple[str, list[list[Any]]]:
    """The first sheet whose name begins so, with its rows. LayoutError if there is none, or if neither name nor title has the year."""
    sheet = next((s for s in book.sheet_names if s.upper().startswith(begins.upper())), None)
    if sheet is None:
        raise LayoutError(f"no sheet named {begins}…; found {', '.join(map(repr, book.sheet_names))}")
    rows = book.rows(sheet)
    words = f"{sheet} " + " ".join(str(c) for row in rows[:6] for c in row[:2])
    if financial_year not in words and financial_year.replace("-", "") not in words:
        raise LayoutError(f"sheet {sheet!r}: expected {financial_year}; its title is {' '.join(words.split())[:120]!r}")
    return sheet, rows


def read_many_years(
    content: bytes, form: str = "RO3", lines: Sequence[str] = ADULT_SOCIAL_CARE, lines_if_there: Sequence[str] = ()
) -> pd.DataFrame:
    """The same from the data set of many years: one row for each council and year, `year_ending` 201803 for 2017-18.

    `lines_if_there` are lines that only some editions of the data set have.
    """
    header = next(csv_rows(content))[1]
    names = {f"{form}_{line}_net_cur_exp": line for line in lines}
    names |= {name: line for line in lines_if_there if (name := f"{form}_{line}_net_cur_exp") in header}
    table = csv_table(content, ["year_ending", "ONS_code", "status", *names])
    figures = []
    for number, row in enumerate(table.to_dict("records"), start=2):
        code, ending = str(row["ONS_code"]).strip(), str(row["year_ending"]).strip()
        if not re.fullmatch(r"\d{4}03", ending):
            raise LayoutError(f"line {number}: year_ending {ending!r}, expected such as 201803")
        if row["status"] == "total" or not (code.startswith(COUNCILS) and len(code) == len(ENGLAND)):
            continue
        year = f"{int(ending[:4]) - 1}-{ending[2:4]}"
        for column, line in names.items():
            figures.append(_figure(year, code, (form, line, NET["net-cur-exp"]), row[column], f"line {number}, {column}"))
    return figures_frame(figures)


def _figure(year: str, code: str, column: tuple[str, str, str], cell: object, where: str) -> dict[str, object]:
    form, line, amount = column
    value, mark = value_or_mark(cell, where)
    return {
        "framework": "revenue_outturn",
        "financial_year": year,
        "period": year,
        "area_code": code,
        "item": f"{form.lower()}_{line}_{amount}",
        "breakdown": {"adl": "18_to_64", "old": "65_and_over"}.get(line[-3:], "total"),
        "unit": "gbp_thousand",
        "value": value,
        "mark": mark,
        "locator": where,
    }
