"""Pictures of one council: spine charts, the trend of its rank, sparklines, what changed its productivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from orchestration.pages.marks import Row, Table, shown
from orchestration.pages.pictures.svg import WIDTH, Picture, Scale, element, label, line, number, path, text, title, together

SPINE_ROW = 32.0


@dataclass(frozen=True)
class Spine:
    """One measure of a spine chart, in the measure's unit."""

    name: str
    form: str
    polarity: int
    spread: Row
    """Row of measure_spread."""
    value: float | None
    lower: float | None = None
    upper: float | None = None
    peers: float | None = None
    """Median of the peers."""
    before: float | None = None
    """Last year's value, where the two years compare."""


def spine_chart(picture_id: str, heading: str, spines: Sequence[Spine], table: Table | None) -> Picture:
    """A line for each measure from the worst council (left) to the best (right), whatever its polarity.

    Light: all councils; dark: the middle half; bar: the median council; dot: this council with its 95 % interval; diamond: its peers' median;
    ring: the year before.
    """
    left, right, top = 290.0, 14.0, 26.0
    height = top + SPINE_ROW * len(spines) + 8
    parts: list[Markup] = [
        text(left, 14, "worst council", "tick"),
        text(WIDTH - right, 14, "best council", "tick", "end"),
    ]
    better = 0
    for n, spine in enumerate(spines):
        y = top + SPINE_ROW * n + SPINE_ROW / 2
        ends = (spine.spread["lowest"], spine.spread["highest"])
        x = _held(Scale(*(ends if spine.polarity > 0 else ends[::-1]), left, WIDTH - right), left, WIDTH - right)
        quarter = sorted((x(spine.spread["lower_quartile"]), x(spine.spread["upper_quartile"])))
        marks: list[Markup | str] = [
            label(left - 10, y, spine.name),
            element("rect", x=left, y=y - 6, width=WIDTH - right - left, height=12.0, class_="all"),
            element("rect", x=quarter[0], y=y - 6, width=max(1.0, quarter[1] - quarter[0]), height=12.0, class_="half"),
            line(x(spine.spread["median"]), y - 9, x(spine.spread["median"]), y + 9, "axis"),
        ]
        said = f"{spine.name}: {shown(spine.value, spine.form)}, median of councils {shown(spine.spread['median'], spine.form)}"
        if spine.peers is not None:
            said += f", median of peers {shown(spine.peers, spine.form)}"
            marks.append(element("path", d=f"M{number(x(spine.peers))} {number(y - 7)}l6 7l-6 7l-6 -7z", class_="diamond"))
        if spine.before is not None:
            said += f", the year before {shown(spine.before, spine.form)}"
            marks.append(element("circle", cx=float(x(spine.before)), cy=y, r=5, class_="ring"))
        if spine.value is not None:
            if spine.lower is not None and spine.upper is not None:
                marks.append(line(x(spine.lower), y, x(spine.upper), y, "whisker"))
            good = (spine.value - spine.spread["median"]) * spine.polarity >= 0
            better += good
            marks.append(element("circle", cx=float(x(spine.value)), cy=y, r=6, class_="dot here" if good else "dot here below"))
        parts.append(element("g", together(title(said), *marks)))
    held = sum(s.value is not None for s in spines)
    words = f"Of {held} measures with a value {better} are at the median of councils or better."
    return Picture(picture_id, heading, words, WIDTH, height, together(*parts), table, legend=_spine_legend(), is_wide=True)


def _held(scale: Scale, start: float, end: float) -> Scale:
    """The same scale, but places beyond its ends are drawn at the ends."""

    class Held(Scale):
        def __call__(self, value: float) -> float:
            return min(max(super().__call__(value), start), end)

    return Held(scale.low, scale.high, scale.start, scale.end)


def _spine_legend() -> Markup:
    key = '<span class="key"><svg viewBox="0 0 14 14" aria-hidden="true">{}</svg>{}</span>'
    drawn = (
        ('<circle cx="7" cy="7" r="6" class="dot here"/>', "this council, at the median or better, with its 95 % interval"),
        ('<circle cx="7" cy="7" r="6" class="dot here below"/>', "worse than the median"),
        ('<circle cx="7" cy="7" r="5" class="ring"/>', "the year before"),
        ('<path d="M7 0l6 7l-6 7l-6 -7z" class="diamond"/>', "median of its peers"),
        ('<path d="M7 0v14" class="axis"/>', "median council"),
        ('<rect y="2" width="14" height="10" class="half"/>', "middle half of councils"),
    )
    return Markup("").join(Markup(key).format(Markup(shape), words) for shape, words in drawn)


