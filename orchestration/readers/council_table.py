"""A table compiled from a publication: a CSV with a row for each council (and year, month or band), columns named by the source's YAML.

Used where no file of the publisher is at hand and its figures came as a tidy table. What the columns mean is the YAML's to say:
`figures` has an entry `column: item, unit` for each column with figures, or `column: item, unit, breakdown`; `breakdown_column` names the
column that holds the breakdown where rows differ by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, csv_rows, csv_table
from orchestration.readers.ledger import Ledger


@dataclass(frozen=True)
class FigureColumn:
    """A column that holds figures: its heading, and the item, unit and breakdown of what stands in it."""

    heading: str
    item: str
    unit: str
    breakdown: str


def figure_columns(described: Sequence[str]) -> list[FigureColumn]:
    """`column: item, unit[, breakdown]` as columns. LayoutError for an entry that says less or more."""
    found = []
    for entry in described:
        heading, _, rest = entry.partition(":")
        words = [word.strip() for word in rest.split(",")]
        if len(words) not in (2, 3) or not all(words):
            raise LayoutError(f"layout: {entry!r} is not 'column: item, unit' or 'column: item, unit, breakdown'")
        found.append(FigureColumn(heading.strip(), words[0], words[1], words[2] if len(words) == 3 else "total"))
    return found


def read_council_table(
    content: bytes,
    financial_year: str,
    framework: str,
    figures: Sequence[str],
    *,
    period: str = "",
    year_column: str = "",
    year_value: str = "",
    period_column: str = "",
    breakdown_column: str = "",
    mark_column: str = "",
    note_column: str = "",
    ledger: Ledger | None = None,
) -> pd.DataFrame:
    """Figures of councils and England of one financial year. Rows of other years (`year_column`) and of other areas (regions) are left out.

    `year_value` is what `year_column` holds for the year, where that is not its label. A cell that is empty takes its mark from
    `mark_column`; a text in `note_column` is put into the locator. LayoutError names a column that is not there, a cell that is neither a
    number nor a mark, and a year the table does not have.
    """
    ledger = ledger or Ledger()
    columns = figure_columns(figures)
    named = [c for c in (year_column, period_column, breakdown_column, mark_column, note_column) if c]
    wanted_columns = ["area_code", *dict.fromkeys([*named, *(c.heading for c in columns)])]
    ledger.headings(next(csv_rows(content))[1], {name: [name] for name in wanted_columns}, "header")
    table = csv_table(content, wanted_columns)
    table = table.assign(line=range(2, len(table) + 2))
    if year_column:
        wanted = year_value or financial_year
        years = sorted(set(table[year_column]))
        ledger.skip("rows of other years", int((table[year_column] != wanted).sum()))
        table = table[table[year_column] == wanted]
        if table.empty:
            raise LayoutError(f"no row with {year_column} {wanted}; found {', '.join(years)}")
    rows: list[dict[str, object]] = []
    for _, cells in ledger.each(table.to_numpy().tolist(), 1, "CSV"):
        row = dict(zip(table.columns, cells, strict=True))
        area = ledger.area(row["area_code"], f"line {row['line']}, area_code")
        if area is None:
            continue
        ledger.read()
        said = {
            name: str(row[column]).strip() if column else ""
            for name, column in (
                ("period", period_column),
                ("breakdown", breakdown_column),
                ("mark", mark_column),
                ("note", note_column),
            )
        }
        for column in columns:
            where = f"line {row['line']}, {column.heading}"
            value, mark = ledger.value(row[column.heading], where)
            remarks = "; ".join(text for text in (said["mark"] if value is not None else "", said["note"]) if text)
            rows.append(
                {
                    "framework": framework,
                    "financial_year": financial_year,
                    "period": said["period"] or period or financial_year,
                    "area_code": area,
                    "item": column.item,
                    "breakdown": said["breakdown"] or column.breakdown,
                    "unit": column.unit,
                    "value": value,
                    "mark": (said["mark"] or mark) if value is None else "",
                    "locator": f"{where} ({remarks})" if remarks else where,
                }
            )
    return figures_frame(rows)
