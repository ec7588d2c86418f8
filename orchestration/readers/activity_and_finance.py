"""NHS Digital, Adult Social Care Activity and Finance: the 2016-17 key-coded totals, and tables of the yearly workbook of data tables.

Amounts are in GBP thousand in both layouts. Which tables and columns of a workbook hold what is the source's YAML to say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import pandas as pd

from orchestration.figures import BLANK, figures_frame
from orchestration.readers.cells import LayoutError, Workbook, cell_name, csv_rows, csv_table, open_workbook
from orchestration.readers.ledger import COUNCIL, ENGLAND, Ledger, as_code, has_number, visible

CARE_TYPES = {"2": "long_term", "3": "other", "4": "short_term"}
AGE_BANDS = {"1": "18_to_64", "2": "65_and_over", "": "all_ages"}
# Keys 3, 4 and 5 split 65 and over again (65-74, 75-84, 85 and over) and would count it twice.
SUB_BANDS = {"3", "4", "5"}
EQUIPMENT_KEY = "1"  # PrimarySupportReason_KEY of assistive equipment and technology among the other lines
TOTALS_AREAS = ("FY_Ending", "CASSR_CODE", "GEOGRAPHY_CODE", "REGION_GO_CODE")
TOTALS_KEYS = (
    "CareType_KEY",
    "AgeBand_KEY",
    "PrimarySupportReason_KEY",
    "SupportSetting_KEY",
    "Purpose_KEY",
    "CarerSupportType_KEY",
    "DataType_KEY",
)
TOTALS_AMOUNTS = (
    "TOTALEXPENDITURE",
    "TOTALINCOME",
    "NETTOTALEXPENDITURE",
    "GROSSTOTALEXPENDITURE",
    "NETCURRENTEXPENDITURE",
    "GROSSCURRENTEXPENDITURE",
)
ROUNDED = 0.01
PER = 100_000
PER_ADULTS = " per 100,000 adults"
AREA_HEADINGS = ("Geography code", "LA code", "LA name")
TITLE_WITHIN = 10
SUMMED = {"gbp_thousand": 0.01, "count": 2.5}
"""Units whose figures add up, and to what each part is rounded: clients are published to five."""


def read_finance_totals_2016_17(content: bytes, *, ledger: Ledger | None = None) -> pd.DataFrame:
    """Gross current expenditure by care type and age band, council by council, each the sum of the published lines.

    Assistive equipment and technology, one of the other lines, is given a second time by itself.

    Rows without a council's code are regions and England: their lines must be the sums of the councils'. LayoutError otherwise, for a
    line that stands twice, and for another year.
    """
    ledger = ledger or Ledger()
    ledger.headings(
        next(csv_rows(content))[1], {name: [name] for name in (*TOTALS_KEYS, *TOTALS_AMOUNTS, *TOTALS_AREAS)}, "header"
    )
    table = csv_table(content, [*TOTALS_AREAS, *TOTALS_KEYS, *TOTALS_AMOUNTS])
    if set(table["FY_Ending"]) != {"2017"}:
        raise LayoutError(f"FY_Ending is {', '.join(sorted(set(table['FY_Ending'])))}; 2016-17 ends in 2017")
    _totals_add_up(table, ledger)
    ledger.skip("regions and England, compared with their councils", int((table["GEOGRAPHY_CODE"] == "").sum()))
    table = table[table["GEOGRAPHY_CODE"] != ""]
    wrong = table[~table["GEOGRAPHY_CODE"].str.fullmatch(COUNCIL.pattern)]
    if len(wrong):
        raise LayoutError(f"line {wrong.index[0] + 2}: {wrong.iloc[0]['GEOGRAPHY_CODE']!r} is no code of a council")
    within_65 = table["AgeBand_KEY"].isin(SUB_BANDS)
    ledger.skip("parts of 65 and over", int(within_65.sum()))
    table = table[~within_65]
    ledger.read(len(table))
    unknown = set(table["CareType_KEY"]) - set(CARE_TYPES) | set(table["AgeBand_KEY"]) - set(AGE_BANDS)
    if unknown:
        raise LayoutError(f"unknown key {sorted(unknown)} in CareType_KEY or AgeBand_KEY")
    read = [
        ledger.value(c, f"line {n + 2}, GROSSCURRENTEXPENDITURE")
        for n, c in zip(table.index, table["GROSSCURRENTEXPENDITURE"], strict=True)
    ]
    marked = [n for n, (value, _) in zip(table.index, read, strict=True) if value is None]
    if marked:
        raise LayoutError(f"line {marked[0] + 2}: a part of a sum is marked; the sum would be too small")
    amounts = table.assign(value=[float(value or 0) for value, _ in read])
    grouped = amounts.groupby(["GEOGRAPHY_CODE", "CareType_KEY", "AgeBand_KEY"])["value"].agg([math.fsum, "size"]).reset_index()
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


def _totals_add_up(table: pd.DataFrame, ledger: Ledger) -> None:
    """Each line's rows of regions and England are the sums of its councils; net is total less income. LayoutError otherwise."""
    twice = table[table.duplicated([*TOTALS_AREAS, *TOTALS_KEYS])]
    if len(twice):
        raise LayoutError(f"line {twice.index[0] + 2}: the same line stands twice for its area")
    amounts = table[list(TOTALS_AMOUNTS)].apply(pd.to_numeric, errors="coerce")
    off = (
        (amounts["GROSSTOTALEXPENDITURE"] - amounts["NETTOTALEXPENDITURE"])
        - (amounts["GROSSCURRENTEXPENDITURE"] - amounts["NETCURRENTEXPENDITURE"])
    ).abs() > ROUNDED
    off |= (amounts["TOTALEXPENDITURE"] - amounts["TOTALINCOME"] - amounts["NETTOTALEXPENDITURE"]).abs() > ROUNDED
    ledger.totals_compared += len(amounts)
    if off.any():
        raise LayoutError(
            f"line {off[off].index[0] + 2}: net and gross do not differ by what was taken in: a column is not what its heading says"
        )
    line = table[list(TOTALS_KEYS)].agg("|".join, axis=1)
    is_council = table["GEOGRAPHY_CODE"] != ""
    for column in TOTALS_AMOUNTS:
        sums = amounts[column][is_council].groupby(line[is_council]).sum()
        for area, rows in table[~is_council].groupby("REGION_GO_CODE"):
            own = is_council & (table["REGION_GO_CODE"] == area)
            of_area = sums if area == ENGLAND else amounts[column][own].groupby(line[own]).sum()
            off = (amounts.loc[rows.index, column] - of_area.reindex(line[rows.index]).to_numpy()).abs() > ROUNDED
            ledger.totals_compared += len(rows)
            if off.any():
                at = off[off].index[0]
                raise LayoutError(
                    f"line {at + 2}, {column}: {area} is {amounts.loc[at, column]:,.3f}; its councils are {of_area[line[at]]:,.3f}"
                )


