"""What a reading is held to: every heading, sheet, row, area and mark is one the layout knows, and what is passed over is counted.

A reader takes a `Ledger` and asks it for each thing it finds; the ledger knows what the layout says (the source's YAML) and keeps the
count. What belongs here: recognising and counting. What does not: where a figure stands in a layout (the readers) and what a source
says (`sources/`).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from orchestration.readers.cells import NUMBER, LayoutError, cell_name

USUAL_MARKS: Final = ("-", "[x]", "[c]", "[z]", "[n]", ":", "*", "..", "c", "z", "x", "NA", "N/A")
"""Marks that publishers use for a value that is not a number, where no layout says which."""
ANYTHING: Final = ".*"
"""The pattern of a layout that was never seen whole: other headings are passed over, unless they look like one that is wanted."""
AS_LARGE: Final = 12
"""A part that is not known is at most so many times the second largest: the largest may be the one that is wrong."""
INVISIBLE: Final = re.compile(r"[\u00a0\u00ad\u200b-\u200f\u202f\u2060\ufeff]")
COUNCIL: Final = re.compile(r"E(06|08|09|10)\d{6}")
ENGLAND: Final = "E92000001"
OTHER_AREAS: Final = {
    r"E12\d{6}": "regions",
    r"E13\d{6}": "parts of London",
    r"E07\d{6}": "districts",
    r"E11\d{6}": "metropolitan counties",
    r"E(22|23|24|26|28|31|47|50|60|61)\d{6}": "other authorities",
    r"E54\d{6}": "integrated care boards",
    r"E\d\d": "classes of councils",
    r"[WSN]\d{8}": "outside England",
    r"[KJ]\d{8}": "countries together",
}
"""Codes that are no council's and not England's, and what to call those rows when they are passed over."""


def visible(cell: object) -> str:
    """A cell's text without characters that cannot be seen, and with single spaces: what a person reads in it."""
    return _visible(cell if isinstance(cell, str) else str(cell))


@lru_cache(maxsize=1 << 16)
def _visible(text: str) -> str:
    return " ".join(INVISIBLE.sub(" ", text).split())


def as_code(cell: object) -> str:
    """A cell as a code of an area: without what cannot be seen, in capitals."""
    return _as_code(cell if isinstance(cell, str) else str(cell))


@lru_cache(maxsize=1 << 16)
def _as_code(text: str) -> str:
    return re.sub(r"\s", "", INVISIBLE.sub("", text)).upper()


def mark_pattern(mark: str) -> str:
    """A mark as a regular expression; `<number>` in it stands for digits, as in `[note <number>]`."""
    return re.escape(mark).replace(re.escape("<number>"), r"\d+")


def has_number(row: Iterable[object]) -> bool:
    """Whether any cell holds a number, as one or as text."""
    return any(
        (isinstance(c, int | float) and not isinstance(c, bool)) or bool(NUMBER.fullmatch(t := str(c).strip()) and t) for c in row
    )


