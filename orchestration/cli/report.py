"""What the command line prints: tables and sentences made from frames. Nothing is computed that a mart does not hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from orchestration.cli.ranking import WIDE, print_ranking
from orchestration.cli.rows import text
from orchestration.publication import queries
from orchestration.publication.names import UnknownError
from orchestration.publication.release import read_manifest
from orchestration.publication.wording import WARNING, measure_label

DETAIL_WIDTH = 120  # the whole of it is in --format csv and json


def interval(row: pd.Series) -> str:
    """The interval that holds the true rank in nine of ten cases: '3–19'."""
    return "–" if pd.isna(row["rank_p05"]) else f"{int(row['rank_p05'])}–{int(row['rank_p95'])}"


def movement(row: pd.Series) -> str:
    """Places gained or lost since last year."""
    change = row["rank_change"]
    if pd.isna(change):
        return "–"
    return "=" if change == 0 else f"▲ {int(change)}" if change > 0 else f"▼ {-int(change)}"


def print_sources(console: Console, shown: pd.DataFrame, everything: pd.DataFrame, raw_dir: Path) -> None:
    """Editions by source, and a line that counts them by state."""
    if console.width >= WIDE:
        console.print(_sources_table(shown))
    else:
        _print_sources_as_lines(console, shown)
    counts = everything["state"].value_counts()
    said = ", ".join(f"{counts.get(state, 0)} {state}" for state in ("held", "reissued", "embedded", "missing"))
    console.print(
        f"{len(everything)} editions: {said}; {(everything['failing_since'] != '').sum()} failing. Files are in {raw_dir}.",
        highlight=False,
    )
    console.print(
        "embedded: no file is held, its figures are part of the project. asc fetch downloads, asc import takes a file.",
        highlight=False,
    )
    by_hand = everything[everything["detail"].str.startswith("no address is known")]
    if len(by_hand):
        said = "; ".join(
            f"{source}: {', '.join(rows['edition'].head(4))}{f' and {len(rows) - 4} more' if len(rows) > 4 else ''}"
            for source, rows in by_hand.groupby("source")
        )
        console.print(
            f"For a person to get, because no address was ever seen ({len(by_hand)}): {said}.", highlight=False, soft_wrap=True
        )
    else:
        console.print("Every edition that is missing has an address: asc fetch gets it.", highlight=False)


STATES = {"held": "green", "reissued": "yellow", "missing": "red"}


def _sources_table(shown: pd.DataFrame) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("source", "edition", "year", "state", "failing since", "what to do or why", "licence"):
        table.add_column(column, no_wrap=column != "what to do or why", overflow="fold")
    for row in shown.itertuples():
        state = Text(str(row.state), style=STATES.get(str(row.state), ""))
        cells = (
            row.source,
            row.edition,
            row.financial_year,
            state,
            str(row.failing_since)[:10],
            _short(row.detail),
            _licence(row),
        )
        table.add_row(*[cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells])
    return table


def _print_sources_as_lines(console: Console, shown: pd.DataFrame) -> None:
    """Where the table does not fit: a heading for each source, a line for each edition."""
    for source, rows in shown.groupby("source", sort=False):
        console.print(f"[bold]{source}[/], {_licence(rows.iloc[0])}", highlight=False)
        for _, row in rows.iterrows():
            since = f", failing since {str(row['failing_since'])[:10]}" if row["failing_since"] else ""
            line = Text(f"  {row['edition']}: ").append(str(row["state"]), STATES.get(str(row["state"]), "")).append(since)
            console.print(line.append(f". {_short(row['detail'])}" if row["detail"] else ""), soft_wrap=True)


def _short(detail: object) -> str:
    told = str(detail)
    return told if len(told) <= DETAIL_WIDTH else f"{told[:DETAIL_WIDTH]}…"


def _licence(row: Any) -> str:
    return str(row.licence).replace("Open Government Licence v3.0", "OGL v3.0")


def print_missing(console: Console, states: pd.DataFrame) -> None:
    """What a run from publishers' files did without, a line a source: editions that stand on embedded figures, and those missing."""
    held = states["state"].isin(["held", "reissued"])
    console.print(f"\n[bold]Publishers' files[/]: {held.sum()} of {len(states)} editions held", highlight=False)
    for source, rows in states[~held].groupby("source", sort=False):
        parts = [
            f"{words} {', '.join(rows.loc[rows['state'] == state, 'edition'])}"
            for state, words in (("embedded", "embedded figures stand for"), ("missing", "missing:"))
            if (rows["state"] == state).any()
        ]
        console.print(f"  {source}: {'; '.join(parts)}", highlight=False, soft_wrap=True)
    failing = int((states["failing_since"] != "").sum())
    console.print(f"  {failing} could not be fetched: asc sources --failing says why and since when", highlight=False)