@dataclass(frozen=True)
class TableColumn:
    """One column of a table of a workbook: the table's title, its headings downwards, and which figure it holds.

    With `less`, the figure is that column less others under the same heading.
    """

    title: str
    headings: tuple[str, ...]
    less: tuple[str, ...]
    item: str
    unit: str
    breakdown: str
    financial_year: str


def table_columns(described: Sequence[str], financial_year: str) -> list[TableColumn]:
    """`title | heading > heading [- heading] => item, unit, breakdown, year` as columns; `<year>` and `<before>` are years.

    LayoutError for an entry that says less or more.
    """
    start = int(financial_year[:4])
    before = f"{start - 1}-{start % 100:02d}"
    found = []
    for entry in described:
        text = entry.replace("<year>", financial_year).replace("<before>", before)
        match = re.fullmatch(r"(.+?) \| (.+?) => (\w+), (\w+), (\w+), (\d{4}-\d{2})", text)
        if not match:
            raise LayoutError(f"layout: {entry!r} is not 'title | heading > heading => item, unit, breakdown, year'")
        *upper, last = match[2].split(" > ")
        own, *less = last.split(" - ")
        found.append(TableColumn(match[1], (*upper, own), tuple(less), match[3], match[4], match[5], match[6]))
    return found


def read_finance_tables(
    content: bytes, financial_year: str, columns: Sequence[str], series: str = "", *, ledger: Ledger | None = None
) -> pd.DataFrame:
    """Figures of councils and England from tables found by their titles, in columns found by their headings (see `table_columns`).

    `series` is the title of a table of England by year: gross current expenditure in cash. LayoutError for a title or a heading that is
    missing or stands twice, a row with numbers that is of no known area, and councils or regions that do not make England.
    """
    ledger = ledger or Ledger()
    book = open_workbook(content)
    wanted = table_columns(columns, financial_year)
    titles = {visible(w.title) for w in wanted} | ({series.replace("<year>", financial_year)} if series else set())
    tables = _tables(book, titles)
    ledger.sheets(book.sheet_names, [sheet for sheet, _ in tables.values()])
    figures: list[dict[str, object]] = []
    for column in wanted:
        figures += _column_figures(*tables[visible(column.title)], column, ledger)
    frames = [figures_frame(figures)]
    if series:
        frames.append(_gross_by_year(*tables[series.replace("<year>", financial_year)], ledger))
    return pd.concat(frames, ignore_index=True)


