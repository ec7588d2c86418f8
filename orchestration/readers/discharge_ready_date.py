"""NHS England, discharge ready date: the monthly CSV (September 2023 on), rows of upper-tier councils.

The file does not say which month it is of: the caller does. Rates of councils are computed from counts and never taken, because the
published ones leave out trusts whose data were not acceptable; the share of discharges from acceptable trusts is kept beside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, csv_table, value_or_mark
from orchestration.readers.delayed_transfers import financial_year_of

COLUMNS = ("Data Type", "Upper Tier Local Authority Code", "Measure", "Value")
COUNCIL_ROWS = "UTLA Aggregate"
FRAMEWORK = "discharge_ready_date"


def read_discharge_ready_date(content: bytes, year: int, month: int) -> pd.DataFrame:
    """Every measure of every council in one month; `item` is the measure's words as a name.

    LayoutError names missing columns, says when there is no council, and refuses a council that has a measure twice.
    """
    table = csv_table(content, COLUMNS)
    table = table.assign(line=range(2, len(table) + 2))
    rows = table[table["Data Type"].str.strip() == COUNCIL_ROWS]
    if rows.empty:
        raise LayoutError(f"no row with Data Type {COUNCIL_ROWS!r}; found {', '.join(sorted(set(table['Data Type'])))}")
    rows = rows[rows["Upper Tier Local Authority Code"].str.strip().str.fullmatch(r"E(06|08|09|10)\d{6}")]
    twice = rows[rows.duplicated(["Upper Tier Local Authority Code", "Measure"])]
    if len(twice):
        raise LayoutError(f"line {twice.iloc[0]['line']}: {twice.iloc[0]['Measure']!r} stands twice for its council")
    financial_year = financial_year_of(year, month)
    figures = []
    for row in rows.to_dict("records"):
        where = f"line {row['line']}"
        value, mark = value_or_mark(row["Value"].rstrip("%"), where)
        figures.append(
            {
                "framework": FRAMEWORK,
                "financial_year": financial_year,
                "period": f"{year}-{month:02d}",
                "area_code": row["Upper Tier Local Authority Code"].strip(),
                "item": item_name(row["Measure"]),
                "breakdown": "total",
                "unit": "pct" if "%" in row["Measure"] else "count",
                "value": value,
                "mark": mark,
                "locator": where,
            }
        )
    return figures_frame(figures)


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
