"""NHS England, discharge ready date: the monthly CSV (September 2023 on), rows of upper-tier councils.

The file does not say which month it is of: the caller does. Rates of councils are computed from counts and never taken, because the
published ones leave out trusts whose data were not acceptable; the share of discharges from acceptable trusts is kept beside them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, csv_rows, csv_table
from orchestration.readers.delayed_transfers import financial_year_of
from orchestration.readers.ledger import COUNCIL, Ledger, as_code, visible

COLUMNS = ("Data Type", "Upper Tier Local Authority Code", "Measure", "Value")
COUNCIL_ROWS = "UTLA Aggregate"
OTHER_ROWS = r"(?i)^(national|england|region(al)?|provider|trust|icb|system)\b"
"""How the data types of other rows begin."""
NO_COUNCIL = ("", "-", "UNKNOWN", "OTHER", "N/A")
PERIODS = ("period", "month", "reporting period")
"""Headings of columns that state the month, where there is one."""
FRAMEWORK = "discharge_ready_date"


def read_discharge_ready_date(content: bytes, year: int, month: int, *, ledger: Ledger | None = None) -> pd.DataFrame:
    """Every measure of every council in one month; `item` is the measure's words as a name.

    LayoutError for a heading that is missing, new or said twice, when there is no council, for a council that has a measure twice or
    lacks one the others have, for a data type that is not known, and for a month in the file that is another.
    """
    ledger = ledger or Ledger()
    header = next(csv_rows(content))[1]
    ledger.headings(header, {name: [name] for name in COLUMNS}, "header")
    table = csv_table(content, [*COLUMNS, *(h for h in header if visible(h).casefold() in PERIODS)])
    financial_year = financial_year_of(year, month)
    figures: list[dict[str, object]] = []
    kinds: set[str] = set()
    seen: dict[tuple[str, str], int] = {}
    for number, cells in ledger.each(table.to_numpy().tolist(), 1, "CSV"):
        kind, code_cell, measure, cell, *said = (visible(c) for c in cells)
        kinds.add(kind)
        line = number + 1
        for period in said:
            _same_month(period, year, month, line)
        if kind != COUNCIL_ROWS:
            if not re.search(OTHER_ROWS, kind):
                raise LayoutError(f"line {line}: Data Type {kind!r} is neither {COUNCIL_ROWS!r} nor another that is known")
            ledger.skip(f"rows of {kind}")
            continue
        area = as_code(code_cell)
        if not COUNCIL.fullmatch(area):
            if area in NO_COUNCIL:
                ledger.skip("discharges of no known council")
                continue
            raise LayoutError(f"line {line}: {code_cell!r} is no code of a council")
        if (area, measure) in seen:
            raise LayoutError(f"lines {seen[area, measure]} and {line}: {measure!r} stands twice for its council")
        seen[area, measure] = line
        value, mark = ledger.value(cell.removesuffix("%"), f"line {line}")
        ledger.read()
        figures.append(
            {
                "framework": FRAMEWORK,
                "financial_year": financial_year,
                "period": f"{year}-{month:02d}",
                "area_code": area,
                "item": item_name(measure),
                "breakdown": "total",
                "unit": "pct" if "%" in measure else "count",
                "value": value,
                "mark": mark,
                "locator": f"line {line}",
            }
        )
    if not figures:
        raise LayoutError(f"no row with Data Type {COUNCIL_ROWS!r}; found {', '.join(sorted(kinds))}")
    return figures_frame(figures)


def _same_month(said: str, year: int, month: int, line: int) -> None:
    """LayoutError when a cell that states the period names another month than the edition's."""
    for pattern in ("%B %Y", "%b %Y", "%b-%y", "%B-%Y", "%d/%m/%Y", "%Y-%m-%d", "%d-%b-%y", "%Y-%m"):
        try:
            found = dt.datetime.strptime(said, pattern).replace(tzinfo=dt.UTC)
        except ValueError:
            continue
        if (found.year, found.month) != (year, month):
            raise LayoutError(f"line {line}: it is of {found.year}-{found.month:02d}, not of {year}-{month:02d}")
        return


def item_name(measure: str) -> str:
    """'Total discharges (all)' -> 'total_discharges_all'; % becomes pct. LayoutError for a measure without a name."""
    name = re.sub(r"[^a-z0-9]+", "_", measure.lower().replace("%", " pct ")).strip("_")
    if not name:
        raise LayoutError(f"Measure {measure!r} has no name")
    return name


def year_sums(months: Sequence[pd.DataFrame], items: Mapping[str, str]) -> pd.DataFrame:
    """The twelve months of a year added up, for each council; a marked or missing month leaves the year marked.

    `items` has the name to give by the publication's own words (as `item_name` writes them). LayoutError unless the months are those of one financial year, or when an item is in none of them.
    """
    whole = pd.concat(months, ignore_index=True)
    periods = sorted(set(whole["period"]))
    if len(periods) != 12 or whole["financial_year"].nunique() != 1:
        raise LayoutError(f"a year needs its twelve months; these are {', '.join(periods)}")
    absent = [item for item in items if item not in set(whole["item"])]
    if absent:
        raise LayoutError(f"no measure {', '.join(absent)}; found {', '.join(sorted(set(whole['item'])))}")
    figures: list[dict[str, object]] = []
    for (area, item), rows in whole[whole["item"].isin(list(items))].groupby(["area_code", "item"]):
        marks = list(rows.loc[rows["value"].isna(), "mark"])
        mark = "" if len(rows) == 12 and not marks else (marks[0] if marks else "(month missing)")
        figures.append(
            {str(column): cell for column, cell in rows.iloc[0].items()}
            | {
                "area_code": area,
                "item": items[str(item)],
                "period": rows.iloc[0]["financial_year"],
                "value": None if mark else rows["value"].sum(),
                "mark": mark,
                "locator": "; ".join(f"{p} {where}" for p, where in zip(rows["period"], rows["locator"], strict=True)) + " (sum)",
            }
        )
    return figures_frame(figures)