def _tables(book: Workbook, titles: Collection[str]) -> dict[str, tuple[str, list[list[Any]]]]:
    """Title -> (sheet, rows): tables are numbered anew each year, so they are known by what they are called."""
    found: dict[str, list[tuple[str, list[list[Any]]]]] = {title: [] for title in titles}
    others: list[str] = []
    for sheet in book.sheet_names:
        rows = book.rows(sheet)
        cells = (visible(row[0]) for row in rows[:TITLE_WITHIN] if row)
        title = next((match[1] for cell in cells if (match := re.match(r"Table \d+[a-z]?: (.+)", cell))), "")
        if title in found:
            found[title].append((sheet, rows))
        elif title:
            others.append(title)
    for title, sheets in found.items():
        if len(sheets) != 1:
            near = get_close_matches(title, others, 1)
            raise LayoutError(
                f"{len(sheets)} tables with the title {title!r}"
                + (f"; there is {near[0]!r}" if near else f"; there are {others[:5]}")
            )
    return {title: sheets[0] for title, sheets in found.items()}


def _column_figures(sheet: str, rows: list[list[Any]], column: TableColumn, ledger: Ledger) -> list[dict[str, object]]:
    """The figures of one column, of councils and England; regions are held against England."""
    head = next((n for n, row in enumerate(rows[:TITLE_WITHIN]) if [visible(c) for c in row[:3]] == list(AREA_HEADINGS)), None)
    if head is None:
        raise LayoutError(f"sheet {sheet!r}: no header row {', '.join(AREA_HEADINGS)}")
    first = next(
        (n for n in range(head + 1, len(rows)) if as_code(rows[n][0]) or len(as_code(rows[n][3])) == len(ENGLAND)), len(rows)
    )
    paths = {c: _headings(rows[head:first], c) for c in range(len(AREA_HEADINGS) + 2, len(rows[head]))}
    places = [_the_column(paths, (*column.headings[:-1], name), sheet) for name in (column.headings[-1], *column.less)]
    by_path = {path: c for c, path in paths.items()}
    upper, name = column.headings[:-1], column.headings[-1].removesuffix(PER_ADULTS)
    rated = [by_path.get((*upper, heading)) for heading in (name + PER_ADULTS, name, "Population")]
    figures: list[dict[str, object]] = []
    parts: dict[str, list[float | None]] = {"regions": [], "councils": []}
    england: tuple[float | None, str] = (None, "")
    for number, row in ledger.each(rows[first:], first, f"sheet {sheet!r}"):
        if not has_number([row[c] for c in places]) and not COUNCIL.fullmatch(as_code(row[0])):
            continue
        where, value, mark = _value(row, places, sheet, number, ledger)
        _rate_follows(row, rated, f"{sheet}, row {number + 1}", column.unit, ledger)
        if visible(row[1]) or visible(row[2]) or as_code(row[0]):
            code = as_code(row[0])
            if not COUNCIL.fullmatch(code):
                raise LayoutError(f"{sheet}!A{number + 1}: {str(row[0])[:40]!r} is no code of a council ({visible(row[2])})")
            parts["councils"].append(value)
        elif as_code(row[3]) == ENGLAND or visible(row[4]) == "England":
            code, england = ENGLAND, (value, where)
        elif re.fullmatch(r"E12\d{6}|[A-Z]( ?\([A-Z]{2}\))?", visible(row[3])):
            if as_code(row[3]).startswith("E12"):
                parts["regions"].append(value)
            ledger.skip("regions and types of council")
            continue
        else:
            raise LayoutError(f"sheet {sheet!r}, row {number + 1}: numbers of no known area: {[visible(c) for c in row[:6]]}")
        ledger.read()
        figures.append(
            {
                "framework": "salt" if column.item.startswith(("st_max", "long_term_clients")) else "ascfr",
                "financial_year": column.financial_year,
                "period": column.financial_year,
                "area_code": code,
                "item": column.item,
                "breakdown": column.breakdown,
                "unit": column.unit,
                "value": value,
                "mark": mark,
                "locator": where,
            }
        )
    if column.unit in SUMMED:
        for kind, values in parts.items():
            within = SUMMED[column.unit] * (len(values) + 1) * len(places)
            ledger.total(england[1], england[0], values, within, f"the sum of its {kind}")
    return figures


