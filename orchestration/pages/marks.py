"""Numbers on a page, each with the table, row and column of the release that it is from.

What belongs here: rows that know their origin, formats of numbers, single numbers and tables as HTML. What does not: sentences, pictures, SQL.

Single numbers are `<data data-at="table?key=value&...#column~format">`. Tables say their origin once: `data-mart`, `data-where` and `data-key` on
the table, `data-key` on each row, `data-column` and `data-format` on each heading. A test reads all pages back and looks each number up.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup, escape

NOTHING: Final = "–"
"""What stands where the release has no value; the reason stands beside it."""
Value = Any


class Row(dict[str, Value]):
    """One row of a table of the release: its values by column, the table's name and the key that finds it there."""

    __slots__ = ("key", "mart")  # there are hundreds of thousands

    def __init__(self, mart: str, key: Sequence[str], values: Mapping[str, Value] | Iterable[tuple[str, Value]]) -> None:
        super().__init__(values)
        self.mart, self.key = mart, tuple(key)

    @property
    def at(self) -> str:
        """Table and key: 'council_scorecard?definition_id=default&area_code=E06000047'."""
        return f"{self.mart}?{urlencode({name: self[name] for name in self.key})}"

    def keyed(self, *key: str) -> Row:
        """The same row found by other columns: a council's years by the code its history is kept under."""
        return Row(self.mart, key, self)


def shown(value: Value, form: str) -> str:
    """A value as people read it. `form` is a number of decimals, with what stands around it:

    '1' one decimal; '+1' with its sign; '%0' a share as per cent; '£0' pounds; '£m1' million pounds; '#' a rank or count; 'g' as published;
    'r' as text.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if form == "r":
        return str(value)
    if form == "#":
        return f"{round(value):,}"
    if form == "g":
        return f"{value:,.10g}".replace("-", "−")
    sign = "+" if form.startswith("+") else ""
    body = form.removeprefix("+")
    if body.startswith("%"):
        return _signed(100 * value, int(body[1:]), sign) + "\u00a0%"
    if body.startswith("£m"):
        return _pounds(value / 1e6, int(body[2:])) + "\u00a0million"
    if body.startswith("£"):
        return _pounds(value, int(body[1:]))
    return _signed(value, int(body), sign)


def _signed(value: float, decimals: int, sign: str) -> str:
    text = f"{value:{sign},.{decimals}f}"
    if text.strip("+-0.,") == "":  # never "-0.0"
        text = text.lstrip("+-")
    return text.replace("-", "−")


def _pounds(value: float, decimals: int) -> str:
    text = _signed(abs(value), decimals, "")
    return f"−£{text}" if value < 0 and text.strip("0.,") else f"£{text}"


def number(row: Row, column: str, form: str) -> Markup:
    """One number of a row, for a sentence or a card."""
    return Markup('<data data-at="{}#{}~{}">{}</data>').format(row.at, column, form, shown(row[column], form))


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, the release's column with its format, and how a cell is written if it is no number."""

    heading: str
    name: str = ""
    form: str | Callable[[Row], str] = ""
    """How the numbers are written; a function of the row where rows differ, as measures do in their decimals."""
    cell: Callable[[Row], Markup | str] | None = None
    """For cells that are words, links or pictures: they are not looked up in the release."""
    of: Mapping[Any, Row] | None = None
    """Rows of another table of the release, by what tells this table's rows apart: the column is theirs."""
    absent: str = NOTHING
    """What stands where that other table has no row that can stand here."""
    of_by: str = ""
    """The column of that other table which tells its rows apart, if it is called otherwise there."""
    sort: str = ""
    """'number' or 'text' if people can sort by it."""

    @property
    def is_number(self) -> bool:
        return bool(self.form) and self.form != "r"