@dataclass
class Ledger:
    """Knows what a layout says and counts what a reading did.

    `marks`, `unused_headings`, `unused_sheets` and `unused_rows` (texts of rows without a code, such as totals of classes) are what the
    layout may have beside figures. `known_differences` are totals that the publisher got wrong: place -> (stated, found).
    """

    marks: Sequence[str] = USUAL_MARKS
    unused_headings: Sequence[str] = (ANYTHING,)
    unused_sheets: Sequence[str] = (ANYTHING,)
    unused_rows: Sequence[str] = ()
    known_differences: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    rows_read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    sheets_read: list[str] = field(default_factory=list)
    headings_unused: Counter[str] = field(default_factory=Counter)
    totals_compared: int = 0
    totals_not_comparable: int = 0
    rows_that_do_not_add_up: int = 0
    differences_met: set[str] = field(default_factory=set)
    _claimed: bool = False

    def __post_init__(self) -> None:
        self._marks = re.compile("|".join(f"(?:{mark_pattern(m)})" for m in self.marks if m != "(blank)") or r"(?!)")

    # cells

    def value(self, cell: Any, where: str) -> tuple[float | None, str]:
        """A cell as (number, '') or (None, mark). LayoutError at `where` for any other text: never read as zero, never passed over."""
        text = str(cell).strip()
        if not isinstance(cell, bool):
            if text == "" or (NUMBER.fullmatch(text) is None and self._marks.fullmatch(text)):
                return None, text
            number = (
                float(cell)
                if isinstance(cell, int | float)
                else float(text.replace(",", ""))
                if NUMBER.fullmatch(text)
                else math.nan
            )
            if math.isfinite(number):
                return number, ""
        raise LayoutError(
            f"{where}: {text[:80]!r} is neither a number nor a known mark ({', '.join(self.marks)}). "
            "If the publisher's notes say what it means, add it with its meaning to `marks` of the layout in the source's YAML."
        )

    # headings and sheets

    def headings(self, found: Sequence[object], wanted: Mapping[str, Sequence[str]], where: str) -> dict[str, int]:
        """Role -> column: each wanted heading stands exactly once, and every other one is known. Case and spaces are ignored.

        LayoutError names what is missing, doubled or new, and what was found.
        """
        texts = [visible(c).casefold() for c in found]
        at: dict[str, int] = {}
        for role, names in wanted.items():
            places = [n for n, text in enumerate(texts) if text in {visible(name).casefold() for name in names}]
            if len(places) != 1:
                times = "is missing" if not places else f"stands {len(places)} times"
                raise LayoutError(f"{where}: heading {' or '.join(map(repr, names))} {times}; found {_shown(found)}")
            at[role] = places[0]
        self.no_others(found, set(at.values()), [name for names in wanted.values() for name in names], where)
        return at

    def no_others(self, found: Sequence[object], used: set[int], wanted: Sequence[str], where: str) -> None:
        """LayoutError for a heading that is neither used nor known, is said twice, or looks like one that is wanted."""
        seen: Counter[str] = Counter()
        for column, cell in enumerate(found):
            text = visible(cell)
            if not text or column in used:
                continue
            known = any(re.fullmatch(p, text, re.IGNORECASE) for p in self.unused_headings if p != ANYTHING)
            like = next((w for w in wanted if _alike(text, w)), None)
            if not known and (like is not None or ANYTHING not in self.unused_headings):
                beside = f", beside {like!r}" if like else ""
                raise LayoutError(
                    f"{where}, column {cell_name(0, column)[:-1]}: heading {text!r} is not one this layout knows{beside}; found {_shown(found)}. "
                    "If it holds nothing that is wanted, add it to `unused_headings` of the layout."
                )
            seen[text.casefold()] += 1
        self.headings_unused.update(seen)

    def sheet(self, names: Sequence[str], wanted: Sequence[str]) -> str:
        """The one sheet named as one of `wanted`; every other is known. LayoutError otherwise."""
        texts = {visible(w).casefold() for w in wanted}
        found = [n for n in names if visible(n).casefold() in texts]
        if len(found) != 1:
            times = "no sheet" if not found else f"{len(found)} sheets"
            raise LayoutError(f"{times} named {' or '.join(map(repr, wanted))}; found {', '.join(map(repr, names))}")
        self.sheets(names, found)
        return found[0]

    def sheets(self, names: Sequence[str], read: Sequence[str]) -> None:
        """Count the sheets that are read, and hold the others to what the layout knows. LayoutError for one that is new."""
        for name in names:
            if name in read:
                self.sheets_read.append(name)
            elif any(re.fullmatch(p, visible(name), re.IGNORECASE) for p in self.unused_sheets):
                self.skipped["sheets"] += 1
            else:
                raise LayoutError(
                    f"sheet {name!r} is not one this layout knows; found {', '.join(map(repr, names))}. "
                    "If it holds nothing that is wanted, add it to `unused_sheets` of the layout."
                )

    # rows

    def each(self, rows: Sequence[Sequence[Any]], first: int, where: str) -> Iterator[tuple[int, Sequence[Any]]]:
        """(number, row) of each row, `first` being the number of the first. A row with a number must be read or passed over for a reason.

        LayoutError names the row of which neither was said.
        """
        for number, row in enumerate(rows, start=first):
            self._claimed = False
            yield number, row
            if self._claimed:
                continue
            if has_number(row):
                raise LayoutError(f"{where}, row {number + 1}: it holds numbers and is no row this layout knows: {_shown(row)}")
            self.skipped["rows without a number"] += 1

    def read(self, rows: int = 1) -> None:
        """Count rows of which figures are taken."""
        self._claimed = True
        self.rows_read += rows

    def skip(self, reason: str, rows: int = 1) -> None:
        """Count rows that are passed over, under a reason in the plural ('regions')."""
        self._claimed = True
        self.skipped[reason] += rows

    def area(self, cell: object, where: str, name: object = "") -> str | None:
        """The code of a council or of England; None for another area, which is counted as passed over.

        A row without a code is passed over if its `name` is one the layout knows; LayoutError at `where` for a code that is none.
        """
        code = as_code(cell)
        if COUNCIL.fullmatch(code) or code == ENGLAND:
            return code
        for pattern, kind in OTHER_AREAS.items():
            if re.fullmatch(pattern, code):
                self.skip(kind)
                return None
        text = visible(name)
        if text and any(re.fullmatch(p, text, re.IGNORECASE) for p in self.unused_rows):
            self.skip("totals and classes without a code")
            return None
        raise LayoutError(f"{where}: {str(cell)[:40]!r} is no code of an area" + (f" (of {text[:60]!r})" if text else ""))

    # totals

    def total(self, where: str, stated: float | None, parts: Collection[float | None], within: float, what: str = "") -> None:
        """Hold a total that the file states against the sum of its parts; one that is marked (None or NaN) is bounded: the
        total may be more by as much as other parts are.

        `within` is the rounding the file states or shows. LayoutError names the place, the total and the sum, unless the publisher is
        known to have got it wrong.
        """
        values = [v for v in parts if v is not None and not math.isnan(v)]
        if stated is None or math.isnan(stated) or not values:
            self.totals_not_comparable += 1
            return
        found, marked = math.fsum(values), len(parts) - len(values)
        if marked:
            # the total may hold an estimate of what is marked, but no more than such parts are
            self.totals_not_comparable += 1
            second = sorted(map(abs, values))[-min(2, len(values))]
            if abs(stated - found) <= within + marked * AS_LARGE * second:
                return
        self.same(where, stated, found, within, what or f"the sum of {len(values)} parts")

    def same(self, where: str, stated: float, found: float, within: float, what: str) -> None:
        """Hold a number that the file states against what follows from its others. LayoutError if they differ by more than `within`."""
        self.totals_compared += 1
        if abs(stated - found) <= within:
            return
        place = next((p for p in self.known_differences if _place(p) == _place(where)), None)
        known = self.known_differences[place] if place else None
        if known and abs(known[0] - stated) <= 1e-6 and abs(known[1] - found) <= 1e-6:
            self.differences_met.add(str(place))
            return
        raise LayoutError(
            f"{where}: the file says {stated:,.10g}, {what} is {found:,.10g}. A row or a column is not what it seems to be; if the "
            "publisher made the error, add it to known_differences.csv with its reason."
        )

    def account(self) -> dict[str, Any]:
        """What was read and what was passed over, as plain values."""
        return {
            "sheets_read": len(self.sheets_read),
            "rows_read": self.rows_read,
            "passed_over": dict(sorted(self.skipped.items())),
            "headings_unused": sum(self.headings_unused.values()),
            "totals_compared": self.totals_compared,
            "totals_not_comparable": self.totals_not_comparable,
            "rows_that_do_not_add_up": self.rows_that_do_not_add_up,
        }


def _alike(text: str, wanted: str) -> bool:
    """Whether a heading begins or ends with the words of a wanted one, or differs from it in signs alone."""
    bare, want = (re.sub(r"[^a-z0-9]+", " ", t.casefold()).strip() for t in (text, wanted))
    return bool(want) and (bare == want or bare.startswith(f"{want} ") or bare.replace(" ", "") == want.replace(" ", ""))


def _place(where: str) -> str:
    """A place whatever way its sheet is written this year."""
    return where.replace("_", " ").casefold()


def _shown(cells: Sequence[object]) -> str:
    return ", ".join(text for c in cells if (text := visible(c)))[:400]
