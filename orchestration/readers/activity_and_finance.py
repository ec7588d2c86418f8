"""NHS Digital, Adult Social Care Activity and Finance: the 2016-17 key-coded totals and the tables of a 2021-22 style workbook.

Amounts are in GBP thousand in both layouts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, csv_table, open_workbook, sheet_rows, value_or_mark

CARE_TYPES = {"2": "long_term", "3": "other", "4": "short_term"}
AGE_BANDS = {"1": "18_to_64", "2": "65_and_over", "": "all_ages"}
# Keys 3, 4 and 5 split 65 and over again (65-74, 75-84, 85 and over) and would count it twice.
SUB_BANDS = {"3", "4", "5"}


EQUIPMENT_KEY = "1"  # PrimarySupportReason_KEY of assistive equipment and technology among the other lines


def read_finance_totals_2016_17(content: bytes) -> pd.DataFrame:
    """Gross current expenditure by care type and age band, council by council, each the sum of the published lines.

    Assistive equipment and technology, one of the other lines, is given a second time by itself.

    Rows without a council's code are regions and England and are left out.
    """
    table = csv_table(
        content,
        ["FY_Ending", "GEOGRAPHY_CODE", "CareType_KEY", "AgeBand_KEY", "PrimarySupportReason_KEY", "GROSSCURRENTEXPENDITURE"],
    )
    if set(table["FY_Ending"]) != {"2017"}:
        raise LayoutError(f"FY_Ending is {', '.join(sorted(set(table['FY_Ending'])))}; 2016-17 ends in 2017")
    table = table[(table["GEOGRAPHY_CODE"] != "") & ~table["AgeBand_KEY"].isin(SUB_BANDS)]
    unknown = set(table["CareType_KEY"]) - set(CARE_TYPES) | set(table["AgeBand_KEY"]) - set(AGE_BANDS)
    if unknown:
        raise LayoutError(f"unknown key {sorted(unknown)} in CareType_KEY or AgeBand_KEY")
    read = [
        value_or_mark(c, f"line {n + 2}, GROSSCURRENTEXPENDITURE")
        for n, c in zip(table.index, table["GROSSCURRENTEXPENDITURE"], strict=True)
    ]
    marked = [n for n, (value, _) in zip(table.index, read, strict=True) if value is None]
    if marked:
        raise LayoutError(f"line {marked[0] + 2}: a part of a sum is marked; the sum would be too small")
    amounts = table.assign(value=[float(value or 0) for value, _ in read])
    grouped = amounts.groupby(["GEOGRAPHY_CODE", "CareType_KEY", "AgeBand_KEY"])["value"].agg(["sum", "size"]).reset_index()
    equipment = amounts[(amounts["CareType_KEY"] == "3") & (amounts["PrimarySupportReason_KEY"] == EQUIPMENT_KEY)]
    return figures_frame(
        [
            {
                "framework": "ascfr",
                "financial_year": "2016-17",
                "period": "2016-17",
                "area_code": area,
                "item": "gross_current_expenditure_equipment",
                "breakdown": "all_ages",
                "unit": "gbp_thousand",
                "value": total,
                "mark": "",
                "locator": f"GROSSCURRENTEXPENDITURE where CareType_KEY=3 and PrimarySupportReason_KEY={EQUIPMENT_KEY}",
            }
            for area, total in zip(equipment["GEOGRAPHY_CODE"], equipment["value"], strict=True)
        ]
        + [
            {
                "framework": "ascfr",
                "financial_year": "2016-17",
                "period": "2016-17",
                "area_code": area,
                "item": f"gross_current_expenditure_{CARE_TYPES[care]}",
                "breakdown": AGE_BANDS[age],
                "unit": "gbp_thousand",
                "value": total,
                "mark": "",
                "locator": f"GROSSCURRENTEXPENDITURE where CareType_KEY={care} and AgeBand_KEY={age or 'blank'} ({lines} rows, sum)",
            }
            for area, care, age, total, lines in grouped.itertuples(index=False)
        ]
    )


@dataclass(frozen=True)
class TableColumn:
    """One column of a workbook table: where it is, what its headings say, and which figure it holds.

    With `less`, the figure is that column less others, each named by its column and its own heading.
    """

    sheet: str
    column: int
    headings: tuple[str, ...]
    item: str
    breakdown: str
    unit: str
    financial_year: str
    less: tuple[tuple[int, str], ...] = ()


def read_tables(content: bytes, columns: list[TableColumn]) -> pd.DataFrame:
    """Figures of councils and England from tables whose headings stand in up to three rows from row 7.

    A heading is read downwards and, where a cell is blank, from the left (merged cells). LayoutError when a column's headings
    are not the expected ones.
    """
    book = open_workbook(content)
    figures: list[dict[str, object]] = []
    for spec in columns:
        sheet, rows = sheet_rows(book, [spec.sheet])
        width = max([spec.column, 4, *(column for column, _ in spec.less)])
        if len(rows) < 10 or len(rows[0]) <= width:
            raise LayoutError(
                f"sheet {sheet!r}: {len(rows)} rows of {len(rows[0]) if rows else 0} columns; expected column {width} at least"
            )
        found = _headings(rows, spec.column)
        if found[: len(spec.headings)] != spec.headings:
            raise LayoutError(f"sheet {sheet!r}, column {spec.column}: expected headings {spec.headings}, found {found}")
        for column, heading in spec.less:
            if heading not in _headings(rows, column):
                raise LayoutError(
                    f"sheet {sheet!r}, column {column}: expected heading {heading!r}, found {_headings(rows, column)}"
                )
        for number, row in enumerate(rows[9:] if len(spec.headings) > 2 else rows[8:], start=9 if len(spec.headings) > 2 else 8):
            code = str(row[0]).strip()
            if not code and str(row[4]).strip() == "England":
                code = "E92000001"
            if not code.startswith("E"):
                continue
            where, value, mark = _value(row, spec, sheet, number)
            figures.append(
                {
                    "framework": "salt" if spec.item.startswith(("st_max", "long_term_clients")) else "ascfr",
                    "financial_year": spec.financial_year,
                    "period": spec.financial_year,
                    "area_code": code,
                    "item": spec.item,
                    "breakdown": spec.breakdown,
                    "unit": spec.unit,
                    "value": value,
                    "mark": mark,
                    "locator": where,
                }
            )
    return figures_frame(figures)


def read_gross_by_year(content: bytes, first_year: str = "2015-16") -> pd.DataFrame:
    """England's gross current expenditure in cash by year from table T4 (GBP thousand), `first_year` and later.

    LayoutError when the heading is not `Cash Terms` or no row is a year.
    """
    sheet, rows = sheet_rows(open_workbook(content), ["T4"])
    head = next((n for n, row in enumerate(rows[:12]) if str(row[0]).strip() == "Year"), None)
    if head is None or str(rows[head][1]).strip() != "Cash Terms":
        raise LayoutError(f"sheet {sheet!r}: no header row Year, Cash Terms")
    figures: list[dict[str, object]] = []
    for number, row in enumerate(rows[head + 1 :], start=head + 1):
        year = str(row[0]).strip()
        if not re.fullmatch(r"\d{4}-\d{2}", year) or year < first_year:
            continue
        where = f"{sheet}!{cell_name(number, 1)}"
        value, mark = value_or_mark(row[1], where)
        figures.append(
            {
                "framework": "ascfr",
                "financial_year": year,
                "period": year,
                "area_code": "E92000001",
                "item": "gross_current_expenditure_series",
                "breakdown": "total",
                "unit": "gbp_thousand",
                "value": value,
                "mark": mark,
                "locator": where,
            }
        )
    if not figures:
        raise LayoutError(f"sheet {sheet!r}: no row of a year from {first_year}")
    return figures_frame(figures)


def _value(row: list[object], spec: TableColumn, sheet: str, number: int) -> tuple[str, float | None, str]:
    """Where the figure stands, its value or its mark. A difference with a part that is marked has that mark and no value."""
    columns = [spec.column, *(column for column, _ in spec.less)]
    cells = [f"{sheet}!{cell_name(number, column)}" for column in columns]
    read = [value_or_mark(row[column], cell) for column, cell in zip(columns, cells, strict=True)]
    where = " less ".join(cells)
    marks = [mark for value, mark in read if value is None]
    if marks:
        return where, None, marks[0] or "(blank)"
    numbers = [value for value, _ in read if value is not None]
    return where, numbers[0] - sum(numbers[1:]), ""


def _headings(rows: list[list[object]], column: int) -> tuple[str, ...]:
    headings = []
    for row in rows[6:9]:
        text = ""
        for position in range(column, 4, -1):
            text = str(row[position]).strip()
            if text:
                break
        if text:
            headings.append(text)
    return tuple(headings)


def tables_2021_22() -> list[TableColumn]:
    """The columns read from the 2021-22 workbook: T16 (all expenditure), T17 (by care type and age band),
    T38 (long-term clients at year end by support setting), T46 (equipment), T24 (reablement)."""
    columns = [
        TableColumn(
            "T16",
            6,
            ("2020-21", "Gross Current Expenditure"),
            "gross_current_expenditure",
            "total",
            "gbp_thousand",
            "2020-21",
        ),
        TableColumn(
            "T16",
            9,
            ("2021-22", "Gross Current Expenditure"),
            "gross_current_expenditure",
            "total",
            "gbp_thousand",
            "2021-22",
        ),
        TableColumn(
            "T24",
            5,
            ("Episodes of ST-Max per 100,000 adults",),
            "st_max_completed_per_100k",
            "total",
            "per_100k",
            "2021-22",
        ),
        TableColumn("T24", 6, ("Episodes of ST-Max",), "st_max_completed", "total", "count", "2021-22"),
    ]
    columns.append(
        TableColumn(
            "T46",
            9,
            ("Assistive Equipment and Technology",),
            "gross_current_expenditure_equipment",
            "all_ages",
            "gbp_thousand",
            "2021-22",
        )
    )
    everyone = ("65 and over", "Total")
    care_homes = ((14, "Nursing"), (15, "Residential"))
    columns += [
        TableColumn("T38", 22, everyone, "long_term_clients_in_community", "65_and_over", "count", "2021-22", less=care_homes),
        TableColumn("T38", 22, everyone, "long_term_clients", "65_and_over", "count", "2021-22"),
    ]
    ages = {"18 to 64": "18_to_64", "65 and Over": "65_and_over"}
    for care, start in (("Long Term Care", 5), ("Short Term Care", 11)):
        for year, offset in (("2020-21", 0), ("2021-22", 3)):
            for position, (age, breakdown) in enumerate(ages.items()):
                item = f"gross_current_expenditure_{care.lower().removesuffix(' care').replace(' ', '_')}"
                columns.append(
                    TableColumn("T17", start + offset + position, (care, year, age), item, breakdown, "gbp_thousand", year)
                )
    return columns
