"""Councils beside each other, beside their own past and beside their peers: `asc compare`, `asc trend`, `asc peers`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestration.cli.ranking import interval
from orchestration.cli.rows import text
from orchestration.publication import queries
from orchestration.publication.wording import WARNING, measure_label

MOST = 5
BARS = "▁▂▃▄▅▆▇█"


def compare(release: Path, codes: list[str], definition: str, year: str) -> pd.DataFrame:
    """One row for each thing that is compared, a column for each council: rank, interval ends, scores, spend, then every measure's value."""
    columns: dict[str, list[object]] = {"item": [], "unit": [], "better": []}
    rows = queries.ranking(release, definition, year).frame().set_index("area_code")
    measures = {code: queries.council_measures(release, code, definition, year).frame() for code in codes}
    facts = (
        ("rank", "rank", "lower"),
        ("rank_p05", "rank", ""),
        ("rank_p95", "rank", ""),
        ("outcome_score", "score", "higher"),
        ("spend_per_adult_gbp", "gbp", ""),
        ("spend_index", "index", ""),
        ("productivity", "index", "higher"),
        ("coverage", "share", ""),
    )
    columns["item"] = [name for name, _, _ in facts]
    columns["unit"] = [unit for _, unit, _ in facts]
    columns["better"] = [better for _, _, better in facts]
    first = measures[codes[0]]
    columns["item"] += [measure_label(m["measure_name"], m["breakdown"]) for _, m in first.iterrows()]
    columns["unit"] += list(first["unit"])
    columns["better"] += ["higher" if p > 0 else "lower" for p in first["polarity"]]
    for code in codes:
        name = str(rows.loc[code, "area_name"])
        columns[name if name not in columns else f"{name} {code}"] = [
            *(rows.loc[code, fact] for fact, _, _ in facts),
            *measures[code].set_index("measure_id").loc[first["measure_id"], "value"],
        ]
    return pd.DataFrame(columns)


def print_compare(console: Console, release: Path, codes: list[str], definition: str, year: str) -> None:
    """The comparison in blocks: what the rank is made of, then the measures by domain."""
    ranked = {row["area_code"]: row for row in queries.ranking(release, definition, year).rows()}
    rows = [ranked[code] for code in codes]
    console.print(f"\n[bold]{year}[/] (definition {definition})", highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Council")
    for name in ("Rank", "90 %", "Outcome", "£/adult", "Prod.", "Cover"):
        table.add_column(name, justify="left" if name == "90 %" else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            Text(str(row["area_name"])),
            text(row["rank"]),
            interval(row),
            text(row["outcome_score"], 1),
            text(row["spend_per_adult_gbp"], 0),
            text(row["productivity"], 1),
            "–" if row["coverage"] is None else f"{row['coverage']:.0%}",
        )
    console.print(table)
    for row in (row for row in rows if row["rank"] is None):
        console.print(f"{row['area_name']}: {row['unranked_reason']}", highlight=False, markup=False, soft_wrap=True)
    values = {code: queries.council_measures(release, code, definition, year).frame().set_index("measure_id") for code in codes}
    letters = {code: chr(ord("A") + n) for n, code in enumerate(codes)}
    named = {code: str(row["area_name"]) for code, row in zip(codes, rows, strict=True)}
    console.print("\n" + ", ".join(f"{letters[code]} {named[code]}" for code in codes), highlight=False, markup=False)
    for domain, measures in values[codes[0]].groupby("domain_name", sort=False):
        block = Table(box=None, header_style="bold", pad_edge=False, title=str(domain), title_justify="left", title_style="bold")
        block.add_column("Measure")
        for code in codes:
            block.add_column(letters[code], justify="right", no_wrap=True)
        block.add_column("England", justify="right", no_wrap=True)
        block.add_column("Best", no_wrap=True)
        for measure_id, m in measures.iterrows():
            own = {code: values[code]["value"].to_dict()[measure_id] for code in codes}
            there = {code: value * m["polarity"] for code, value in own.items() if pd.notna(value)}
            best = [letters[code] for code, value in there.items() if value == max(there.values())]
            places = int(m["decimals"])
            block.add_row(
                Text(measure_label(m["measure_name"], m["breakdown"])),
                *(text(own[c], places) for c in codes),
                text(m["england_value"], places),
                "" if len(best) == len(codes) else ", ".join(best),
            )
        console.print(block)
    console.print(f"\n{WARNING}", style="yellow", highlight=False)


def print_trend(console: Console, release: Path, area_code: str, definition: str) -> None:
    """One line an item: the years as bars from its lowest to its highest, and first and last value."""
    frame = queries.trend(release, area_code, definition).frame()
    years = sorted(frame["financial_year"].unique())
    name = queries.council(release, area_code)["area_name"]
    console.print(f"\n[bold]{name}[/], {years[0]} to {years[-1]} (definition {definition})", highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Item")
    table.add_column("Years", no_wrap=True)
    for column in ("First", "Last"):
        table.add_column(column, justify="right", no_wrap=True)
    for domain, items in frame.groupby("domain_name", sort=False):
        table.add_row(Text(str(domain), style="bold"))
        for item, rows in items.groupby("item", sort=False):
            series = rows.set_index("financial_year")["value"].reindex(years)
            there = series.dropna()
            if there.empty:
                continue
            places = int(rows["decimals"].iloc[0])
            table.add_row(
                Text(f"  {str(item).replace(' where split', ' or all ages')}"),
                bars(series),
                text(there.iloc[0], places),
                text(there.iloc[-1], places),
            )
    console.print(table)
    console.print(
        f"A bar a year, {', '.join(years)}; a dot where there is no value. A high bar is a high value, not a good one.",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )
    broken = queries.years_not_compared(release, definition)
    if broken:
        console.print(f"Not comparable with the year before: {', '.join(broken)}.", highlight=False, soft_wrap=True)


def bars(series: pd.Series) -> str:
    """Values as bars between the lowest and the highest; a dot for none."""
    low, high = series.min(), series.max()
    step = (high - low) / (len(BARS) - 1) if high > low else 1.0
    return "".join("·" if pd.isna(v) else BARS[round((v - low) / step)] for v in series)


def print_peers(console: Console, release: Path, area_code: str, definition: str, year: str) -> None:
    """The most similar councils with what their rank is made of, the council itself first."""
    rows = queries.ranking(release, definition, year).frame()
    own = rows[rows["area_code"] == area_code].iloc[0]
    peers = queries.peers(release, area_code, definition, year).frame()
    console.print(
        f"\n[bold]{own['area_name']} and the councils most like it[/], {year} (definition {definition})", highlight=False
    )
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Council")
    for column in ("Rank", "Outcome", "£/adult", "Prod.", "Unlike"):
        table.add_column(column, justify="right", no_wrap=True)
    for style, row in [("bold", own), *(("", row) for _, row in peers.iterrows())]:
        table.add_row(
            Text(str(row["area_name"])),
            text(row["rank"]),
            text(row["outcome_score"], 1),
            text(row["spend_per_adult_gbp"], 0),
            text(row["productivity"], 1),
            text(row.get("distance"), 2),
            style=style,
        )
    console.print(table)
    console.print(
        "Unlike: distance in deprivation, ages and population (docs/method.md); the smaller the more alike.",
        style="dim",
        highlight=False,
    )
    ranked = peers["rank"].dropna()
    if pd.notna(own["rank"]) and len(ranked):
        above = int((ranked < own["rank"]).sum())
        console.print(f"{above} of {len(ranked)} ranked peers stand above it.", highlight=False)
