"""NHS Digital and NHS England, Measures from the Adult Social Care Outcomes Framework: the time series annex of the framework to 2022-23.

One sheet a measure (`2B(1)`), a few lines of title, then for each year a column each of numerator, denominator and outcome. The year stands
in the heading itself or, merged, in the row above; columns are found by both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.ascof_open_data import AREAS, regions_make_england, unit
from orchestration.readers.cells import LayoutError, cell_name, open_workbook
from orchestration.readers.ledger import Ledger, as_code, visible

SHEET = re.compile(r"^\d[A-Z](\(\d[A-Z]?\))?(\d[A-Z]?)?$")
STATISTICS = {"numerator": "_numerator", "denominator": "_denominator", "outcome": ""}
YEAR = re.compile(r"(20\d\d)\s*[-/–]\s*(?:20)?(\d\d)\b")
HEADER_WITHIN = 12


def read_ascof_annex(
    content: bytes, financial_year: str = "", framework: str = "ascof_2014", *, ledger: Ledger | None = None
) -> pd.DataFrame:
    """Numerators, denominators and outcomes of every measure and year, councils, regions and England.

    LayoutError when no sheet is named after a measure, or one is that the layout does not know, when a sheet has no heading with Outcome
    and a year, two columns of one year and statistic, or another last year than `financial_year`, and for a cell that is neither a number
    nor a mark, a row of no known area, or regions that do not make England.
    """
    ledger = ledger or Ledger()
    book = open_workbook(content)
    figures: list[dict[str, object]] = []
    sheets = [s for s in book.sheet_names if SHEET.match(s.strip().upper().replace(" ", ""))]
    if not sheets:
        raise LayoutError(f"no sheet named after a measure such as 2B(1); found {', '.join(map(repr, book.sheet_names))}")
    ledger.sheets(book.sheet_names, sheets)
    for sheet in sheets:
        code = re.sub(r"[()\s]", "", sheet).upper()
        rows = book.rows(sheet)
        head, columns = _columns(rows, sheet)
        for number, row in ledger.each(rows[head + 1 :], head + 1, f"sheet {sheet!r}"):
            area = next((as_code(c) for c in row[:6] if AREAS.match(as_code(c))), None)
            if area is None:
                if any(re.fullmatch(p, visible(c), re.IGNORECASE) for p in ledger.unused_rows for c in row[:6] if visible(c)):
                    ledger.skip("types of council")
                continue
            ledger.read()
            for column, (year, statistic) in columns.items():
                where = f"{sheet}!{cell_name(number, column)}"
                value, mark = ledger.value(row[column], where)
                figures.append(
                    {
                        "framework": framework,
                        "financial_year": year,
                        "period": year,
                        "area_code": area,
                        "item": code + statistic,
                        "breakdown": "total",
                        "unit": "count" if statistic else unit(framework, code),
                        "value": value,
                        "mark": mark,
                        "locator": where,
                    }
                )
    found = figures_frame(figures)
    years = set(found["financial_year"])
    if financial_year and max(years, default="") != financial_year:
        raise LayoutError(f"its years are {', '.join(sorted(years))}; the last should be {financial_year}")
    for _, rows_of in found.groupby("financial_year"):
        regions_make_england(rows_of, ledger)
    return found


def _columns(rows: Sequence[Sequence[object]], sheet: str) -> tuple[int, dict[int, tuple[str, str]]]:
    """The header's row, and column -> (financial year, suffix of the statistic)."""
    for head, row in enumerate(rows[:HEADER_WITHIN]):
        words = [str(c).strip().lower() for c in row]
        if not any("outcome" in w for w in words):
            continue
        columns: dict[int, tuple[str, str]] = {}
        above = ""
        for column, word in enumerate(words):
            if head and (found := YEAR.search(str(rows[head - 1][column]))):
                above = f"{found[1]}-{found[2]}"
            statistic = next((s for s in STATISTICS if s in word), None)
            if statistic is None:
                continue
            own = YEAR.search(word)
            year = f"{own[1]}-{own[2]}" if own else above
            if not year or (year, STATISTICS[statistic]) in columns.values():
                raise LayoutError(
                    f"sheet {sheet!r}, {cell_name(head, column)}: {word!r} has no year of its own; above stands {year or 'none'}"
                )
            columns[column] = (year, STATISTICS[statistic])
        return head, columns
    raise LayoutError(f"sheet {sheet!r}: no heading with Outcome in the first {HEADER_WITHIN} rows")
