"""What every reader needs: a sheet as rows, a cell's name, a value apart from a mark, and an error that says where."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

MARKS = frozenset({"", "-", "[x]", "[c]", "[z]", "[n]", ":", "*", "..", "c", "z", "x", "NA", "N/A"})
"""Publishers' marks for a value that is not a number: not available, confidential, not applicable, not submitted."""


class LayoutError(ValueError):
    """A published file is not laid out as its reader expects: names the sheet, and what was expected and found."""


def open_workbook(content: bytes) -> CalamineWorkbook:
    """An xls, xlsx or ods workbook. LayoutError if the bytes are none of these."""
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(content))
    except (CalamineError, OSError) as error:
        raise LayoutError(f"not a workbook that can be read ({error}); starts with {content[:20]!r}") from error


def sheet_rows(book: CalamineWorkbook, names: Sequence[str]) -> tuple[str, list[list[Any]]]:
    """The first sheet whose name matches one of `names`, ignoring case and outer spaces, as (name, rows from A1)."""
    wanted = [n.strip().lower() for n in names]
    for sheet in book.sheet_names:
        if sheet.strip().lower() in wanted:
            return sheet, book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    raise LayoutError(f"no sheet named {' or '.join(map(repr, names))}; found {', '.join(map(repr, book.sheet_names))}")


def cell_name(row: int, column: int) -> str:
    """0-based row and column as a spreadsheet's cell: (13, 5) -> 'F14'."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def value_or_mark(cell: Any, where: str) -> tuple[float | None, str]:
    """A cell as (number, '') or (None, mark). LayoutError at `where` for any other text: never read as zero."""
    if isinstance(cell, bool):
        raise LayoutError(f"{where}: {cell!r} is neither a number nor a known mark")
    if isinstance(cell, int | float):
        return float(cell), ""
    text = str(cell).strip()
    if text in MARKS:
        return None, text
    try:
        return float(text.replace(",", "")), ""
    except ValueError:
        raise LayoutError(f"{where}: {text!r} is neither a number nor a known mark") from None


def header_row(rows: list[list[Any]], first_cells: Sequence[str], sheet: str) -> int:
    """The row that starts with `first_cells` (any column, case and spaces ignored). LayoutError if there is none."""
    wanted = [c.strip().lower() for c in first_cells]
    for number, row in enumerate(rows[:40]):
        found = [str(c).strip().lower() for c in row]
        if all(w in found for w in wanted):
            return number
    shown = [str(c) for c in next((r for r in rows[:40] if any(str(c).strip() for c in r)), [])]
    raise LayoutError(f"sheet {sheet!r}: no header row with {', '.join(first_cells)}; the first row is {shown[:12]}")
