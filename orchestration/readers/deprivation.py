"""Index of multiple deprivation, summaries for upper-tier local authorities (File 11 of 2015, of 2019 and of 2025), sheet `IMD`.

The first heading names the year of the codes: 2013 in the edition of 2015, 2019 in that of 2019, 2024 in that of 2025.
"""

from __future__ import annotations

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, open_workbook
from orchestration.readers.ledger import Ledger, has_number, visible

ITEMS = {"IMD - Average score": "imd_average_score", "IMD - Average rank": "imd_average_rank"}
RANKS = ("IMD - Rank of average score", "IMD - Rank of average rank")
"""What the file says of the items' places: a second statement of each figure's order."""


def read_deprivation(content: bytes, year: int, codes_of: int, *, ledger: Ledger | None = None) -> pd.DataFrame:
    """Average score and average rank of each upper-tier council. Some headings end in a space; they are matched without it.

    LayoutError for codes of another year, a heading that is missing, new or said twice, and where the published rank of an average is
    not its place among the averages.
    """
    ledger = ledger or Ledger()
    book = open_workbook(content)
    sheet = ledger.sheet(book.sheet_names, ["IMD"])
    rows = book.rows(sheet)
    header = [visible(c) for c in rows[0]] if rows else []
    if not header or f"({codes_of})" not in header[0]:
        raise LayoutError(f"sheet {sheet!r}, A1: expected codes of ({codes_of}) in the edition of {year}; found {header[:1]}")
    code = f"Upper Tier Local Authority District code ({codes_of})"
    at = ledger.headings(header, {"code": [code], **{h: [h] for h in (*ITEMS, *RANKS)}}, f"sheet {sheet!r}")
    figures: list[dict[str, object]] = []
    read: dict[str, list[tuple[float | None, float | None, str]]] = {heading: [] for heading in ITEMS}
    for number, row in ledger.each(rows[1:], 1, f"sheet {sheet!r}"):
        if not has_number(row):
            continue
        area = ledger.area(row[at["code"]], f"{sheet}!{cell_name(number, at['code'])}")
        if area is None:
            continue
        ledger.read()
        for (heading, item), rank in zip(ITEMS.items(), RANKS, strict=True):
            where = f"{sheet}!{cell_name(number, at[heading])}"
            value, mark = ledger.value(row[at[heading]], where)
            read[heading].append((value, ledger.value(row[at[rank]], f"{sheet}!{cell_name(number, at[rank])}")[0], where))
            figures.append(
                {
                    "framework": "index_of_multiple_deprivation",
                    "financial_year": f"{year}-{(year + 1) % 100:02d}",
                    "period": str(year),
                    "area_code": area,
                    "item": item,
                    "breakdown": "total",
                    "unit": "score" if item.endswith("score") else "rank",
                    "value": value,
                    "mark": mark,
                    "locator": where,
                }
            )
    for heading, pairs in read.items():
        _ranks_agree(heading, pairs, ledger)
    return figures_frame(figures)


def _ranks_agree(heading: str, pairs: list[tuple[float | None, float | None, str]], ledger: Ledger) -> None:
    """The published rank of each average is its place among all, largest first; equal averages may stand in any order."""
    values = [v for v, _, _ in pairs if v is not None]
    for value, rank, where in pairs:
        if value is None or rank is None:
            raise LayoutError(f"{where}: {heading} has no number")
        above = sum(v > value for v in values)
        nearest = min(max(rank, above + 1), above + sum(v == value for v in values))
        ledger.same(where, rank, nearest, 0, f"the place of {heading} {value:g}")
