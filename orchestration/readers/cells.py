"""What every reader needs of a file: a workbook's sheets and a CSV's lines as rows, a cell's name, and an error that says where."""

from __future__ import annotations

import csv
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pandas as pd
from python_calamine import CalamineWorkbook

NUMBER: Final = re.compile(r"[-+]?([1-9]\d{0,2}(,\d{3})+|\d+)?(?<=\d)(\.\d*)?([eE][-+]?\d+)?|[-+]?\.\d+", re.ASCII)
"""What a number in text looks like. Python's own float takes more than publishers write: nan, inf, 1_000."""

ERROR_CELL: Final = re.compile(
    rb"""<(?:\w+:)?c\b[^>]*\bt\s*=\s*["']e["'][^>]*>.{0,400}?<(?:\w+:)?v>(#[^<]{1,10})<|"""
    rb"""value-type=["']error["'].{0,200}?<text:p>([^<]{1,12})<|<text:p>(#(?:REF|N/A|VALUE|DIV/0|NAME|NUM|NULL)[!?]?|Err:\d{3})<""",
    re.DOTALL,
)
"""A cell of xlsx or ods whose value is an error: calamine gives it as empty, and empty may mean something."""
ERROR_MARKS: Final = (b'"e"', b"'e'", b"error", b"<text:p>#", b"<text:p>Err:")
"""One of them stands in whatever ERROR_CELL finds, and none in nearly all parts: to look for them is thirty times as fast."""
BEYOND: Final = {
    702 * 9_999: re.compile(rb"""r=(?<=\sr=)["'](?:[A-Za-z]{3,4}\d|[A-Za-z]{0,2}\d{5,})"""),
    26 * 99_999: re.compile(rb"""r=(?<=\sr=)["'](?:[A-Za-z]{2,4}\d|[A-Za-z]{0,1}\d{6,})"""),
}
"""Cells of a rectangle that can be borne -> a row or cell of an xlsx sheet outside of it (right of ZZ or below row 9,999; right of Z or below row
99,999). Each begins with a text, which is what makes it fast."""
OLE2: Final = b"\xd0\xcf\x11\xe0"
MOST_UNPACKED_BYTES: Final = 1_000_000_000
MOST_CELLS: Final = 20_000_000


class LayoutError(ValueError):
    """A published file is not laid out as its reader expects: names the sheet, and what was expected and found."""


class Workbook:
    """An xls, xlsx or ods workbook: its sheets' names, and a sheet as rows of values from A1. Formulae have the values last calculated."""

    def __init__(self, content: bytes) -> None:
        _bear(content)
        self._book = _calamine(lambda: CalamineWorkbook.from_filelike(io.BytesIO(content)), content)
        self.sheet_names: list[str] = list(self._book.sheet_names)

    def rows(self, sheet: str) -> list[list[Any]]:
        """Rows of equal length. LayoutError when the sheet cannot be read."""
        found: list[list[Any]] = _calamine(
            lambda: self._book.get_sheet_by_name(sheet).to_python(skip_empty_area=False), sheet.encode()
        )
        return found


def open_workbook(content: bytes) -> Workbook:
    """The workbook. LayoutError if the bytes are none, or unpack to more than can be borne."""
    return Workbook(content)


def _calamine(read: Callable[[], Any], what: bytes) -> Any:
    """What calamine reads. Its errors, and its panics (which are no Exception), become LayoutErrors."""
    try:
        return read()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LayoutError(f"not a workbook that can be read ({reason}); {what[:20]!r}") from error


def _bear(content: bytes) -> None:
    """LayoutError for a packed workbook that is damaged, unpacks to too many bytes, or has a sheet that spans too many cells, and for any
    workbook with a cell that holds an error.

    A sheet is held as a full rectangle: two cells far apart could ask for more memory than there is, and end the process.
    """
    if content.startswith(OLE2):
        _bear_xls(content)
    if not content.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
            if unpacked > MOST_UNPACKED_BYTES:
                raise LayoutError(f"it unpacks to {unpacked:,} bytes; the limit is {MOST_UNPACKED_BYTES:,}")
            for entry in packed.infolist():
                part = packed.read(entry)  # the length and the checksum said are held against what comes
                if entry.filename.endswith(".xml") and (wrong := _error(part)):
                    said = next(g for g in wrong.groups() if g).decode(errors="replace")
                    raise LayoutError(
                        f"{entry.filename}: a cell holds an error in place of a value ({said}): the workbook is broken"
                    )
                if entry.filename.startswith("xl/worksheets/") and (cells := _extent(part)) > MOST_CELLS:
                    raise LayoutError(f"{entry.filename} spans {cells:,} cells; the limit is {MOST_CELLS:,}")
    except LayoutError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
        struct.error,
    ) as error:
        raise LayoutError(f"not a workbook that can be read ({error}); starts with {content[:20]!r}") from error


