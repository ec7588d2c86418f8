"""Pictures of all councils of a year: the hexagon map, spend against outcome, the intervals of all ranks, movement between two years."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from orchestration.pages.marks import Row, Table, shown
from orchestration.pages.pictures.svg import WIDTH, Picture, Scale, element, line, number, path, text, title, together

FIFTHS = 5
HEXAGON = 21.0
"""From its centre to a corner."""


def fifths(rows: Sequence[Row], column: str, best_is_low: bool) -> dict[str, int]:
    """Council -> which fifth of those with a value it is in, 1 the best. Councils of the same value are in the same fifth."""
    held = sorted((r for r in rows if r[column] is not None), key=lambda r: r[column] if best_is_low else -r[column])
    found: dict[str, int] = {}
    last: tuple[float, int] | None = None
    for place, row in enumerate(held):
        fifth = last[1] if last and last[0] == row[column] else 1 + place * FIFTHS // len(held)
        found[str(row["area_code"])], last = fifth, (row[column], fifth)
    return found


def hexagon_map(
    picture_id: str,
    heading: str,
    rows: Sequence[Row],
    column: str,
    form: str,
    *,
    places: Mapping[str, Row],
    table: Table | None,
    best_is_low: bool,
    mark: str = "",
) -> Picture:
    """One hexagon for each council, London among them, darker for a better fifth; its number is in it.

    `places` has `hex_q` and `hex_r` (odd rows stand half a hexagon to the right, north is up). `mark` is a council to point at.
    """
    by_fifth = fifths(rows, column, best_is_low)
    held = [(row, places[str(row["area_code"])]) for row in rows if places[str(row["area_code"])]["hex_q"] is not None]
    wide, tall = HEXAGON * math.sqrt(3), HEXAGON * 1.5
    top = max(int(p["hex_r"]) for _, p in held)
    left = min(int(p["hex_q"]) for _, p in held)

    def centre(place: Row) -> tuple[float, float]:
        q, r = int(place["hex_q"]) - left, int(place["hex_r"])
        return (q + 0.5 * (r % 2) + 0.6) * wide, (top - r) * tall + HEXAGON + 2

    corners = " ".join(
        f"{number(HEXAGON * 0.96 * math.sin(math.pi / 3 * n))},{number(HEXAGON * 0.96 * math.cos(math.pi / 3 * n))}"
        for n in range(6)
    )
    cells = [element("defs", element("polygon", id=f"{picture_id}-h", points=corners))]
    marked: list[Markup] = []
    for row, place in held:
        x, y = centre(place)
        code = str(row["area_code"])
        fifth = by_fifth.get(code, 0)
        said = f"{row['area_name']}: {shown(row[column], form)}" if fifth else f"{row['area_name']}: no value"
        cell = element(
            "g",
            together(
                title(said),
                element("use", href=f"#{picture_id}-h"),
                element("text", shown(row[column], form), y=4, text_anchor="middle") if fifth else "",
            ),
            class_=f"hx f{fifth}" + (" here" if code == mark else ""),
            transform=f"translate({number(x)} {number(y)})",
            data_code=code,
        )
        (marked if code == mark else cells).append(cell)  # what is pointed at is drawn last, on top
    width = max(centre(p)[0] for _, p in held) + wide * 0.7
    height = max(centre(p)[1] for _, p in held) + HEXAGON + 2
    words = f"{len(by_fifth)} councils have a value; {len(held) - len(by_fifth)} have none."
    london = {(int(p["hex_q"]), int(p["hex_r"])): centre(p) for r, p in held if r["region"] == "London"}
    return Picture(
        picture_id, heading, words, width, height, together(*cells, *_around(london), *marked), table, legend=_legend()
    )


def _around(cells: Mapping[tuple[int, int], tuple[float, float]]) -> list[Markup]:
    """A line around London, and its name: (column, row) -> centre."""
    drawn: list[Markup] = []
    for (q, r), (x, y) in cells.items():
        odd = r % 2
        # the neighbour beyond each edge, the edge's ends as corners counted clockwise from the top
        beyond = {
            (q + odd, r + 1): (0, 1),
            (q + 1, r): (1, 2),
            (q + odd, r - 1): (2, 3),
            (q - 1 + odd, r - 1): (3, 4),
            (q - 1, r): (4, 5),
            (q - 1 + odd, r + 1): (5, 0),
        }
        for neighbour, ends in beyond.items():
            if neighbour not in cells:
                (x1, y1), (x2, y2) = (
                    (x + HEXAGON * math.sin(math.pi / 3 * n), y - HEXAGON * math.cos(math.pi / 3 * n)) for n in ends
                )
                drawn.append(line(x1, y1, x2, y2, "around"))
    if cells:
        rows = sorted(r for _, r in cells)
        x, y = max(centre for (_, r), centre in cells.items() if r == rows[len(rows) // 2])
        drawn.append(text(x + HEXAGON * 1.2, y + 4, "London", "lab"))
    return drawn


def _legend() -> Markup:
    names = ("best fifth", "second", "third", "fourth", "last fifth")
    swatch = (
        '<span class="key"><svg viewBox="0 0 14 14" aria-hidden="true" class="f{}"><rect width="14" height="14"/></svg>{}</span>'
    )
    return Markup("").join(Markup(swatch).format(n, name) for n, name in [*enumerate(names, 1), (0, "not ranked or no value")])


def spend_against_outcome(
    picture_id: str, heading: str, rows: Sequence[Row], table: Table | None, *, mark: str = "", peers: Sequence[str] = ()
) -> Picture:
    """Each ranked council by its spend index (across) and outcome score (up); lines at England's spend and at the councils' mean outcome."""
    ranked = [r for r in rows if r["rank"] is not None and r["spend_index"] is not None]
    height, left, right, top, bottom = 420, 44, 12, 14, 46
    lows = [r["spend_index"] for r in ranked]
    scores = [r["outcome_score"] for r in ranked]
    x = Scale(math.floor(min(lows) * 10) / 10, math.ceil(max(lows) * 10) / 10, left, WIDTH - right)
    y = Scale(math.floor(min(scores) / 5) * 5, math.ceil(max(scores) / 5) * 5, height - bottom, top)
    mean = sum(scores) / len(scores)
    parts = [
        *(
            together(line(x(t), top, x(t), height - bottom, "grid"), text(x(t), height - bottom + 16, f"{t:g}", "tick", "middle"))
            for t in x.ticks(8)
        ),
        *(
            together(line(left, y(t), WIDTH - right, y(t), "grid"), text(left - 6, y(t) + 4, f"{t:g}", "tick", "end"))
            for t in y.ticks(6)
        ),
        line(x(1), top, x(1), height - bottom, "axis"),
        line(left, y(mean), WIDTH - right, y(mean), "axis"),
        text((left + WIDTH - right) / 2, height - 8, "Spend per adult relative to England (1 = England)", "lab", "middle"),
        element(
            "text",
            "Outcome score",
            class_="lab",
            text_anchor="middle",
            transform=f"translate(12 {number((top + height - bottom) / 2)}) rotate(-90)",
        ),
        text(left + 6, top + 12, "better outcomes, lower spend", "corner"),
        text(WIDTH - right - 6, top + 12, "better outcomes, higher spend", "corner", "end"),
        text(left + 6, height - bottom - 6, "worse outcomes, lower spend", "corner"),
        text(WIDTH - right - 6, height - bottom - 6, "worse outcomes, higher spend", "corner", "end"),
    ]
    near = set(peers)
    for row in sorted(ranked, key=lambda r: (r["area_code"] == mark, r["area_code"] in near)):
        code = str(row["area_code"])
        kind = "dot here" if code == mark else "dot peer" if code in near else "dot"
        said = f"{row['area_name']}: outcome {shown(row['outcome_score'], '1')}, spend index {shown(row['spend_index'], '2')}"
        at = {"cx": float(x(row["spend_index"])), "cy": float(y(row["outcome_score"]))}
        parts.append(element("circle", title(said), r=7 if code == mark else 4, class_=kind, data_code=code, **at))
        if code == mark:
            end = at["cx"] > WIDTH * 0.7
            parts.append(
                text(at["cx"] + (-11 if end else 11), at["cy"] + 4, str(row["area_name"]), "name", "end" if end else "start")
            )
    quadrants = {str(r["quadrant"]) for r in ranked}
    counts = ", ".join(f"{sum(r['quadrant'] == q for r in ranked)} {q}" for q in sorted(quadrants))
    key = Markup("")
    if mark:
        key = Markup(
            '<span class="key"><svg viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="6" class="dot here"/></svg>this council</span>'
            '<span class="key"><svg viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="4" class="dot peer"/></svg>its peers</span>'
            '<span class="key"><svg viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="4" class="dot"/></svg>other councils</span>'
        )
    return Picture(
        picture_id, heading, f"Of {len(ranked)} councils: {counts}.", WIDTH, height, together(*parts), table, legend=key
    )


def rank_intervals(picture_id: str, heading: str, rows: Sequence[Row], table: Table | None) -> Picture:
    """Every ranked council from left to right by rank, its interval as a line from the best to the worst rank."""
    ranked = [r for r in rows if r["rank"] is not None and r["lower_rank"] is not None]
    height, left, right, top, bottom = 340, 40, 8, 20, 40
    last = max(max(r["upper_rank"], r["rank"]) for r in ranked)
    x, y = Scale(1, len(ranked), left + 6, WIDTH - right - 6), Scale(1, last, top, height - bottom)
    parts: list[Markup] = []
    for tick in [1, *(t for t in range(25, last + 1, 25))]:
        parts += [line(left, y(tick), WIDTH - right, y(tick), "grid"), text(left - 6, y(tick) + 4, str(tick), "tick", "end")]
    parts.append(text((left + WIDTH - right) / 2, height - 8, "Councils from rank 1 (left) to the last (right)", "lab", "middle"))
    before = None
    for place, row in enumerate(ranked, 1):
        at = x(place)
        if row["rank_group"] is not None and row["rank_group"] != before:
            if before is not None:
                between = (at + x(place - 1)) / 2
                parts.append(line(between, top - 6, between, height - bottom, "cut"))
            parts.append(text(at - 2, top - 8, str(row["rank_group"]), "lab"))
            before = row["rank_group"]
        said = f"{row['area_name']}: rank {row['rank']}, 90 % interval {row['lower_rank']} to {row['upper_rank']}"
        parts.append(
            element(
                "g",
                together(
                    title(said),
                    line(at, y(row["lower_rank"]), at, y(row["upper_rank"]), "whisker"),
                    element("circle", cx=float(at), cy=float(y(row["rank"])), r=2.2, class_="dot here"),
                ),
                data_code=row["area_code"],
            )
        )
    widths = sorted(r["upper_rank"] - r["lower_rank"] for r in ranked)
    words = f"Half of the intervals are {widths[len(widths) // 2] + 1} ranks wide or wider. Letters are groups: within one, councils cannot be told apart."
    return Picture(picture_id, heading, words, WIDTH, height, together(*parts), table, is_wide=True)


SLOPES = 5
"""Councils named among those that gained most, and among those that lost most."""


def movement(
    picture_id: str, heading: str, pairs: Sequence[tuple[Row, int, int]], years: tuple[str, str], table: Table
) -> Picture:
    """Ranks of two years joined by a line; the councils that gained and lost most are drawn strongly and named.

    `pairs` are (row, rank before, rank now).
    """
    height, left, right, top, bottom = 560, 190, 190, 34, 12
    last = max(max(a, b) for _, a, b in pairs)
    y = Scale(1, last, top, height - bottom)
    far = sorted(pairs, key=lambda p: p[1] - p[2])
    strong = [*[p for p in far[-SLOPES:] if p[1] > p[2]], *[p for p in far[:SLOPES] if p[1] < p[2]]]
    named = {id(p[0]) for p in strong}
    parts = [
        text(left, 16, f"Rank in {years[0]}", "lab", "middle"),
        text(WIDTH - right, 16, f"Rank in {years[1]}", "lab", "middle"),
        *(path([(left, y(a)), (WIDTH - right, y(b))], "slope") for row, a, b in pairs if id(row) not in named),
    ]
    ends = (
        ([(a, f"{row['area_name']} {a}") for row, a, _ in strong], left - 8, "end"),
        ([(b, f"{b} {row['area_name']}") for row, _, b in strong], WIDTH - right + 8, "start"),
    )
    for names, x, anchor in ends:
        names.sort()
        for (_, words), at in zip(names, _apart([y(rank) for rank, _ in names]), strict=True):
            parts.append(text(x, at + 4, words, "name small", anchor))
    for row, a, b in strong:
        said = f"{row['area_name']}: from {a} to {b}"
        parts.append(
            element(
                "g",
                together(title(said), path([(left, y(a)), (WIDTH - right, y(b))], "slope up" if a > b else "slope down")),
                data_code=row["area_code"],
            )
        )
    said_of_all = f"{len(pairs)} councils have a rank in both years. Named are those that gained most (full lines) and lost most (dashed lines)."
    return Picture(picture_id, heading, said_of_all, WIDTH, height, together(*parts), table, is_wide=True)


def _apart(places: list[float], least: float = 15.0) -> list[float]:
    """Places of labels moved down so that none covers the one above it."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + least) if moved else place)
    return moved
