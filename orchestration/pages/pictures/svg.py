"""What pictures share: scales, elements, and a picture with its words and its table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape

from orchestration.pages.marks import Table

WIDTH = 720
"""Of a picture in its own units; on a page it is as wide as its column."""


@dataclass(frozen=True)
class Picture:
    """A drawing, what it says in words, and the table with the same numbers."""

    id: str
    title: str
    words: str
    """The text alternative: what a person would say who sees it."""
    width: float
    height: float
    drawing: Markup
    table: Table | None
    legend: Markup | str = ""
    is_wide: bool = False
    """Too fine to shrink to a small screen: it scrolls there."""

    @property
    def svg(self) -> Markup:
        return Markup(
            '<svg id="{}" role="img" aria-label="{}" viewBox="0 0 {} {}" xmlns="http://www.w3.org/2000/svg" '
            'preserveAspectRatio="xMidYMin meet">{}</svg>'
        ).format(self.id, f"{self.title}. {self.words}", number(self.width), number(self.height), self.drawing)


@dataclass(frozen=True)
class Scale:
    """From values to places, linear."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        return self.start if span == 0 else self.start + (value - self.low) / span * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round numbers within the scale, about so many."""
        return list(_ticks(self.low, self.high, about))


def _ticks(low: float, high: float, about: int) -> Iterator[float]:
    span = high - low
    if span <= 0:
        yield low
        return
    rough = 10 ** math.floor(math.log10(span / about))
    step = next(rough * m for m in (1, 2, 5, 10) if span / (rough * m) <= about)
    at = math.ceil(low / step - 1e-9)
    while at * step <= high + 1e-9 * span:
        yield round(at * step, 10)
        at += 1


def number(value: float) -> str:
    """A place, to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")


def element(name: str, content: Markup | str = "", /, **attributes: object) -> Markup:
    """One element; `_` in a name is `-`, `class_` is class, floats are places."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{number(value) if isinstance(value, float) else escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}/>") if content == "" else Markup(f"<{name}{written}>{escape(content)}</{name}>")


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def text(x: float, y: float, words: str, class_: str = "", anchor: str = "start") -> Markup:
    return element(
        "text", words, x=float(x), y=float(y), class_=class_ or None, text_anchor=None if anchor == "start" else anchor
    )


def label(x: float, y: float, words: str, most: int = 40) -> Markup:
    """A name that ends at `x`, in two lines where it is long; what still does not fit ends in an ellipsis and stands whole in the table."""
    if len(words) <= most:
        return text(x, y + 4, words, "label", "end")
    cut = words.rfind(" ", 0, most + 1)
    first, second = words[:cut], words[cut + 1 :]
    if len(second) > most:
        second = second[: most - 1].rstrip(" ,") + "…"
    return together(text(x, y - 3, first, "label", "end"), text(x, y + 10, second, "label", "end"))


def title(words: str) -> Markup:
    """What a mark says when a pointer rests on it."""
    return element("title", words)


def path(points: list[tuple[float, float]], class_: str) -> Markup:
    return element("path", d="M" + "L".join(f"{number(x)} {number(y)}" for x, y in points), class_=class_)


def together(*parts: Markup | str) -> Markup:
    return Markup("").join(parts)
