"""Rows for a person or a program: a table that fits the terminal, CSV or JSON to the last digit, printed or written to a file.

What belongs here: a frame in, text out. What does not: which rows (`publication/queries.py`) and what is said around them (`report.py`).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsFloat

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from orchestration.cli.formats import Format

if TYPE_CHECKING:
    import pandas as pd

MISSING = "–"


def deliver(console: Console, frame: pd.DataFrame, format: Format, output: Path | None) -> None:
    """Print the rows, or write them to `output`: whole or not at all. ValueError for a file whose name asks for another format."""
    if output is None:
        if format is Format.TABLE:
            print_frame(console, frame)
        else:
            console.file.write(as_text(frame, format))
        return
    wanted = format_of(output, format)
    aside = output.with_name(output.name + ".part")
    try:
        aside.write_text(as_text(frame, wanted), encoding="utf-8")
        aside.replace(output)
    finally:
        aside.unlink(missing_ok=True)
    console.print(f"Written: {output}, {len(frame):,} rows", highlight=False, markup=False, soft_wrap=True)


def format_of(output: Path, format: Format) -> Format:
    """What a file is to hold: what was asked for, or else what its name says. ValueError if the two differ or nothing is said."""
    named = {".csv": Format.CSV, ".json": Format.JSON}.get(output.suffix.lower())
    if format is Format.TABLE:
        if named is None:
            raise ValueError(f"{output}: name it .csv or .json, or say --format csv or --format json.")
        return named
    if named is not None and named is not format:
        raise ValueError(f"{output} is asked for as {format.value}: name it .{format.value}, or leave --format out.")
    return format


def as_text(frame: pd.DataFrame, format: Format) -> str:
    """All rows as CSV or JSON: numbers to the last digit, true and false, dates as ISO, lists as JSON; what is missing is empty or null."""
    kinds = frame.attrs.get("types", {})
    names = [str(name) for name in frame.columns]
    rows = [[plain(v, str(kinds.get(n, ""))) for n, v in zip(names, row, strict=True)] for row in frame.itertuples(index=False)]
    if format is Format.JSON:
        return json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=2, ensure_ascii=False) + "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue()


def plain(value: Any, kind: str = "") -> Any:
    """A value as Python and JSON have it. `kind` is DuckDB's type: a frame holds whole numbers as doubles where some are missing."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if _is_several(value):
        return [plain(v) for v in value]
    if is_missing(value):
        return None
    if hasattr(value, "item") and not isinstance(value, dt.datetime):
        value = value.item()
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if kind == "DATE" else value.isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, float) and kind.endswith(("INT", "INTEGER")):
        return int(value)
    return value if isinstance(value, str | bool | int | float) else str(value)


def is_missing(value: Any) -> bool:
    """Whether a value of a row or a frame is none. Told without pandas, which a command that prints plain rows does not import."""
    return (
        value is None or type(value).__name__ in {"NaTType", "NAType"} or (isinstance(value, SupportsFloat) and math.isnan(value))
    )


def _is_several(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, str | bytes)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return repr(value) if isinstance(value, float) else str(value)


def text(value: Any, places: int | None = None) -> str:
    """A value for a cell of a table: a dash if missing, with thousands separated, with so many places if given."""
    if isinstance(value, dict):
        return json.dumps(plain(value), ensure_ascii=False)
    if _is_several(value):
        return ", ".join(text(v) for v in value)
    if is_missing(value):
        return MISSING
    if places is not None:
        return f"{float(value):,.{places}f}"
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return f"{int(value):,}"
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def print_frame(console: Console, frame: pd.DataFrame) -> None:
    """Any frame as a table; one that is too wide for the terminal as a block of lines for each row, so that nothing is cut or broken."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in frame.columns:
        table.add_column(Text(str(name)), justify="right" if frame[name].dtype.kind in "iuf" else "left", no_wrap=True)
    cells = [[Text(text(v)) for v in row] for row in frame.itertuples(index=False)]
    for row in cells:
        table.add_row(*row)
    if Measurement.get(console, console.options.update(max_width=10_000), table).maximum <= console.width:
        console.print(table)
    else:
        names = [str(name) for name in frame.columns]
        for position, row in enumerate(cells, 1):
            block = Table(box=None, show_header=False, pad_edge=False)
            block.add_column(style="bold", no_wrap=True)
            block.add_column(overflow="fold")
            for name, cell in zip(names, row, strict=True):
                block.add_row(Text(name), cell)
            console.print(Text(f"row {position}", style="dim"))
            console.print(block)
    console.print(f"{len(frame):,} rows", style="dim", highlight=False)
