"""ONS mid-year population estimates: table MYE2, persons by single year of age, and the same estimates as Nomis serves them (NM_2002_1).

The sheet's name, the header's row and the columns before the ages differ by edition; ages are found by their own headings. The year is
looked for in the lines above the header: a workbook of another year is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, csv_table, header_row, open_workbook, sheet_rows, value_or_mark

SHEETS = ("MYE2 - Persons", "MYE2-All", "MYE2 - All", "Persons UK")
BANDS = {"18_to_64": (18, 64), "65_and_over": (65, 90)}  # 90 stands for 90 and over
UPPER_TIER = ("E06", "E08", "E09", "E10")
ENGLAND = "E92000001"


def read_population(content: bytes, year: int, sheets: Sequence[str] = SHEETS) -> pd.DataFrame:
    """Residents aged 18-64 and 65+ in mid-`year`, upper-tier councils and England. Each figure is the sum of the cells it names.

    Mid-2017 belongs to financial year 2017-18. Raises LayoutError when an age is missing or a cell is no number.
    """
    sheet, rows = sheet_rows(open_workbook(content), sheets)
    head = header_row(rows, ["Code", "Name", "All ages"], sheet)
    above = " ".join(str(cell) for row in rows[:head] for cell in row)
    years = set(re.findall(r"mid[- ](20\d\d)", above, re.IGNORECASE))
    if str(year) not in years:
        raise LayoutError(
            f"sheet {sheet!r}: expected estimates of mid-{year}; above the header stands {', '.join(sorted(years)) or 'no year'}"
        )
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
            cells = f"{sheet}!{cell_name(number, columns[0])}:{cell_name(number, columns[-1])} (sum)"
            figures.append(_figure(year, code, breakdown, total, cells))
    return figures_frame(figures)


NOMIS_AGES = {200: "all", 209: "65_and_over"} | {age + 101: str(age) for age in range(18, 65)}
"""Nomis' c_age: 200 all ages, 209 aged 65 and over, 119 to 165 the single years 18 to 64 (101 is under one)."""


def read_nomis_population(content: bytes) -> pd.DataFrame:
    """Residents aged 18-64 and 65+ of each year in an answer of the Nomis API (columns geography_code, date_name, c_age, obs_value).

    18-64 is the sum of the single years 18 to 64. LayoutError when one of them is missing, and for a value that is no number: Nomis
    serves only the councils of today, and leaves those that were abolished blank.
    """
    table = csv_table(content, ["GEOGRAPHY_CODE", "DATE_NAME", "C_AGE", "OBS_VALUE"])
    table = table[table["GEOGRAPHY_CODE"].str.startswith((*UPPER_TIER, ENGLAND))]
    unknown = set(table["C_AGE"]) - {str(age) for age in NOMIS_AGES}
    if unknown:
        raise LayoutError(f"C_AGE {', '.join(sorted(unknown))} is not among 200, 209 and 119 to 165")
    figures: list[dict[str, object]] = []
    for (code, date), rows in table.groupby(["GEOGRAPHY_CODE", "DATE_NAME"]):
        found = dict(zip(rows["C_AGE"], zip(rows["OBS_VALUE"], rows.index + 2, strict=True), strict=True))
        for breakdown, ages in (("18_to_64", range(119, 166)), ("65_and_over", (209,))):
            lines = [found.get(str(age)) for age in ages]
            if None in lines:
                raise LayoutError(f"{code}, {date}: {breakdown} needs C_AGE {ages[0]} to {ages[-1]}, and not all are there")
            total = 0.0
            for text, line in (pair for pair in lines if pair is not None):
                value, mark = value_or_mark(text, f"line {line}, OBS_VALUE")
                if value is None:
                    raise LayoutError(f"line {line}: population of {code} in {date} is {mark!r}, expected a number")
                total += value
            where = f"rows: {code}, {date}, C_AGE {ages[0]}" + (f" to {ages[-1]} (sum)" if len(ages) > 1 else "")
            figures.append(_figure(int(str(date)), str(code), breakdown, total, where))
    return figures_frame(figures)


def _figure(year: int, code: str, breakdown: str, residents: float, where: str) -> dict[str, object]:
    return {
        "framework": "mid_year_estimates",
        "financial_year": f"{year}-{(year + 1) % 100:02d}",
        "period": f"mid-{year}",
        "area_code": code,
        "item": "population",
        "breakdown": breakdown,
        "unit": "persons",
        "value": residents,
        "mark": "",
        "locator": where,
    }


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
