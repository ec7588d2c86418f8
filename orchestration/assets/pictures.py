"""Pictures for the pages of Dagster: rank intervals, one line a council, and bars. SVG by hand: a plotting library would be the heaviest package."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ROW, LEFT, WIDTH, TOP_MARGIN = 11, 190, 620, 34
INTERVAL, MIDDLE, POINT = "#6BACE6", "#2073BC", "#12436D"


def rank_intervals_svg(frame: pd.DataFrame, title: str) -> str:
    """One row a council in order of rank: 90 % interval (thin), middle half (thick), rank (dot).

    `frame` has area_name, rank, rank_p05, rank_p25, rank_p75, rank_p95. ValueError if it is empty.
    """
    if frame.empty:
        raise ValueError("there is no rank to draw")
    frame = frame.sort_values(["rank", "area_name"])
    most = int(frame["rank_p95"].max())
    row_height, size = (2 * ROW, 12) if len(frame) <= 20 else (ROW, 9)
    height = TOP_MARGIN + row_height * len(frame) + 20

    def x(rank: float) -> float:
        return round(LEFT + (rank - 1) / max(most - 1, 1) * WIDTH, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 30}" height="{height}" role="img" font-family="sans-serif" font-size="{size}">',
        f'<title>{escape(title)}</title><rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="16" font-size="13">{escape(title)}</text>',
    ]
    for tick in (1, *range(25, most + 1, 25)):
        parts.append(
            f'<line x1="{x(tick)}" x2="{x(tick)}" y1="{TOP_MARGIN - 6}" y2="{height - 16}" stroke="#ddd"/>'
            f'<text x="{x(tick)}" y="{TOP_MARGIN - 8}" text-anchor="middle">{tick}</text>'
        )
    for position, row in enumerate(frame.to_dict("records")):
        y = TOP_MARGIN + row_height * (position + 0.5)
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 3}" text-anchor="end">{escape(str(row["area_name"]))} {int(row["rank"])}</text>'
            f'<line x1="{x(row["rank_p05"])}" x2="{x(row["rank_p95"])}" y1="{y}" y2="{y}" stroke="{INTERVAL}" stroke-width="2"/>'
            f'<line x1="{x(row["rank_p25"])}" x2="{x(row["rank_p75"])}" y1="{y}" y2="{y}" stroke="{MIDDLE}" stroke-width="5"/>'
            f'<circle cx="{x(row["rank"])}" cy="{y}" r="3" fill="{POINT}"/>'
        )
    return "".join(parts) + "</svg>"


def bars_svg(shares_pct: Mapping[str, float], title: str) -> str:
    """One bar a label, from 0 to 100 %, with its number. ValueError if there is none."""
    if not shares_pct:
        raise ValueError("there is no bar to draw")
    row = 2 * ROW
    height = TOP_MARGIN + row * len(shares_pct) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 30}" height="{height}" role="img" font-family="sans-serif" font-size="12">',
        f'<title>{escape(title)}</title><rect width="100%" height="100%" fill="white"/><text x="8" y="16" font-size="13">{escape(title)}</text>',
    ]
    for position, (label, share) in enumerate(shares_pct.items()):
        y, length = TOP_MARGIN + row * position, share / 100 * (WIDTH - 60)
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{LEFT}" y="{y + 2}" width="{length:.1f}" height="{row - 6}" fill="{MIDDLE}"/>'
            f'<text x="{LEFT + length + 6:.1f}" y="{y + 15}">{share:.1f} %</text>'
        )
    return "".join(parts) + "</svg>"


def as_markdown(svg: str, alternative: str) -> str:
    """The picture inside markdown, so that it needs no file."""
    return f"![{alternative}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