def rank_trend(
    picture_id: str, heading: str, *, years: Sequence[str], rows: Sequence[Row], breaks: Sequence[str], table: Table, last: int
) -> Picture:
    """Rank by year with its interval; no line across a year without a rank or across a break, which is drawn.

    `breaks` are years that are not compared with the year before; `last` is the number of ranks there can be.
    """
    height, left, right, top, bottom = 280.0, 40.0, 20.0, 20.0, 34.0
    x, y = Scale(0, max(1, len(years) - 1), left + 30, WIDTH - right - 30), Scale(1, last, top, height - bottom)
    parts: list[Markup] = []
    for tick in [1, *range(25, last + 1, 25)]:
        parts += [line(left, y(tick), WIDTH - right, y(tick), "grid"), text(left - 6, y(tick) + 4, str(tick), "tick", "end")]
    by_year = {str(r["financial_year"]): r for r in rows}
    runs: list[list[tuple[float, float]]] = [[]]
    marks: list[Markup] = []
    for n, year in enumerate(years):
        parts.append(text(x(n), height - 12, year, "tick", "middle"))
        row = by_year.get(year)
        if year in breaks and n:
            between = x(n - 0.5)
            parts += [line(between, top - 8, between, height - bottom, "cut"), text(between, top - 10, "break", "tick", "middle")]
        if year in breaks or row is None or row["rank"] is None:
            runs.append([])
        if row is None or row["rank"] is None:
            parts.append(text(x(n), (top + height - bottom) / 2, "not ranked", "tick", "middle"))
            continue
        runs[-1].append((x(n), y(row["rank"])))
        said = f"{year}: rank {row['rank']}"
        whisker: Markup | str = ""
        if row["lower_rank"] is not None:
            said += f", 90 % interval {row['lower_rank']} to {row['upper_rank']}"
            whisker = line(x(n), y(row["lower_rank"]), x(n), y(row["upper_rank"]), "whisker")
        dot = element("circle", cx=float(x(n)), cy=float(y(row["rank"])), r=6, class_="dot here")
        marks.append(element("g", together(title(said), whisker, dot)))
    lines = [path(run, "trend") for run in runs if len(run) > 1]
    ranked = [r for r in rows if r["rank"] is not None]
    words = f"Ranked in {len(ranked)} of {len(years)} years." + (
        f" First {ranked[0]['rank']} in {ranked[0]['financial_year']}, last {ranked[-1]['rank']} in {ranked[-1]['financial_year']}."
        if ranked
        else ""
    )
    return Picture(picture_id, heading, words, WIDTH, height, together(*parts, *lines, *marks), table)


def sparkline(
    years: Sequence[str], values: dict[str, float], england: dict[str, float], breaks: Sequence[str], words: str
) -> Markup:
    """A small trend for a table's cell: the council (strong) and England (thin), no line across a missing year or a break."""
    width, height = 96.0, 24.0
    held = [*values.values(), *england.values()]
    if not values or not held:
        return Markup("")
    x = Scale(0, max(1, len(years) - 1), 4, width - 4)
    y = (
        Scale(min(held), max(held), height - 4, 4)
        if max(held) > min(held)
        else Scale(min(held) - 1, max(held) + 1, height - 4, 4)
    )
    parts: list[Markup] = []
    for series, kind in ((england, "thin"), (values, "trend")):
        run: list[tuple[float, float]] = []
        for n, year in enumerate(years):
            if year in breaks and run:
                parts.append(path(run, kind) if len(run) > 1 else _alone(run[0], kind))
                run = []
            if year in series:
                run.append((x(n), y(series[year])))
            elif run:
                parts.append(path(run, kind) if len(run) > 1 else _alone(run[0], kind))
                run = []
        if run:
            parts.append(path(run, kind) if len(run) > 1 else _alone(run[0], kind))
    for year in breaks:
        if year in years and years.index(year):
            at = x(years.index(year) - 0.5)
            parts.append(line(at, 1, at, height - 1, "cut"))
    newest = max(values)
    parts.append(element("circle", cx=float(x(years.index(newest))), cy=float(y(values[newest])), r=2.5, class_="dot here"))
    return Markup('<svg class="spark" role="img" aria-label="{}" viewBox="0 0 96 24">{}</svg>').format(words, together(*parts))


def _alone(point: tuple[float, float], kind: str) -> Markup:
    return element("circle", cx=float(point[0]), cy=float(point[1]), r=1.5, class_=f"alone {kind}")


def contribution_bars(picture_id: str, heading: str, bars: Sequence[tuple[str, float]], table: Table | None) -> Picture:
    """What raised (right) and what lowered (left) productivity since the year before."""
    row, left, right, top = 30.0, 290.0, 50.0, 8.0
    height = top + row * len(bars) + 8
    most = max((abs(v) for _, v in bars), default=1.0) or 1.0
    x = Scale(-most, most, left + 44, WIDTH - right)
    parts: list[Markup] = [line(x(0), top, x(0), height - 8, "axis")]
    for n, (name, value) in enumerate(bars):
        y = top + row * n
        start, end = sorted((x(0), x(value)))
        up = value >= 0
        parts.append(
            element(
                "g",
                together(
                    title(f"{name}: {shown(value, '+1')}"),
                    label(left - 4, y + 12, name),
                    element(
                        "rect",
                        x=start,
                        y=y + 4,
                        width=max(0.8, end - start),
                        height=row - 8,
                        class_="bar up" if up else "bar down",
                    ),
                    text(end + 4 if up else start - 4, y + 16, shown(value, "+1"), "tick", "start" if up else "end"),
                ),
            )
        )
    words = f"{sum(v > 0 for _, v in bars)} of the {len(bars)} shown raised it, {sum(v < 0 for _, v in bars)} lowered it."
    return Picture(picture_id, heading, words, WIDTH, height, together(*parts), table, is_wide=True)