def _rate_follows(row: Sequence[Any], rated: Sequence[int | None], where: str, unit: str, ledger: Ledger) -> None:
    """Where a table has an amount, the population and the rate of one by the other, the rate follows from the two."""
    if any(column is None for column in rated):
        return
    rate, amount, people = (ledger.value(row[column], where)[0] for column in rated if column is not None)
    if rate is not None and amount is not None and people:
        rounded = SUMMED["count"] * PER / people if unit != "gbp_thousand" else 0.0
        within = SUMMED["count"] * (unit != "gbp_thousand") + rounded + 0.5
        ledger.same(where, rate, amount / people * PER, within, "the amount by the population")


def _gross_by_year(sheet: str, rows: list[list[Any]], ledger: Ledger, first_year: str = "2015-16") -> pd.DataFrame:
    """England's gross current expenditure in cash by year (GBP thousand), `first_year` and later. LayoutError for other headings or a gap."""
    head = next((n for n, row in enumerate(rows[:12]) if visible(row[0]) == "Year"), None)
    if head is None or [visible(c) for c in rows[head]] != ["Year", "Cash Terms", "Real Terms"]:
        raise LayoutError(f"sheet {sheet!r}: no header row Year, Cash Terms, Real Terms")
    figures: list[dict[str, object]] = []
    for number, row in ledger.each(rows[head + 1 :], head + 1, f"sheet {sheet!r}"):
        year = visible(row[0])
        if year.startswith("Percentage change"):
            ledger.skip("changes from year to year")
        if not re.fullmatch(r"\d{4}-\d{2}", year):
            continue
        if year < first_year:
            ledger.skip("years before the index")
            continue
        where = f"{sheet}!{cell_name(number, 1)}"
        value, mark = ledger.value(row[1], where)
        ledger.read()
        figures.append(
            {
                "framework": "ascfr",
                "financial_year": year,
                "period": year,
                "area_code": ENGLAND,
                "item": "gross_current_expenditure_series",
                "breakdown": "total",
                "unit": "gbp_thousand",
                "value": value,
                "mark": mark,
                "locator": where,
            }
        )
    years = [int(str(f["financial_year"])[:4]) for f in figures]
    if not years or years != list(range(years[0], years[0] + len(years))):
        raise LayoutError(f"sheet {sheet!r}: the years from {first_year} have a gap: {years}")
    return figures_frame(figures)


def _value(row: Sequence[Any], places: Sequence[int], sheet: str, number: int, ledger: Ledger) -> tuple[str, float | None, str]:
    """Where the figure stands, its value or its mark. A difference with a part that is marked has that mark and no value."""
    cells = [f"{sheet}!{cell_name(number, column)}" for column in places]
    read = [ledger.value(row[column], cell) for column, cell in zip(places, cells, strict=True)]
    where = " less ".join(cells)
    marks = [mark for value, mark in read if value is None]
    if marks:
        return where, None, marks[0] or BLANK
    numbers = [value for value, _ in read if value is not None]
    return where, numbers[0] - sum(numbers[1:]), ""


def _headings(rows: Sequence[Sequence[Any]], column: int) -> tuple[str, ...]:
    """What stands above a column, downwards; a cell that is blank has the text to its left (merged cells), but the lowest stands alone."""
    found = []
    for row in rows:
        text = next((t for c in range(column, len(AREA_HEADINGS) + 1, -1) if (t := visible(row[c]))), "")
        if text:
            found.append(text)
    return tuple(found)


def _the_column(paths: Mapping[int, tuple[str, ...]], wanted: tuple[str, ...], sheet: str) -> int:
    found = [column for column, path in paths.items() if path == wanted]
    if len(found) != 1:
        there = "; ".join(" > ".join(path) for path in dict.fromkeys(paths.values()))
        raise LayoutError(f"sheet {sheet!r}: {len(found)} columns headed {' > '.join(wanted)}; there are {there[:600]}")
    return found[0]