def print_release(console: Console, release: Path) -> None:
    """The end of a run: the top ten, what it rests on, where the files are, and what to try next."""
    manifest = read_manifest(release)
    definition = "default"
    year = queries.resolve_year(release, definition, None)
    frame = queries.ranking(release, definition, year)
    everything, state = queries.ranking_rows(release, definition, year), queries.year_state(release, year)
    print_ranking(
        console, [r for r in everything if (r["rank"] or 11) <= 10], year, definition, everything=everything, state=state
    )

    years = queries.query(
        release,
        "select financial_year, count(rank) as ranked from marts.productivity_ranking where definition_id = ? group by 1 order by 1",
        [definition],
    )
    ranked = ", ".join(f"{y} ({n})" for y, n in years.itertuples(index=False) if n)
    not_ranked = ", ".join(y for y, n in years.itertuples(index=False) if not n)
    measures = queries.measures_in_force(release, year)
    sources = pd.Series([e["source"] for e in manifest["editions"]]).value_counts()
    has_rank = frame[frame["rank"].notna()]
    console.print("\n[bold]What it rests on[/]")
    console.print(f"  Years ranked (councils): {ranked}" + (f"; not ranked: {not_ranked}" if not_ranked else ""), highlight=False)
    for domain, rows in measures.groupby("domain_name", sort=False):
        console.print(f"  {domain}, {year}: {len(rows)} measures", highlight=False)
    console.print(
        f"  {len(manifest['editions'])} editions: " + ", ".join(f"{s} {n}" for s, n in sources.items()),
        highlight=False,
        soft_wrap=True,
    )
    provenance = queries.query(
        release, "select provenance, count(*) as figures from marts.fct_published_figure group by 1 order by 1"
    )
    words = {"embedded": "embedded", "publishers": "read from publishers' files"}
    said = ", ".join(f"{n:,} {words[p]}" for p, n in provenance.itertuples(index=False))
    console.print(f"  Figures: {said}", highlight=False)
    carried = measures.loc[measures["value_basis"] == "carried_forward", "measure_name"]
    console.print(
        f"  Modelled in {year}: spend per adult of {int(has_rank['is_spend_modelled'].sum())} councils; "
        f"measures carried forward: {', '.join(carried) if len(carried) else 'none'}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    doubted = queries.query(
        release,
        "select count(*) filter (decision = 'withheld') as withheld, count(*) as all_doubted from marts.fct_doubtful_figure "
        "where financial_year = ?",
        [year],
    ).iloc[0]
    console.print(
        f"  Doubtful in {year}: {doubted['all_doubted']} figures, {doubted['withheld']} withheld (marts.fct_doubtful_figure has each with "
        "its evidence; definition as_published ranks on all)",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    console.print(
        f"  Coverage: {len(has_rank)} of {len(frame)} councils ranked; on average {has_rank['coverage'].mean():.1%} of the weight has a value",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    console.print(f"\n{WARNING}", style="yellow", highlight=False)
    definitions = queries.query(release, "select definition_id, provenance from marts.dim_definition order by 1")
    own = list(definitions.loc[definitions["provenance"] == "user", "definition_id"])
    console.print(
        f"\nDefinitions side by side: {', '.join(definitions['definition_id'])}"
        + (f" (yours: {', '.join(own)})" if own else "")
        + "; asc ranking --definition shows each.",
        highlight=False,
        soft_wrap=True,
    )
    console.print("\n[bold]Where it is[/]")
    console.print(f"  {release}", highlight=False, soft_wrap=True)
    console.print(
        "  asc.duckdb, a CSV and a Parquet for each table, pages in site/; data/releases/current always points to the newest",
        highlight=False,
    )
    console.print("\n[bold]Try next[/] (with .venv/bin before asc, or after `source .venv/bin/activate`)")
    for example in (
        "asc open",
        "asc ranking --year 2018-19 --top 20",
        'asc council "County Durham"',
        'asc sql "from marts.national_summary"',
        "make ui",
    ):
        console.print(f"  {example}", highlight=False)


def print_council(console: Console, release: Path, area_code: str, definition: str, year: str | None) -> None:
    """One council: its years, and for one year its domains, its values against England and their sources."""
    council = queries.council(release, area_code)
    console.print(
        f"\n[bold]{council['area_name']}[/] {area_code}, {council['council_type']}, {council['region']}",
        highlight=False,
    )
    if council["ended_by"] is not None and not pd.isna(council["ended_by"]):
        console.print(
            f"  {council['ended_by']} on {council['in_force_until']:%d %B %Y}: see {council['successor_codes']}",
            highlight=False,
        )
    elif council["predecessor_codes"] is not None and not pd.isna(council["predecessor_codes"]):
        console.print(f"  came from {council['predecessor_codes']}", highlight=False)
    years = queries.council_years(release, area_code, definition)
    if years.empty:
        console.print("  No year of this definition has this council.")
        return
    wide = console.width >= WIDE
    columns: list[tuple[str, JustifyMethod, Callable[[pd.Series], str]]] = [
        ("Year", "left", lambda row: str(row["financial_year"])),
        ("Rank", "right", lambda row: text(row["rank"])),
        ("90 %", "left", interval),
        ("Moved", "left", movement),
        ("Outcome", "right", lambda row: text(row["outcome_score"], 1)),
        ("£/adult", "right", lambda row: text(row["spend_per_adult_gbp"], 0)),
        ("Spend index", "right", lambda row: text(row["spend_index"], 2)),
        ("Productivity", "right", lambda row: text(row["productivity"], 1)),
        ("Cover", "right", lambda row: "–" if pd.isna(row["coverage"]) else f"{row['coverage']:.0%}"),
        ("Quadrant", "left", lambda row: "" if pd.isna(row["rank"]) else str(row["quadrant"])),
    ]
    columns = [c for c in columns if wide or c[0] not in {"Spend index", "Quadrant"}]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, justify, _ in columns:
        table.add_column("Prod." if name == "Productivity" and not wide else name, justify=justify, no_wrap=True)
    for _, row in years.iterrows():
        table.add_row(*[Text(cell(row)) for _, _, cell in columns])
    console.print(table)
    for _, row in years[years["rank"].isna()].iterrows():
        console.print(f"  {row['financial_year']}: {row['unranked_reason']}", highlight=False, markup=False, soft_wrap=True)

    if year is None:
        ranked = years[years["rank"].notna()]
        year = str((ranked if len(ranked) else years).iloc[-1]["financial_year"])
    code_then = years.loc[years["financial_year"] == year, "area_code"]
    if code_then.empty:
        raise UnknownError(f"{council['area_name']} has no row in {year}. Its years: {', '.join(years['financial_year'])}.")
    code = str(code_then.iloc[0])
    console.print(f"\n[bold]{year}[/]", highlight=False)
    for _, row in queries.council_domains(release, code, definition, year).iterrows():
        score = (
            f"score {row['domain_score']:.1f}, rank {int(row['domain_rank'])}" if pd.notna(row["domain_score"]) else "no score"
        )
        console.print(
            f"  {row['domain_name']}: {score} ({row['measures_with_value']} of {row['measures_in_force']} measures)",
            highlight=False,
        )
    _print_doubts(console, queries.doubts(release, code, year))
    _print_certainty(console, release, code, definition, year)
    _print_measures(console, queries.council_measures(release, code, definition, year))
    _print_movement(console, queries.movement(release, code, definition, year), years[years["financial_year"] == year].iloc[0])
    _print_peers(console, release, code, definition, year)
    console.print(f"\n{WARNING}", style="yellow", highlight=False)


def _print_doubts(console: Console, doubts: pd.DataFrame) -> None:
    """Figures of the council and year that the register has, with what was decided of them."""
    for _, d in doubts.iterrows():
        name = {"spend": "Net spend", "spend_line": f"Form RO3, line {d['subject_id']}"}.get(d["subject"], d["measure_name"])
        console.print(
            f"\nDoubtful, {d['decision']}: {name}. {d['evidence']}.",
            style="yellow",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        if isinstance(d["reason"], str):
            console.print(f"  {d['reason']}", style="yellow", highlight=False, markup=False, soft_wrap=True)
        if pd.notna(d["implied_spend_per_adult_gbp"]):
            console.print(
                f"  The return itself implies about £{d['implied_spend_per_adult_gbp']:,.0f} per adult: an estimate, used in no ranking.",
                style="yellow", highlight=False, soft_wrap=True,
            )  # fmt: skip


def _print_certainty(console: Console, release: Path, area_code: str, definition: str, year: str) -> None:
    intervals = {
        str(row["uncertainty_of"]): row for _, row in queries.rank_intervals(release, area_code, definition, year).iterrows()
    }
    if not intervals:
        return
    both = intervals["both"]
    alone = [
        f"{interval(intervals[kind])} by {words} alone"
        for kind, words in (("data", "chance in the figures"), ("method", "choices of method"))
        if kind in intervals
    ]
    console.print(
        f"\nRank {int(both['rank'])}. Nine in ten such intervals hold the true rank: {interval(both)}"
        + (f" ({', '.join(alone)})" if alone else "")
        + (f". {_group(release, area_code, definition, year)}" if alone else "")
        + f". Probability of the top ten {both['probability_top_ten']:.0%}, of the best quarter {both['probability_top_quarter']:.0%}, "
        f"of standing above the median of its peers {both['probability_above_peers']:.0%}.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    drivers = queries.rank_drivers(release, area_code, definition, year)
    if len(drivers):
        shown = ", ".join(f"{d['factor_name'].lower()} {d['total']:.0%}" for _, d in drivers.head(4).iterrows())
        console.print(
            f"What moves this rank (total Sobol index: the share of its variance that would go if this were fixed): {shown}.",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    without = queries.rank_without(release, area_code, definition, year)
    changed = without[without["places_gained"] != 0].head(3)
    if len(changed):
        shown = ", ".join(f"{w['element_name']} ({int(w['rank_without'])})" for _, w in changed.iterrows())
        console.print(f"It would move most without: {shown}.", highlight=False, soft_wrap=True)


def _group(release: Path, area_code: str, definition: str, year: str) -> str:
    found = queries.rank_group(release, area_code, definition, year)
    if found.empty:
        return "It promises nothing about all councils at once"
    row = found.iloc[0]
    others = (
        "nobody else"
        if row["group_5_pct_councils"] == 1
        else f"{int(row['group_5_pct_councils'])} councils that cannot be told apart"
    )
    return (
        f"Group {row['group_5_pct']}: {others}. For all councils at once, with 90 % confidence, no more can be said than "
        f"{int(row['simultaneous_best'])}–{int(row['simultaneous_worst'])}"
    )


def _print_movement(console: Console, contributions: pd.DataFrame, row: pd.Series) -> None:
    if contributions.empty:
        if isinstance(row["movement_note"], str):
            console.print(f"\n{row['movement_note']}.", highlight=False, soft_wrap=True)
        return
    total = contributions["contribution"].sum()
    shown = ", ".join(f"{c['name']}{_gone_or_new(c)} {c['contribution']:+.1f}" for _, c in contributions.head(5).iterrows())
    console.print(
        f"\nProductivity changed by {total:+.1f} since the year before. Most of it: {shown}.", highlight=False, soft_wrap=True
    )
    if isinstance(row["movement_note"], str):
        console.print(f"{row['movement_note']}.", style="dim", highlight=False, soft_wrap=True)


def _gone_or_new(contribution: pd.Series) -> str:
    """A measure that counts on one side only moves productivity by its weight, not because the council changed."""
    if pd.isna(contribution["score_now"]):
        return " (no longer counted)"
    return " (newly counted)" if pd.isna(contribution["score_before"]) else ""


def _print_peers(console: Console, release: Path, area_code: str, definition: str, year: str) -> None:
    peers = queries.peers(release, area_code, definition, year)
    if peers.empty:
        return
    named = ", ".join(f"{p['area_name']} ({text(p['rank'])})" for _, p in peers.iterrows())
    console.print(f"\nMost similar councils (rank): {named}.", highlight=False, soft_wrap=True)
    for _, o in queries.opportunity(release, area_code, definition, year).iterrows():
        if o["opportunity_gbp"] > 0:
            console.print(
                f"At the productivity of their upper quartile ({o['peer_upper_quartile_productivity']:.1f}) the same outcomes would cost "
                f"£{o['spend_at_peer_upper_quartile_gbp'] / 1e6:,.1f} million instead of £{o['spend_gbp'] / 1e6:,.1f} million: arithmetic, not a forecast.",
                highlight=False, soft_wrap=True,
            )  # fmt: skip
        else:
            console.print("It is at or above their upper quartile of productivity.", highlight=False)


def _print_measures(console: Console, measures: pd.DataFrame) -> None:
    wide = console.width >= WIDE
    for domain, rows in measures.groupby("domain_name", sort=False):
        table = Table(
            box=None, header_style="bold", pad_edge=False, title=Text(str(domain)), title_justify="left", title_style="bold"
        )
        table.add_column("Measure")
        for name in ("Value", "England"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
        table.add_column("Score", justify="right", no_wrap=True)
        if wide:
            table.add_column("Where published, or why there is none")
        without = []
        for _, row in rows.iterrows():
            places, name = int(row["decimals"]), measure_label(row["measure_name"], row["breakdown"])
            why = _why_uncounted(row)
            better = ""
            if not why and pd.notna(row["england_value"]) and row["value"] != row["england_value"]:
                better = "better" if (row["value"] - row["england_value"]) * row["polarity"] > 0 else "worse"
            where = why or f"{row['publisher']}, {row['source']} {row['edition']}, {row['item']} {row['breakdown']}"
            if not why and row["value_basis"] == "carried_forward":
                where = f"carried forward from {row['value_year']}; {where}"
            cells = [
                name,
                text(row["value"], places),
                text(row["england_value"], places),
                better,
                "" if why else text(row["score"], 1),
            ]
            table.add_row(*[Text(cell) for cell in ([*cells, where] if wide else cells)])
            if why or row["value_basis"] == "carried_forward":
                without.append(f"{name}: {why or 'carried forward from ' + str(row['value_year'])}")
        console.print(table)
        if not wide:
            for line in without:
                console.print(f"  {line}", style="dim", highlight=False, markup=False, soft_wrap=True)
    if not wide:
        console.print("Where each figure was published: asc explain.", style="dim", highlight=False)


def _why_uncounted(row: pd.Series) -> str:
    """Why a measure does not count for the council; empty if it does."""
    if pd.notna(row["is_withheld"]) and bool(row["is_withheld"]):
        return f"withheld: {row['doubt']}"
    return str(row["missing_reason"]) if pd.isna(row["value"]) else ""
