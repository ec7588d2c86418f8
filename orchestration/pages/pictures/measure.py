"""The picture of one measure through the years: where the middle half of councils lies, the median council, England."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from orchestration.pages.marks import Row, Table, shown
from orchestration.pages.pictures.svg import WIDTH, Picture, Scale, element, line, path, text, title, together


def spread_trend(
    picture_id: str, heading: str, spreads: Sequence[Row], *, breaks: Sequence[str], form: str, table: Table
) -> Picture:
    """`spreads` are rows of measure_spread in the order of years; nothing is joined across a break."""
    height, left, right, top, bottom = 280.0, 56.0, 16.0, 24.0, 34.0
    held = [v for s in spreads for v in (s["lower_quartile"], s["upper_quartile"], s["england_value"]) if v is not None]
    span = (max(held) - min(held)) or 1.0
    x = Scale(0, max(1, len(spreads) - 1), left + 30, WIDTH - right - 30)
    y = Scale(min(held) - span * 0.1, max(held) + span * 0.1, height - bottom, top)
    parts: list[Markup] = []
    for tick in y.ticks(5):
        parts += [line(left, y(tick), WIDTH - right, y(tick), "grid"), text(left - 6, y(tick) + 4, f"{tick:g}", "tick", "end")]
    runs: dict[str, list[list[tuple[float, float]]]] = {"median": [[]], "england_value": [[]]}
    marks: list[Markup] = []
    for n, spread in enumerate(spreads):
        year = str(spread["financial_year"])
        parts.append(text(x(n), height - 12, year, "tick", "middle"))
        if year in breaks and n:
            parts += [
                line(x(n - 0.5), top - 8, x(n - 0.5), height - bottom, "cut"),
                text(x(n - 0.5), top - 10, "break", "tick", "middle"),
            ]
            for series in runs.values():
                series.append([])
        said = f"{year}: median {shown(spread['median'], form)}, middle half {shown(spread['lower_quartile'], form)} to {shown(spread['upper_quartile'], form)}"
        bar = element(
            "rect",
            x=x(n) - 12,
            y=y(spread["upper_quartile"]),
            width=24.0,
            height=max(1.0, y(spread["lower_quartile"]) - y(spread["upper_quartile"])),
            class_="half",
        )
        england: Markup | str = ""
        if spread["england_value"] is not None:
            said += f", England {shown(spread['england_value'], form)}"
            runs["england_value"][-1].append((x(n), y(spread["england_value"])))
            england = element("path", d=f"M{x(n):.1f} {y(spread['england_value']) - 7:.1f}l6 7l-6 7l-6 -7z", class_="diamond")
        runs["median"][-1].append((x(n), y(spread["median"])))
        dot = element("circle", cx=float(x(n)), cy=float(y(spread["median"])), r=5, class_="dot here")
        marks.append(element("g", together(title(said), bar, england, dot)))
    lines = [
        path(run, kind) for name, kind in (("england_value", "thin"), ("median", "trend")) for run in runs[name] if len(run) > 1
    ]
    legend = Markup(
        '<span class="key"><svg viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="5" class="dot here"/></svg>median council</span>'
        '<span class="key"><svg viewBox="0 0 14 14" aria-hidden="true"><path d="M7 0l6 7l-6 7l-6 -7z" class="diamond"/></svg>England</span>'
        '<span class="key"><svg viewBox="0 0 14 14" aria-hidden="true"><rect y="2" width="14" height="10" class="half"/></svg>middle half of councils</span>'
    )
    words = f"{len(spreads)} years" + (f", with a break before {', '.join(breaks)}." if breaks else ".")
    return Picture(picture_id, heading, words, WIDTH, height, together(*parts, *lines, *marks), table, legend=legend)
