"""OHID Fingertips: the CSV its API serves for indicators, columns found by name.

England and regions repeat once for each parent area, and inequality rows have a Category Type: both are taken once or left out.
"""

from __future__ import annotations

import re

import pandas as pd

from orchestration.figures import BLANK, figures_frame
from orchestration.readers.cells import LayoutError, csv_rows, csv_table
from orchestration.readers.ledger import Ledger, as_code

COLUMNS = ("Indicator ID", "Area Code", "Sex", "Age", "Category Type", "Time period", "Value", "Value note")
LIMITS = ("Lower CI 95.0 limit", "Upper CI 95.0 limit")


def read_fingertips(content: bytes, *, ledger: Ledger | None = None) -> pd.DataFrame:
    """Rates of persons of all categories together, by area and financial year (time periods such as 2017/18).

    LayoutError for a heading that is missing, new or said twice, for two different values for one area, indicator and year, and for a
    value outside its own confidence limits. A blank value keeps the publisher's note as its mark.
    """
    ledger = ledger or Ledger()
    header = next(csv_rows(content))[1]
    ledger.headings(header, {name: [name] for name in COLUMNS}, "header")
    limits = [name for name in LIMITS if name in header]
    table = csv_table(content, [*COLUMNS, *limits])
    seen: dict[tuple[str, str, str], tuple[str, ...]] = {}
    figures: list[dict[str, object]] = []
    for number, cells in ledger.each(table.to_numpy().tolist(), 1, "CSV"):
        row = dict(zip(table.columns, cells, strict=True))
        where = f"line {number + 1}, Value"
        if row["Category Type"]:
            ledger.skip("inequalities within an area")
            continue
        if row["Sex"] != "Persons":
            ledger.skip("one sex")
            continue
        area = as_code(row["Area Code"])
        if not re.fullmatch(r"E(06|08|09|10|12|92)\d{6}", area):
            code = ledger.area(row["Area Code"], f"line {number + 1}, Area Code")
            if code is None:
                continue
            area = code
        key = row["Indicator ID"], area, row["Time period"]
        said = tuple(row[c] for c in ("Age", "Value", "Value note"))
        if key in seen:
            if seen[key] != said:
                raise LayoutError(f"line {number + 1}: two values for {', '.join(key)}: {seen[key]} and {said}")
            ledger.skip("repeated for another parent area")
            continue
        seen[key] = said
        start, _, end = row["Time period"].partition("/")
        if not (re.fullmatch(r"\d{4}", start) and re.fullmatch(r"\d{2}", end)):
            raise LayoutError(f"time period {row['Time period']!r} of {area}: expected a financial year such as 2017/18")
        year = f"{start}-{end}"
        value, _ = ledger.value(row["Value"], where)
        if value is not None and len(limits) == len(LIMITS):
            low, high = (ledger.value(row[c], f"line {number + 1}, {c}")[0] for c in limits)
            if low is not None and high is not None:
                ledger.same(where, value, min(max(value, low), high), 1e-6, f"the nearest within {low:g} to {high:g}")
        ledger.read()
        figures.append(
            {
                "framework": "fingertips",
                "financial_year": year,
                "period": year,
                "area_code": area,
                "item": row["Indicator ID"],
                "breakdown": "total",
                "unit": "per_100k",
                "value": value,
                "mark": "" if value is not None else row["Value note"] or row["Value"] or BLANK,
                "locator": f"row: {row['Indicator ID']}, {area}, {row['Time period']}, Persons",
            }
        )
    return figures_frame(figures)
