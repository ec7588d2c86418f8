"""OHID Fingertips: the CSV its API serves for indicators, columns found by name.

England and regions repeat once for each parent area, and inequality rows have a Category Type: both are taken once or left out.
"""

from __future__ import annotations

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, csv_table, value_or_mark

COLUMNS = ("Indicator ID", "Area Code", "Sex", "Age", "Category Type", "Time period", "Value", "Value note")


def read_fingertips(content: bytes) -> pd.DataFrame:
    """Rates of persons of all categories together, by area and financial year (time periods such as 2017/18).

    LayoutError names missing columns, and two different values for one area, indicator and year. A blank value keeps the
    publisher's note as its mark.
    """
    table = csv_table(content, COLUMNS)
    table = table[(table["Category Type"] == "") & (table["Sex"] == "Persons") & table["Area Code"].str.startswith("E")]
    table = table[["Indicator ID", "Area Code", "Age", "Time period", "Value", "Value note"]].drop_duplicates()
    key = ["Indicator ID", "Area Code", "Time period"]
    twice = table[table.duplicated(key, keep=False)]
    if len(twice):
        raise LayoutError(f"two values for {twice.iloc[0][key].to_dict()}")
    figures: list[dict[str, object]] = []
    for row in table.to_dict("records"):
        start, _, end = str(row["Time period"]).partition("/")
        if not (start.isdigit() and end.isdigit()):
            raise LayoutError(
                f"time period {row['Time period']!r} of {row['Area Code']}: expected a financial year such as 2017/18"
            )
        year = f"{start}-{end}"
        value, _ = value_or_mark(row["Value"], f"{row['Area Code']}, {row['Time period']}, Value")
        figures.append(
            {
                "framework": "fingertips",
                "financial_year": year,
                "period": year,
                "area_code": row["Area Code"],
                "item": row["Indicator ID"],
                "breakdown": "total",
                "unit": "per_100k",
                "value": value,
                "mark": "" if value is not None else row["Value note"] or row["Value"] or "(blank)",
                "locator": f"row: {row['Indicator ID']}, {row['Area Code']}, {row['Time period']}, Persons",
            }
        )
    return figures_frame(figures)
