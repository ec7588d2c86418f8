"""DHSC, Measures from the Adult Social Care Outcomes Framework: tables of the 2024-25 workbook that hold a series of years.

One sheet a measure (`Table_3d(1a)` is measure 3D1A), header in the row that starts `Local authority code`, and for each year a column
each of `margin of error`, `number of respondents` (or numerator, denominator) and `outcome`. Sheets of one year by demographic group
have another header and are not read here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, open_workbook, value_or_mark

FIRST_HEADINGS = ("local authority code", "local authority", "ons area code")
COLUMN = re.compile(
    r"^(\d{4}) to (\d{4}) - (?:(.+) )?(margin of error|number of respondents|numerator|denominator|outcome)$", re.IGNORECASE
)
STATISTICS = {
    "margin of error": "margin_of_error",
    "number of respondents": "respondents",
    "numerator": "numerator",
    "denominator": "denominator",
    "outcome": "outcome",
}
REVISED = re.compile(r"^([^ ()]+) \(([^ ()]+)\)$")


SERIES_FIRST_MARGINS = "2017-18"
CARERS_SURVEY_BEFORE = "2016-17"
"""The carers' survey before the first ranked year, which carries its values forward; no other edition at hand holds it."""


def read_index_series(
    content: bytes, financial_year: str, margins: Sequence[str], denominators: Sequence[str], carers: Sequence[str] = ()
) -> pd.DataFrame:
    """What the index takes from the workbook of `financial_year`: its outcomes, the bases of measures in `denominators`, for all years from
    2017-18 the margins of error of the surveys in `margins` and `carers`, and the carers' outcomes and margins of 2016-17. Regions and
    ratings (6B) are left out; other years have editions of their own.
    """
    figures = read_ascof_time_series(content, ("margin_of_error", "denominator", "outcome"))
    year, item = figures["financial_year"], figures["item"]
    errors = [f"{code}_margin_of_error" for code in (*margins, *carers)]
    of_margin = item.isin(errors) & year.between(SERIES_FIRST_MARGINS, financial_year)
    before = (year == CARERS_SURVEY_BEFORE) & item.isin([*carers, *(f"{code}_margin_of_error" for code in carers)])
    outcomes = (year == financial_year) & ~item.str.endswith(("_margin_of_error", "_denominator"))
    bases = (year == financial_year) & item.isin([f"{code}_denominator" for code in denominators])
    kept = (of_margin | before | outcomes | bases) & ~item.str.startswith("6B") & ~figures["area_code"].str.startswith("E12")
    # A cell left empty belongs to a council that was not yet, or no longer, there.
    return figures[kept & ~(figures["value"].isna() & figures["mark"].isin(["", "[z]"]))].reset_index(drop=True)


def read_ascof_time_series(content: bytes, statistics: tuple[str, ...] = tuple(STATISTICS.values())) -> pd.DataFrame:
    """Figures of councils and England: item is the measure's code, with `_margin_of_error`, `_numerator` and so on for those.

    A cell such as `7.7 (7.6)` holds two figures, the second on another footing: the first is taken. Raises LayoutError when no sheet
    has the layout, and at a cell that is neither a number nor a mark.
    """
    book = open_workbook(content)
    figures: list[dict[str, object]] = []
    for sheet in book.sheet_names:
        if not sheet.lower().startswith("table_"):
            continue
        rows = book.rows(sheet)
        head = next((n for n, row in enumerate(rows[:12]) if _is_header(row)), None)
        if head is None:
            continue
        code = re.sub(r"[()]", "", re.sub(r"(?i)^table_", "", sheet)).upper()
        columns = _columns(rows[head], sheet, statistics)
        for number, row in enumerate(rows[head + 1 :], start=head + 1):
            area = str(row[2]).strip()
            if not area.startswith("E"):
                continue  # types of council and regions' totals have [z]
            for column, (year, part, statistic) in columns.items():
                where = f"{sheet}!{cell_name(number, column)}"
                two = REVISED.match(str(row[column]).strip())
                value, mark = value_or_mark(two[1] if two else row[column], where)
                figures.append(
                    {
                        "framework": "ascof_2023",
                        "financial_year": year,
                        "period": year,
                        "area_code": area,
                        "item": "_".join(word for word in (code, part, "" if statistic == "outcome" else statistic) if word),
                        "breakdown": "total",
                        "unit": unit(code) if statistic in ("outcome", "margin_of_error") else "count",
                        "value": value,
                        "mark": mark,
                        "locator": where,
                    }
                )
    if not figures:
        raise LayoutError(f"no sheet with a header row {', '.join(FIRST_HEADINGS)}; sheets are {', '.join(book.sheet_names)}")
    return figures_frame(figures)


def unit(code: str) -> str:
    """The unit of a measure of the framework in force from 2023-24."""
    return {"1A": "score", "1B": "score", "1C": "score", "2B": "per_100k", "2C": "per_100k"}.get(code, "pct")


def _is_header(row: Sequence[object]) -> bool:
    return tuple(str(c).strip().lower() for c in row[:3]) == FIRST_HEADINGS


def _columns(header: Sequence[object], sheet: str, statistics: tuple[str, ...]) -> dict[int, tuple[str, str, str]]:
    """Column -> (financial year, part of the measure or '', statistic) of the statistics asked for. LayoutError for a heading that is none known."""
    found = {}
    for position, cell in enumerate(header[3:], start=3):
        text = " ".join(str(cell).split())
        match = COLUMN.match(text)
        if not match:
            raise LayoutError(f"sheet {sheet!r}, column {position}: heading {text!r} is not '<year> to <year> - <statistic>'")
        statistic = STATISTICS[match[4].lower()]
        if statistic in statistics:
            part = (match[3] or "").lower().replace(" ", "_")
            found[position] = (f"{match[1]}-{match[2][2:]}", part, statistic)
    return found
