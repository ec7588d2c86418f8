"""NHS Digital, Adult Social Care Activity and Finance (PSS-EX1): the long tables of activity and additional data, one row a line of the return.

Each line has a number of its own, the same in every year (column `UUID`): that is the item here, because the labels of 2015-16 and the
numeric keys of 2016-17 name it differently. Amounts are GBP thousand; activity is a number of weeks, hours or clients, as the line says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, csv_rows, value_or_mark

AGE_BANDS = {
    "1": "18_to_64", "2": "65_and_over", "3": "65_to_74", "4": "75_to_84", "5": "85_and_over", "": "total", "-": "total",
    "Age 18 to 64": "18_to_64", "Age 65 and over": "65_and_over", "Age 65 to 74": "65_to_74", "Age 75 to 84": "75_to_84",
    "Age 85 and over": "85_and_over", "18 to 64": "18_to_64", "65 and Over": "65_and_over", "65 and over": "65_and_over", "99": "total",
}  # fmt: skip
AREA = ("GEOGRAPHY_CODE", "Geography_Code")
COUNCIL = ("CASSR_CODE", "Council Code")
REGION = ("REGION_GO_CODE",)
AGE = ("AgeBand_KEY", "AgeBand_Key", "AgeBand", "Age Bands", "Age Band")
VALUE = ("ItemValue", "ITEMVALUE", "Value")
ENDING = ("FY_Ending",)


def read_finance_lines(content: bytes, financial_year: str, unit: str, counts: Sequence[str] = ()) -> pd.DataFrame:
    """Every line of councils, regions and England; `unit` is that of all lines but `counts`, which are numbers of people.

    A council without an ONS code in the file is `cassr:<code>`. A total is the row that has a region's code and no council's. LayoutError
    for a missing column, a year that is not the one asked for, an age band that is not known, a cell that is neither number nor mark.
    """
    rows = csv_rows(content)
    header = next(rows)[1]
    line, age, value = (_one(header, names) for names in (("UUID",), AGE, VALUE))
    area, council, region, ending = (next((n for n in names if n in header), None) for names in (AREA, COUNCIL, REGION, ENDING))
    if area is None and council is None:
        raise LayoutError(f"no column {' or '.join(AREA + COUNCIL)}; found {', '.join(header)}")
    figures: list[dict[str, object]] = []
    for number, cells in rows:
        if len(cells) != len(header):
            raise LayoutError(f"line {number}: {len(cells)} cells under {len(header)} headings")
        row = dict(zip(header, cells, strict=True))
        where = f"line {number}, {value}"
        if ending and row[ending] != str(int(financial_year[:4]) + 1):
            raise LayoutError(
                f"line {number}: {ending} is {row[ending]!r}; {financial_year} ends in {int(financial_year[:4]) + 1}"
            )
        if row[age] not in AGE_BANDS:
            raise LayoutError(f"line {number}: age band {row[age]!r} is not known; known are {', '.join(AGE_BANDS)}")
        figure, mark = value_or_mark(row[value], where)
        figures.append(
            {
                "framework": "ascfr_line",
                "financial_year": financial_year,
                "period": financial_year,
                "area_code": _area(row, area, council, region),
                "item": row[line],
                "breakdown": AGE_BANDS[row[age]],
                "unit": "count" if row[line] in counts else unit,
                "value": figure,
                "mark": mark if figure is not None or mark else "(blank)",
                "locator": where,
            }
        )
    return figures_frame(figures)


def _area(row: Mapping[str, str], area: str | None, council: str | None, region: str | None) -> str:
    if area and row[area]:
        return row[area]
    if council and row[council]:
        return f"cassr:{row[council]}"
    return row[region] if region else ""


def _one(header: Sequence[str], names: Sequence[str]) -> str:
    found = next((n for n in names if n in header), None)
    if found is None:
        raise LayoutError(f"no column {' or '.join(names)}; found {', '.join(header)}")
    return found
