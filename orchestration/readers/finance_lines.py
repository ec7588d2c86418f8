"""NHS Digital, Adult Social Care Activity and Finance (PSS-EX1): the long tables of activity and additional data, one row a line of the return.

Each line has a number of its own, the same in every year (column `UUID`): that is the item here, because the labels of 2015-16 and the
numeric keys of 2016-17 name it differently. Amounts are GBP thousand; activity is a number of weeks, hours or clients, as the line says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from orchestration.figures import BLANK, figures_frame
from orchestration.readers.cells import LayoutError, csv_rows
from orchestration.readers.ledger import COUNCIL, Ledger, as_code, visible

AGE_BANDS = {
    "1": "18_to_64",
    "2": "65_and_over",
    "3": "65_to_74",
    "4": "75_to_84",
    "5": "85_and_over",
    "": "total",
    "-": "total",
    "Age 18 to 64": "18_to_64",
    "Age 65 and over": "65_and_over",
    "Age 65 to 74": "65_to_74",
    "Age 75 to 84": "75_to_84",
    "Age 85 and over": "85_and_over",
    "18 to 64": "18_to_64",
    "65 and Over": "65_and_over",
    "65 and over": "65_and_over",
    "99": "total",
}
ROLES = {
    "line": ("UUID",),
    "age": ("AgeBand_KEY", "AgeBand", "Age Bands", "Age Band"),
    "value": ("ITEMVALUE", "Value"),
    "area": ("GEOGRAPHY_CODE",),
    "council": ("CASSR_CODE", "Council Code"),
    "region": ("REGION_GO_CODE",),
    "ending": ("FY_Ending",),
    "kind": ("Data Type", "DataType"),
}
REQUIRED = ("line", "age", "value")
ROUNDED = 0.01


def read_finance_lines(
    content: bytes, financial_year: str, unit: str, counts: Sequence[str] = (), *, ledger: Ledger | None = None
) -> pd.DataFrame:
    """Every line of councils, regions and England; `unit` is that of all lines but `counts`, which are numbers of people.

    A council without an ONS code in the file is `cassr:<code>`. A total is the row that has a region's code and no council's. LayoutError
    for a heading that is missing, new or said twice, a year that is not the one asked for, an age band that is not known, a cell that is
    neither number nor mark, a line that some councils have and others not, and totals that are not the sums of their councils.
    """
    ledger = ledger or Ledger()
    rows = csv_rows(content)
    header = next(rows)[1]
    at = _columns(header, ledger)
    figures: list[dict[str, object]] = []
    for number, cells in rows:
        if len(cells) != len(header):
            raise LayoutError(f"line {number}: {len(cells)} cells under {len(header)} headings")
        row = {role: cells[column] for role, column in at.items()}
        where = f"line {number}, {header[at['value']]}"
        if "ending" in row and row["ending"] != str(int(financial_year[:4]) + 1):
            raise LayoutError(
                f"line {number}: {header[at['ending']]} is {row['ending']!r}; {financial_year} ends in {int(financial_year[:4]) + 1}"
            )
        if row["age"] not in AGE_BANDS:
            raise LayoutError(f"line {number}: age band {row['age']!r} is not known; known are {', '.join(AGE_BANDS)}")
        if not row["line"].strip():
            raise LayoutError(f"line {number}: no number of a line ({header[at['line']]})")
        figure, mark = ledger.value(row["value"], where)
        if figure is None and not mark and row.get("kind", "").casefold() == "mandatory":
            raise LayoutError(f"{where}: a mandatory line is empty")
        ledger.read()
        figures.append(
            {
                "framework": "ascfr_line",
                "financial_year": financial_year,
                "period": financial_year,
                "area_code": _area(row, where),
                "item": row["line"],
                "breakdown": AGE_BANDS[row["age"]],
                "unit": "count" if row["line"] in counts else unit,
                "value": figure,
                "mark": mark if figure is not None or mark else BLANK,
                "locator": where,
            }
        )
    found = figures_frame(figures)
    _add_up(found, ledger)
    return found


def _columns(header: Sequence[str], ledger: Ledger) -> dict[str, int]:
    """Role -> column. LayoutError as `Ledger.headings`, and when neither kind of code of an area is there."""
    said = {visible(c).casefold() for c in header}
    there = {role: names for role, names in ROLES.items() if role in REQUIRED or any(n.casefold() in said for n in names)}
    at = ledger.headings(header, there, "header")
    if "area" not in at and "council" not in at:
        raise LayoutError(f"no column {' or '.join(ROLES['area'] + ROLES['council'])}; found {', '.join(header)}")
    return at


def _area(row: Mapping[str, str], where: str) -> str:
    area, council, region = (as_code(row.get(role, "")) for role in ("area", "council", "region"))
    if COUNCIL.fullmatch(area):
        return area
    if not area and re.fullmatch(r"\d{3}|[A-Z0-9]{5}", council):
        return f"cassr:{council}"
    total = area or region
    if not council and re.fullmatch(r"E(12|92)\d{6}", total):
        return total
    raise LayoutError(f"{where}: neither {area!r} nor {council!r} nor {region!r} is the code of a council, a region or England")


def _add_up(figures: pd.DataFrame, ledger: Ledger) -> None:
    """Every line stands for the same areas; England's lines, and regions together, are the sums of their councils (a mark is nothing)."""
    areas = figures.groupby("item")["area_code"].agg(frozenset)
    whole = areas.mode().iloc[0]
    for item, held in areas.items():
        if held != whole:
            odd = ", ".join(sorted(whole ^ held)[:4])
            raise LayoutError(f"line {item}: {len(held)} areas, other lines have {len(whole)}; not in both: {odd}")
    kind = figures["area_code"].str[:3].map({"E92": "england", "E12": "regions"}).fillna("councils")
    sums = figures.assign(kind=kind).pivot_table(index="item", columns="kind", values="value", aggfunc="sum")
    if "england" not in sums:
        ledger.totals_not_comparable += len(sums)
        return
    for item, row in sums.iterrows():
        for part in ("councils", "regions"):
            if part in row:
                ledger.same(f"line {item}, England", row["england"], row[part], ROUNDED, f"the sum of its {part}")
