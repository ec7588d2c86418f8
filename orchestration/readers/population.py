"""ONS mid-year population estimates: table MYE2, persons by single year of age, and the same estimates as Nomis serves them (NM_2002_1).

The sheet's name, the header's row and the columns before the ages differ by edition; ages are found by their own headings. The year is
looked for in the lines above the header: a workbook of another year is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, Workbook, cell_name, csv_rows, csv_table, header_row, open_workbook
from orchestration.readers.ledger import COUNCIL, ENGLAND, Ledger, as_code, has_number, visible

SHEETS = ("MYE2 - Persons", "MYE2-All", "MYE2 - All", "Persons UK")
OLDEST = 90  # and over
SEX = re.compile(r"(?i)MYE2 ?- ?(m|f|males|females)|(males|females) UK")
"""Names of the sheets of one sex."""
BANDS = {"18_to_64": (18, 64), "65_and_over": (65, OLDEST)}


def read_population(content: bytes, year: int, sheets: Sequence[str] = SHEETS, *, ledger: Ledger | None = None) -> pd.DataFrame:
    """Residents aged 18-64 and 65+ in mid-`year`, upper-tier councils and England. Each figure is the sum of the cells it names.

    Mid-2017 belongs to financial year 2017-18. Raises LayoutError when an age is missing or stands twice, a cell is no number, a row's
    ages do not make its own total, or the councils do not make England's.
    """
    ledger = ledger or Ledger()
    book = open_workbook(content)
    sheet = ledger.sheet(book.sheet_names, sheets)
    rows = book.rows(sheet)
    head = header_row(rows, ["Code", "Name", "All ages"], sheet)
    title = next((text for row in rows[:head] for cell in row if (text := visible(cell)).startswith("MYE2")), "")
    sexes = {visible(cell).casefold() for row in rows[:head] for cell in row} & {"males", "females"}
    if sexes or re.search(r"(?i)\b(fe)?males\b", title.split(" by ")[0]):
        raise LayoutError(f"sheet {sheet!r}: expected persons; its title is {' '.join([title, *sexes])!r}")
    above = " ".join(visible(cell) for row in rows[:head] for cell in row)
    years = set(re.findall(r"mid[- ](20\d\d)", above, re.IGNORECASE))
    if str(year) not in years:
        raise LayoutError(
            f"sheet {sheet!r}: expected estimates of mid-{year}; above the header stands {', '.join(sorted(years)) or 'no year'}"
        )
    code_column, everyone, ages = _age_columns(rows[head], sheet, ledger)
    by_sex = _by_sex(book, sheet, ledger)
    england: dict[str, float] = {}
    councils: dict[str, list[float]] = {name: [] for name in BANDS}
    figures: list[dict[str, object]] = []
    for number, row in ledger.each(rows[head + 1 :], head + 1, f"sheet {sheet!r}"):
        if not has_number(row[everyone:]):
            continue
        code = ledger.area(row[code_column], f"{sheet}!{cell_name(number, code_column)}")
        if code is None:
            continue
        ledger.read()
        residents = {
            age: _residents(ledger, row[column], f"{sheet}!{cell_name(number, column)}", code) for age, column in ages.items()
        }
        for age in residents if code in by_sex else ():
            said = f"{sheet}!{cell_name(number, ages[age])}"
            ledger.same(said, residents[age], by_sex[code][age], 1.5, f"men and women of {age} in {code}")
        where = f"{sheet}!{cell_name(number, everyone)}"
        ledger.total(where, ledger.value(row[everyone], where)[0], residents.values(), 0.5, "the sum of its ages")
        for breakdown, (low, high) in BANDS.items():
            total = sum(residents[age] for age in range(low, high + 1))
            cells = f"{sheet}!{cell_name(number, ages[low])}:{cell_name(number, ages[high])} (sum)"
            figures.append(_figure(year, code, breakdown, total, cells))
            if code == ENGLAND:
                england[breakdown] = total
            else:
                councils[breakdown].append(total)
    for breakdown, parts in councils.items():
        ledger.total(f"{sheet}, England, {breakdown}", england.get(breakdown), parts, 0.5, "the sum of its councils")
    return figures_frame(figures)


def _by_sex(book: Workbook, persons: str, ledger: Ledger) -> dict[str, dict[int, float]]:
    """Code -> age -> men and women together, from the workbook's sheets of each sex: what the sheet of persons must agree with."""
    counts: dict[str, dict[int, float]] = {}
    sheets = [name for name in book.sheet_names if name != persons and SEX.fullmatch(visible(name))]
    if len(sheets) != 2:
        ledger.totals_not_comparable += 1
        return {}
    for name in sheets:
        rows = book.rows(name)
        head = header_row(rows, ["Code", "Name", "All ages"], name)
        code_column, _, ages = _age_columns(rows[head], name, ledger)
        for row in rows[head + 1 :]:
            code = as_code(row[code_column])
            if COUNCIL.fullmatch(code) or code == ENGLAND:
                by_age = counts.setdefault(code, dict.fromkeys(ages, 0.0))
                for age, column in ages.items():
                    by_age[age] += _residents(ledger, row[column], f"{name}, {age}", code)
    return counts