@dataclass(frozen=True)
class Table:
    """Rows of one table of the release as an HTML table: the first column names the row."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    by: str
    """The release's column that tells the rows of the table apart; the rest of their key is the same for all."""
    hidden_caption: bool = False
    id: str = ""
    row_attributes: Callable[[Row], Mapping[str, str]] = field(default=lambda row: {})

    def html(self) -> Markup:
        """The table in a region that scrolls sideways on a small screen and can be reached by keyboard."""
        head = "".join(_heading(c, self.by) for c in self.columns)
        body = "".join(self._row(row) for row in self.rows)
        origin = (
            _attributes({**_origin(self.rows, self.by), "data-by": self.by})
            if self.rows and any(c.form and not c.cell for c in self.columns)
            else ""
        )
        caption = escape(self.caption)
        return Markup(
            f'<div class="scroll" role="region" aria-label="{caption}" tabindex="0"><table{_attributes({"id": self.id or None})}{origin}>'
            f"<caption{_attributes({'class': 'unseen' if self.hidden_caption else None})}>{caption}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    # Escaped by hand and joined as plain text: the format method of Markup takes four times as long, and there are half a million cells.

    def _row(self, row: Row) -> str:
        attributes = _attributes({"data-key": row[self.by], **self.row_attributes(row)})
        return f"<tr{attributes}>{''.join(self._cell(c, row, n == 0) for n, c in enumerate(self.columns))}</tr>"

    def _cell(self, column: Column, row: Row, is_first: bool) -> str:
        source = row if column.of is None else column.of.get(row[self.by])
        form = column.form(row) if callable(column.form) else column.form
        content = escape(
            column.cell(row) if column.cell else column.absent if source is None else shown(source[column.name], form or "r")
        )
        if is_first:
            return f'<th scope="row">{content}</th>'
        if not column.cell and callable(column.form):
            return f'<td class="n" data-format="{escape(form)}">{content}</td>'
        return f'<td class="n">{content}</td>' if column.is_number else f"<td>{content}</td>"


def _origin(rows: Iterable[Row], by: str) -> dict[str, str]:
    """Where rows are: the release's table, and what is the same for all of them. ValueError if that is not the same: then `by` is no key."""
    held = iter(rows)
    first = next(held)
    kept = [name for name in first.key if name != by]
    where = [first[name] for name in kept]
    for row in held:
        if row.mart != first.mart or [row[name] for name in kept] != where:
            raise ValueError(f"rows of one column are of {first.mart} {where} and of {row.mart} {[row[name] for name in kept]}")
    return {"data-mart": first.mart, "data-where": urlencode(dict(zip(kept, where, strict=True)))}


def _heading(column: Column, by: str) -> str:
    attributes: dict[str, str] = {"scope": "col"}
    is_empty = (
        column.of is not None and not column.of
    )  # no row of that table has anything: there is nothing to say where it is from
    if column.form and not column.cell and not is_empty:
        attributes |= {"data-column": column.name, "data-format": "" if callable(column.form) else column.form}
        if column.absent != NOTHING:
            attributes["data-absent"] = column.absent
        if column.of:
            attributes |= _origin(column.of.values(), column.of_by or by)
            if column.of_by:
                attributes["data-by"] = column.of_by
    if column.is_number:
        attributes["class"] = "n"
    if column.sort:
        attributes["data-sort"] = column.sort
    return f"<th{_attributes(attributes)}>{escape(column.heading)}</th>"


def _attributes(attributes: Mapping[str, Value]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in attributes.items() if value is not None)


def script_data(name: str, value: object) -> str:
    """A classic script that sets `window.<name>`: readable from a folder, where a page may fetch nothing. Harmless inside HTML too."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign, written in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(sign, written)
    return f"window.{name}={text};\n"


def joined(parts: Iterable[Markup | str], last: str = " and ") -> Markup:
    """'a, b and c'."""
    texts = [escape(p) for p in parts]
    if len(texts) < 2:
        return Markup("").join(texts)
    return Markup(", ").join(texts[:-1]) + last + texts[-1]
