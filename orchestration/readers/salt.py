"""NHS Digital and DHSC, short and long term support (SALT): the long CSV, one row a cell of the return.

A row is of one table of one sheet (`TABLE`, `SHEET`; from 2024-25 `View`, `Measure`) and of one value of each key column; 99 is a total.
Which keys make a count is data (`Count`), because key values differ by edition: a value that never occurs is an error that lists
those that do, never a count of nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, csv_rows, csv_table
from orchestration.readers.ledger import COUNCIL, Ledger

AREA_COLUMNS = ("GEOGRAPHY_CODE", "GeographyCode")
YEAR_COLUMNS = ("FY_Ending", "FYEnding")
VALUE_COLUMN = "ITEMVALUE"
TOTAL = "99"


@dataclass(frozen=True)
class Count:
    """A count to take: its name, and for each column that matters the values that are added up. Other key columns must be totals."""

    item: str
    where: Mapping[str, tuple[str, ...]]
    breakdown: str = "total"


def read_salt(content: bytes, counts: Sequence[Count], financial_year: str = "", *, ledger: Ledger | None = None) -> pd.DataFrame:
    """Counts of councils: each the sum of the rows it names; a row that is marked makes the whole count marked.

    Raises LayoutError for a column or a key's value that is not there, for two rows of one cell, for a cell that is neither a number nor
    a mark, for another year than `financial_year`, for a code that is none, and for a count that some councils lack.
    """
    ledger = ledger or Ledger()
    ledger.headings(
        next(csv_rows(content))[1],
        {"area": AREA_COLUMNS, "year": YEAR_COLUMNS, "value": [VALUE_COLUMN], **{c: [c] for n in counts for c in n.where}},
        "header",
    )
    table = csv_table(content)
    area, year = _column(table, AREA_COLUMNS), _column(table, YEAR_COLUMNS)
    years = {label(ending) for ending in table[year].unique()}
    if financial_year and years != {financial_year}:
        raise LayoutError(f"{year} is of {', '.join(sorted(years))}; expected {financial_year}")
    _column(table, (VALUE_COLUMN,))
    keys = [c for c in table.columns if c.endswith(("_Key", "_KEY"))]
    table = table.assign(line=range(2, len(table) + 2))
    codes = {
        cell: ledger.area(cell, f"{area} of line {line}") if cell.strip() else None
        for cell, line in table.drop_duplicates(area)[[area, "line"]].itertuples(index=False)
    }
    table = table.assign(**{area: table[area].map(codes)})
    is_council = table[area].map(lambda code: isinstance(code, str) and COUNCIL.fullmatch(code) is not None).astype(bool)
    ledger.skip("rows of England, of regions and of types of council", int((~is_council).sum()))
    table = table[is_council]
    figures: list[dict[str, object]] = []
    for count in counts:
        rows = table
        for column, values in count.where.items():
            _column(table, (column,))
            unknown = [v for v in values if v not in set(table[column])]
            if unknown:
                found = ", ".join(sorted(set(table[column]))[:30])
                raise LayoutError(f"{count.item}: column {column} never has {', '.join(unknown)}; it has {found}")
            rows = rows[rows[column].isin(values)]
        for column in (c for c in keys if c not in count.where):
            rows = rows[rows[column].isin([TOTAL, ""])]
        cell = [area, year, *count.where]
        twice = rows[rows.duplicated(cell, keep=False)].sort_values([*cell, "line"])
        if len(twice):
            lines = ", ".join(map(str, twice["line"].head(2)))
            raise LayoutError(f"{count.item}: lines {lines} are the same cell of {twice.iloc[0][area]}; name more columns")
        for (code, ending), cells in rows.groupby([area, year]):
            ledger.read(len(cells))
            figures.append(_figure(count, str(code), str(ending), cells, ledger))
    ledger.skip("rows of other counts", max(0, len(table) - ledger.rows_read))
    return figures_frame(figures)


def _figure(count: Count, code: str, ending: str, cells: pd.DataFrame, ledger: Ledger) -> dict[str, object]:
    read = [ledger.value(cell, f"line {line}") for cell, line in zip(cells[VALUE_COLUMN], cells["line"], strict=True)]
    marks = [mark for value, mark in read if value is None]
    financial_year = label(ending)
    return {
        "framework": "salt",
        "financial_year": financial_year,
        "period": financial_year,
        "area_code": code,
        "item": count.item,
        "breakdown": count.breakdown,
        "unit": "count",
        "value": None if marks else sum(value for value, _ in read if value is not None),
        "mark": (marks[0] or "(blank)") if marks else "",
        "locator": "lines " + ", ".join(str(line) for line in cells["line"]) + (" (sum)" if len(cells) > 1 else ""),
    }


def label(ending: str) -> str:
    """'2019', '31/03/2019', '201819' or '2018-19' -> '2018-19'. LayoutError for anything else."""
    text = ending.strip()
    if len(text) == 7 and text[4] in "-/" and text[:4].isdigit():
        return f"{text[:4]}-{text[5:]}"
    if text.isdigit() and len(text) == 6 and int(text[4:]) == (int(text[2:4]) + 1) % 100:
        return f"{text[:4]}-{text[4:]}"
    last = text if text.isdigit() and len(text) == 4 else text[-4:] if text[:6] == "31/03/" else ""
    if not last.isdigit():
        raise LayoutError(f"financial year {ending!r}: expected such as 2019, 31/03/2019 or 2018-19")
    return f"{int(last) - 1}-{last[2:]}"


def _column(table: pd.DataFrame, names: Sequence[str]) -> str:
    for name in names:
        if name in table.columns:
            return name
    raise LayoutError(f"no column {' or '.join(names)}; found {', '.join(table.columns)}")