def _residents(ledger: Ledger, cell: object, where: str, code: str) -> float:
    value, mark = ledger.value(cell, where)
    if value is None:
        raise LayoutError(f"{where}: population of {code} is {mark!r}, expected a number")
    return value


NOMIS_COLUMNS = ("GEOGRAPHY_CODE", "DATE_NAME", "C_AGE", "OBS_VALUE")
NOMIS_AGES = {200: "all", 209: "65_and_over"} | {age + 101: str(age) for age in range(18, 65)}
"""Nomis' c_age: 200 all ages, 209 aged 65 and over, 119 to 165 the single years 18 to 64 (101 is under one)."""


def read_nomis_population(content: bytes, year: int | None = None, *, ledger: Ledger | None = None) -> pd.DataFrame:
    """Residents aged 18-64 and 65+ of each year in an answer of the Nomis API (columns geography_code, date_name, c_age, obs_value).

    18-64 is the sum of the single years 18 to 64. LayoutError when one of them is missing or stands twice, for a value that is no number
    (Nomis serves only the councils of today, and leaves those that were abolished blank), and for another year than `year`.
    """
    ledger = ledger or Ledger()
    header = next(csv_rows(content))[1]
    ledger.headings(header, {name: [name] for name in NOMIS_COLUMNS}, "header")
    table = csv_table(content, NOMIS_COLUMNS)
    lines: dict[tuple[str, str, str], tuple[int, str]] = {}
    for number, row in ledger.each(table.to_numpy().tolist(), 1, "CSV"):
        area, date, age, value = row
        code = ledger.area(area, f"line {number + 1}, GEOGRAPHY_CODE")
        if code is None:
            continue
        if age not in {str(known) for known in NOMIS_AGES}:
            raise LayoutError(f"line {number + 1}: C_AGE {age} is not among 200, 209 and 119 to 165")
        if year is not None and date != str(year):
            raise LayoutError(f"line {number + 1}: DATE_NAME is {date}; expected {year}")
        if (code, date, age) in lines:
            raise LayoutError(f"lines {lines[code, date, age][0]} and {number + 1}: {code}, {date}, C_AGE {age} stands twice")
        lines[code, date, age] = number + 1, value
        ledger.read()
    figures: list[dict[str, object]] = []
    for code, date in dict.fromkeys((code, date) for code, date, _ in lines):
        for breakdown, ages in (("18_to_64", range(119, 166)), ("65_and_over", range(209, 210))):
            found = [lines.get((code, date, str(age))) for age in ages]
            if None in found:
                raise LayoutError(f"{code}, {date}: {breakdown} needs C_AGE {ages[0]} to {ages[-1]}, and not all are there")
            total = sum(_residents(ledger, text, f"line {line}, OBS_VALUE", code) for line, text in (f for f in found if f))
            where = f"rows: {code}, {date}, C_AGE {ages[0]}" + (f" to {ages[-1]} (sum)" if len(ages) > 1 else "")
            figures.append(_figure(int(date), code, breakdown, total, where))
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


def _age_columns(header: Sequence[object], sheet: str, ledger: Ledger) -> tuple[int, int, dict[int, int]]:
    """Column of the code, of all ages, and of each single year of age, by heading ('17', 17.0, '90+'): each once, and no other heading."""
    names = [re.sub(r"\.0$", "", visible(cell)) for cell in header]
    ages = {f"age {age}": [str(age)] if age < OLDEST else [str(age), f"{age}+"] for age in range(OLDEST + 1)}
    at = ledger.headings(names, {"code": ["Code"], "everyone": ["All ages"], **ages}, f"sheet {sheet!r}")
    return at["code"], at["everyone"], {age: at[f"age {age}"] for age in range(OLDEST + 1)}
