"""Reads pages back: each number on a page with the table, row and column of the release that the page says it is from, and looks it up there.

Apart from the project's own formatting and reading, so that it can be wrong only by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from urllib.parse import parse_qsl

import duckdb
from lxml import html


@dataclass(frozen=True)
class Claim:
    """A number as a page shows it, and where the page says that it is from."""

    page: str
    mart: str
    key: tuple[tuple[str, str], ...]
    column: str
    form: str
    text: str


def claims(page: str, content: str) -> Iterator[Claim]:
    """Every number of a page that says where it is from: single ones, and cells of tables."""
    tree = html.fromstring(content)
    for node in tree.iter("data"):
        at, _, rest = node.get("data-at").partition("#")
        column, _, form = rest.rpartition("~")
        mart, _, key = at.partition("?")
        yield Claim(page, mart, tuple(parse_qsl(key, keep_blank_values=True)), column, form, node.text_content())
    for table in tree.iter("table"):
        if table.get("data-mart") is None:
            continue
        by = table.get("data-by")
        headings = table.xpath("./thead/tr/th")
        for row in table.xpath("./tbody/tr"):
            for heading, cell in zip(headings, row.xpath("./th|./td"), strict=True):
                column = heading.get("data-column")
                if column is None or cell.text_content() == heading.get("data-absent"):
                    continue
                mart = heading.get("data-mart") or table.get("data-mart")
                where = heading.get("data-where") if heading.get("data-mart") else table.get("data-where")
                key = (*parse_qsl(where, keep_blank_values=True), (heading.get("data-by") or by, row.get("data-key")))
                yield Claim(page, mart, key, column, cell.get("data-format") or heading.get("data-format"), cell.text_content())


class Marts:
    """The release's tables, looked up by whatever columns a page names."""

    def __init__(self, release: Path) -> None:
        self.connection = duckdb.connect(str(release / "asc.duckdb"), read_only=True)
        self.rows: dict[str, list[dict[str, object]]] = {}
        self.found: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], dict[str, object] | None]] = {}

    def row(self, mart: str, key: tuple[tuple[str, str], ...]) -> dict[str, object] | None:
        """The one row with these values, None if there is none. AssertionError if there are several: then the page's key is no key."""
        names = tuple(name for name, _ in key)
        if (mart, names) not in self.found:
            if mart not in self.rows:
                result = self.connection.execute(f"select * from marts.{mart}")
                columns = [str(c[0]) for c in result.description]
                self.rows[mart] = [dict(zip(columns, values, strict=True)) for values in result.fetchall()]
            index: dict[tuple[str, ...], dict[str, object] | None] = {}
            for row in self.rows[mart]:
                place = tuple(str(row[n]) for n in names)
                index[place] = row if place not in index else None
            self.found[mart, names] = index
        index = self.found[mart, names]
        values = tuple(value for _, value in key)
        if values in index and index[values] is None:
            raise AssertionError(f"{mart} has several rows with {key}")
        return index.get(values)


def written(value: object, form: str) -> str:
    """How a value is to stand on a page, worked out with decimal arithmetic."""
    if value is None:
        return "–"
    if form == "r":
        return str(value)
    if form == "g":
        return _minus(f"{value:,.10g}")
    number = Decimal(float(value))
    if form == "#":
        return _minus(f"{number.quantize(Decimal(1), ROUND_HALF_EVEN):,}")
    sign, pounds, million, share = form.startswith("+"), "£" in form, "£m" in form, "%" in form
    places = int(form[-1])
    number = number / 1_000_000 if million else number * 100 if share else number
    if million:
        number = Decimal(float(value) / 1e6)
    if share:
        number = Decimal(100 * float(value))
    rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    text = f"{abs(rounded):,}"
    mark = "" if rounded == 0 else "−" if rounded < 0 else "+" if sign else ""
    return f"{mark}{'£' if pounds else ''}{text}" + ("\u00a0%" if share else "\u00a0million" if million else "")


def _minus(text: str) -> str:
    return text.replace("-", "−")
