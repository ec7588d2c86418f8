"""DHSC, Measures from the Adult Social Care Outcomes Framework: tables of the 2024-25 workbook that hold a series of years.

One sheet a measure (`Table_3d(1a)` is measure 3D1A), header in the row that starts `Local authority code`, and for each year a column
each of `margin of error`, `number of respondents` (or numerator, denominator) and `outcome`. Sheets of one year by demographic group
have another header and are not read here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence

import pandas as pd

from orchestration.figures import BLANK, figures_frame
from orchestration.readers.ascof_open_data import outcomes_follow
from orchestration.readers.cells import LayoutError, cell_name, open_workbook
from orchestration.readers.ledger import ENGLAND, Ledger, as_code, has_number, visible

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
TABLE = re.compile(r"(?i)^table[_ ]?(\d ?[a-z] ?(?:\(\d[a-z]?\))?)$")
NOT_APPLICABLE = "[z]"
"""What types of council have for a code."""
REGIONS = 9
ROUNDED_TO = 5
REVISED = re.compile(r"^([^ ()]+) \(([^ ()]+)\)$")


SERIES_FIRST_MARGINS = "2017-18"
CARERS_SURVEY_BEFORE = "2016-17"
"""The carers' survey before the first ranked year, which carries its values forward; no other edition at hand holds it."""


def read_index_series(
    content: bytes,
    financial_year: str,
    *,
    margins: Sequence[str],
    denominators: Sequence[str],
    carers: Sequence[str] = (),
    measures: Sequence[str] = (),
    ledger: Ledger | None = None,
) -> pd.DataFrame:
    """What the index takes from the workbook of `financial_year`: its outcomes, the bases of measures in `denominators`, for all years from
    2017-18 the margins of error of the surveys in `margins` and `carers`, and the carers' outcomes and margins of 2016-17. Regions and
    ratings (6B) are left out; other years have editions of their own. `measures` are those that must each have a sheet, and no other may;
    every sheet ends with `financial_year`.
    """
    figures = read_ascof_time_series(
        content, ("margin_of_error", "denominator", "outcome"), measures, financial_year, ledger=ledger
    )
    year, item = figures["financial_year"], figures["item"]
    errors = [f"{code}_margin_of_error" for code in (*margins, *carers)]
    of_margin = item.isin(errors) & year.between(SERIES_FIRST_MARGINS, financial_year)
    before = (year == CARERS_SURVEY_BEFORE) & item.isin([*carers, *(f"{code}_margin_of_error" for code in carers)])
    outcomes = (year == financial_year) & ~item.str.endswith(("_margin_of_error", "_denominator"))
    bases = (year == financial_year) & item.isin([f"{code}_denominator" for code in denominators])
    kept = (of_margin | before | outcomes | bases) & ~item.str.startswith("6B") & ~figures["area_code"].str.startswith("E12")
    # Nothing is not a figure where nothing could be: a council or a measure of which the year has none, and whatever had none before.
    empty = figures["value"].isna() & figures["mark"].isin([BLANK, NOT_APPLICABLE])
    of_council, of_measure = ((~empty).groupby([figures[by], year]).transform("any") for by in ("area_code", "item"))
    there = ~empty | ((year == financial_year) & of_council & of_measure)
    return figures[kept & there].reset_index(drop=True)


def read_ascof_time_series(
    content: bytes,
    statistics: tuple[str, ...] = tuple(STATISTICS.values()),
    measures: Sequence[str] = (),
    last_year: str = "",
    *,
    ledger: Ledger | None = None,
) -> pd.DataFrame:
    """Figures of councils, regions and England: item is the measure's code, with `_margin_of_error`, `_numerator` and so on for those.

    A cell such as `7.7 (7.6)` holds two figures, the second on another footing: the first is taken. Raises LayoutError when a sheet of a
    measure has another layout, another title or another last year, a heading is missing, new or said twice, a measure has no sheet or two,
    a cell is neither a number nor a mark, and when regions do not make England.
    """
    ledger = ledger or Ledger()
    book = open_workbook(content)
    tables = {sheet: _code(match[1]) for sheet in book.sheet_names if (match := TABLE.match(visible(sheet)))}
    ledger.sheets(book.sheet_names, list(tables))
    found = sorted(tables.values())
    if not tables or len(set(found)) != len(found) or (measures and found != sorted(measures)):
        raise LayoutError(
            f"expected a sheet Table_<measure> for each of {', '.join(sorted(measures)) or 'the measures'}; sheets are "
            f"{', '.join(book.sheet_names)}. If a measure is new or has ended, say so in `measures` of the layout."
        )
    figures: list[dict[str, object]] = []
    for sheet, code in tables.items():
        rows = book.rows(sheet)
        head = next((n for n, row in enumerate(rows[:12]) if _is_header(row)), None)
        if head is None:
            starts = [[visible(c) for c in row[:3]] for row in rows[3:8]]
            raise LayoutError(f"sheet {sheet!r}: no header row {', '.join(FIRST_HEADINGS)}; rows 4 to 8 begin {starts}")
        title = TABLE.match(visible(rows[0][0]).split(":")[0])
        if title is None or _code(title[1]) != code:
            raise LayoutError(f"sheet {sheet!r}: its title should be of Table {code}; it is {visible(rows[0][0])[:80]!r}")
        columns = _columns(rows[head], sheet, last_year)
        for number, row in ledger.each(rows[head + 1 :], head + 1, f"sheet {sheet!r}"):
            if not has_number(row[3:]) and not visible(row[2]):
                continue
            name = visible(row[1]) if visible(row[2]) == NOT_APPLICABLE else ""
            area = as_code(row[2])
            if not re.fullmatch(r"E12\d{6}", area):
                found_area = ledger.area(row[2], f"{sheet}!{cell_name(number, 2)}", name)
                if found_area is None:
                    continue
                area = found_area
            ledger.read()
            for column, (year, part, statistic) in columns.items():
                where = f"{sheet}!{cell_name(number, column)}"
                two = REVISED.match(str(row[column]).strip())
                value, mark = ledger.value(two[1] if two else row[column], where)
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
    whole = figures_frame(figures)
    _regions_make_england(whole, ledger)
    for _, of_year in whole.groupby("financial_year"):
        outcomes_follow(of_year, ledger)
    wanted = tuple(f"_{s}" for s in STATISTICS.values() if s != "outcome" and s not in statistics)
    return whole[~whole["item"].str.endswith(wanted)].reset_index(drop=True) if wanted else whole