def _error(part: bytes) -> re.Match[bytes] | None:
    return ERROR_CELL.search(part) if any(mark in part for mark in ERROR_MARKS) else None


def _bear_xls(content: bytes) -> None:
    """LayoutError for an xls workbook with an error in place of a value: calamine gives such a cell as empty, xlrd as what it is."""
    import xlrd

    try:
        with xlrd.open_workbook(file_contents=content, on_demand=True, logfile=io.StringIO()) as book:
            for sheet in book.sheets():
                for row in range(sheet.nrows):
                    kinds = sheet.row_types(row)
                    if xlrd.XL_CELL_ERROR not in kinds:
                        continue
                    column = list(kinds).index(xlrd.XL_CELL_ERROR)
                    said = xlrd.error_text_from_code.get(sheet.cell_value(row, column), "an error")
                    raise LayoutError(
                        f"sheet {sheet.name!r}, {cell_name(row, column)}: the cell holds an error in place of a value ({said}): "
                        "the workbook is broken"
                    )
    except LayoutError:
        raise
    except Exception as error:  # a file that is none fails xlrd in as many ways as there are
        raise LayoutError(f"not a workbook that can be read ({error}); starts with {content[:20]!r}") from error


def _extent(sheet: bytes) -> int:
    """Cells of the rectangle from A1 to the furthest row and column of an xlsx sheet, or of one that can be borne and holds it."""
    for cells, outside in BEYOND.items():
        if not outside.search(sheet):
            return cells
    rows = max((int(n) for n in re.findall(rb"""<(?:\w+:)?row[^>]*?\br=["'](\d{1,9})["']""", sheet)), default=0)
    columns = max((_column_number(c) for c in set(re.findall(rb"""\br=["']([A-Za-z]{1,4})\d""", sheet))), default=0)
    cell_rows = max((len(n) for n in set(re.findall(rb"""\br=["'][A-Za-z]{1,4}(\d{6,})["']""", sheet))), default=0)
    return max(rows, 10 ** (cell_rows - 1) if cell_rows else 0) * columns


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def decode(content: bytes, encoding: str = "cp1252") -> str:
    """A CSV's text: UTF-8 with or without a mark, else `encoding`. LayoutError for bytes that are no text at all."""
    if b"\x00" in content:
        raise LayoutError(f"not a text file: it holds zero bytes; starts with {content[:20]!r}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode(encoding, errors="replace")


def csv_rows(content: bytes, encoding: str = "cp1252") -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row of a CSV that is not empty. LayoutError names the line that cannot be read, or says the file is empty."""
    lines = csv.reader(io.StringIO(decode(content, encoding), newline=""))
    empty = True
    try:
        for cells in lines:
            if cells:
                empty = False
                yield lines.line_num, cells
    except csv.Error as error:
        raise LayoutError(f"line {lines.line_num}: not a CSV that can be read: {error}") from error
    if empty:
        raise LayoutError("the file is empty")


def csv_table(content: bytes, columns: Sequence[str] | None = None, encoding: str = "cp1252") -> pd.DataFrame:
    """A CSV with every cell as text; only `columns` of it, if given.

    LayoutError names columns that are not there or stand twice, and a row that is longer or shorter than the header: its cells may stand
    under headings that are not theirs.
    """
    (_, header), *rows = csv_rows(content, encoding)
    absent = [c for c in columns or () if c not in header]
    if absent:
        raise LayoutError(f"no column {', '.join(absent)}; found {', '.join(header[:40])}")
    twice = [c for c in dict.fromkeys(columns or header) if c and header.count(c) > 1]
    if twice:
        raise LayoutError(f"column {', '.join(twice)} stands more than once; found {', '.join(header[:40])}")
    ragged = next(((line, len(cells)) for line, cells in rows if len(cells) != len(header)), None)
    if ragged:
        raise LayoutError(f"line {ragged[0]}: the row has {ragged[1]} cells, the header {len(header)}")
    table = pd.DataFrame([cells for _, cells in rows], columns=header, dtype=str)
    return table[list(columns)] if columns else table


def cell_name(row: int, column: int) -> str:
    """0-based row and column as a spreadsheet's cell: (13, 5) -> 'F14'."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def header_row(rows: list[list[Any]], first_cells: Sequence[str], sheet: str) -> int:
    """The row that starts with `first_cells` (any column, case and spaces ignored). LayoutError if there is none."""
    wanted = [c.strip().lower() for c in first_cells]
    for number, row in enumerate(rows[:40]):
        found = [str(c).strip().lower() for c in row]
        if all(w in found for w in wanted):
            return number
    shown = [str(c) for c in next((r for r in rows[:40] if any(str(c).strip() for c in r)), [])]
    raise LayoutError(f"sheet {sheet!r}: no header row with {', '.join(first_cells)}; the first row is {shown[:12]}")