def _regions_make_england(figures: pd.DataFrame, ledger: Ledger) -> None:
    """Counts of the nine regions add up to England's, rounded to five each; England's outcome lies among the regions'."""
    for (_, _), rows in figures.groupby(["item", "financial_year"]):
        england = rows[rows["area_code"] == ENGLAND]
        regions = rows[rows["area_code"].str.startswith("E12")]
        if len(england) != 1 or len(regions) != REGIONS:
            raise LayoutError(
                f"{rows['locator'].iloc[0]}: {len(england)} rows of England and {len(regions)} of regions in its sheet"
            )
        stated, values, where = england["value"].iloc[0], list(regions["value"]), str(england["locator"].iloc[0])
        if rows["unit"].iloc[0] == "count":
            ledger.total(where, stated, values, ROUNDED_TO / 2 * (REGIONS + 1), "the sum of the regions")
        elif not pd.isna([stated, *values]).any() and not rows["item"].iloc[0].endswith("_margin_of_error"):
            ledger.same(where, stated, min(max(stated, min(values)), max(values)), 1e-9, "the nearest outcome of a region")


def unit(code: str) -> str:
    """The unit of a measure of the framework in force from 2023-24."""
    return {"1A": "score", "1B": "score", "1C": "score", "2B": "per_100k", "2C": "per_100k"}.get(code, "pct")


def _is_header(row: Sequence[object]) -> bool:
    return tuple(str(c).strip().lower() for c in row[:3]) == FIRST_HEADINGS


def _columns(header: Sequence[object], sheet: str, last_year: str) -> dict[int, tuple[str, str, str]]:
    """Column -> (financial year, part of the measure or '', statistic).

    LayoutError for a heading that is none known or stands twice, a year that lacks a statistic the others have, years with a gap, and a
    last year that is not `last_year`.
    """
    found: dict[int, tuple[str, str, str]] = {}
    for position, cell in enumerate(header[3:], start=3):
        text = visible(cell)
        match = COLUMN.match(text)
        if not match or int(match[2]) != int(match[1]) + 1:
            raise LayoutError(f"sheet {sheet!r}, column {position}: heading {text!r} is not '<year> to <year> - <statistic>'")
        part = (match[3] or "").lower().replace(" ", "_")
        means = (f"{match[1]}-{match[2][2:]}", part, STATISTICS[match[4].lower()])
        if means in found.values():
            raise LayoutError(f"sheet {sheet!r}, column {position}: heading {text!r} stands twice")
        found[position] = means
    years = sorted({year for year, _, _ in found.values()})
    kinds = {year: {(part, statistic) for y, part, statistic in found.values() if y == year} for year in years}
    bare = next((y for y in years if {"outcome"} != {s for p, s in kinds[y] if s == "outcome"} or _unpaired(kinds[y])), None)
    uneven = bare or next((year for year in years if kinds[year] != kinds[years[-1]]), None)
    gap = next((a for a, b in itertools.pairwise(years) if int(b[:4]) != int(a[:4]) + 1), None)
    if not years or uneven or gap or (last_year and years[-1] != last_year):
        reason = (
            f"{bare} lacks an outcome, or a numerator its denominator"
            if bare
            else f"{uneven} has other columns than {years[-1]}"
            if uneven
            else f"no column of the year after {gap}"
            if gap
            else f"the last year is {years[-1] if years else 'none'}; expected {last_year}"
        )
        raise LayoutError(f"sheet {sheet!r}: {reason}; headings are {', '.join(visible(c) for c in header[3:])[:400]}")
    return found


def _unpaired(kinds: Collection[tuple[str, str]]) -> bool:
    """Whether a part of a measure has a numerator without a denominator, or either without an outcome, or a margin without respondents."""
    parts = {part: {s for p, s in kinds if p == part} for part, _ in kinds}
    return any(
        "outcome" not in said
        or ("numerator" in said) != ("denominator" in said)
        or ("margin_of_error" in said) != ("respondents" in said)
        for said in parts.values()
    )


def _code(text: str) -> str:
    return re.sub(r"[()\s]", "", text).upper()
