"""`asc council`: one council's years, and for one year its rank's certainty, its values against England and where they were published.

From plain rows, as `asc ranking` is: importing frames would take longer than all its questions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from orchestration.cli.ranking import WIDE, interval, movement
from orchestration.cli.rows import text
from orchestration.publication import queries
from orchestration.publication.names import UnknownError
from orchestration.publication.queries import Row
from orchestration.publication.wording import COUNTED, WARNING, measure_label


def print_council(console: Console, release: Path, area_code: str, definition: str, year: str | None) -> None:
    """One council: its years, and for one year its domains, its values against England and their sources."""
    council = queries.council(release, area_code)
    console.print(
        f"\n[bold]{council['area_name']}[/] {area_code}, {council['council_type']}, {council['region']}",
        highlight=False,
    )
    if council["ended_by"] is not None:
        console.print(
            f"  {council['ended_by']} on {council['in_force_until']:%d %B %Y}: see {council['successor_codes']}",
            highlight=False,
        )
    elif council["predecessor_codes"] is not None:
        console.print(f"  came from {council['predecessor_codes']}", highlight=False)
    years = queries.council_years(release, area_code, definition).rows()
    if not years:
        console.print("  No year of this definition has this council.")
        return
    wide = console.width >= WIDE
    columns: list[tuple[str, JustifyMethod, Callable[[Row], str]]] = [
        ("Year", "left", lambda row: str(row["financial_year"])),
        ("Rank", "right", lambda row: text(row["rank"])),
        ("90 %", "left", interval),
        ("Moved", "left", movement),
        ("Outcome", "right", lambda row: text(row["outcome_score"], 1)),
        ("£/adult", "right", lambda row: text(row["spend_per_adult_gbp"], 0)),
        ("Spend index", "right", lambda row: text(row["spend_index"], 2)),
        ("Productivity", "right", lambda row: text(row["productivity"], 1)),
        ("Cover", "right", lambda row: "–" if row["coverage"] is None else f"{row['coverage']:.0%}"),
        ("Quadrant", "left", lambda row: "" if row["rank"] is None else str(row["quadrant"])),
    ]
    columns = [c for c in columns if wide or c[0] not in {"Spend index", "Quadrant"}]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, justify, _ in columns:
        table.add_column("Prod." if name == "Productivity" and not wide else name, justify=justify, no_wrap=True)
    for row in years:
        table.add_row(*[Text(cell(row)) for _, _, cell in columns])
    console.print(table)
    for row in (row for row in years if row["rank"] is None):
        console.print(f"  {row['financial_year']}: {row['unranked_reason']}", highlight=False, markup=False, soft_wrap=True)

    if year is None:
        year = str(([row for row in years if row["rank"] is not None] or years)[-1]["financial_year"])
    then = next((row for row in years if row["financial_year"] == year), None)
    if then is None:
        theirs = ", ".join(row["financial_year"] for row in years)
        raise UnknownError(f"{council['area_name']} has no row in {year}. Its years: {theirs}.")
    code = str(then["area_code"])
    console.print(f"\n[bold]{year}[/]", highlight=False)
    for row in queries.council_domains(release, code, definition, year).rows():
        score = f"score {row['domain_score']:.1f}, rank {row['domain_rank']}" if row["domain_score"] is not None else "no score"
        console.print(
            f"  {row['domain_name']}: {score} ({row['measures_with_value']} of {row['measures_in_force']} measures)",
            highlight=False,
        )
    _print_doubts(console, queries.doubts(release, code, year).rows())
    _print_certainty(console, release, code, definition, year)
    _print_measures(console, queries.council_measures(release, code, definition, year).rows())
    _print_movement(console, queries.movement(release, code, definition, year).rows(), then)
    _print_peers(console, release, code, definition, year)
    console.print(f"\n{WARNING}", style="yellow", highlight=False)


def _print_doubts(console: Console, doubts: Sequence[Row]) -> None:
    """Figures of the council and year that the register has, with what was decided of them."""
    for d in doubts:
        name = {"spend": "Net spend", "spend_line": f"Form RO3, line {d['subject_id']}"}.get(d["subject"], d["measure_name"])
        console.print(
            f"\nDoubtful, {d['decision']}: {name}. {d['evidence']}.",
            style="yellow",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        if d["reason"]:
            console.print(f"  {d['reason']}", style="yellow", highlight=False, markup=False, soft_wrap=True)
        if d["implied_spend_per_adult_gbp"] is not None:
            console.print(
                f"  The return itself implies about £{d['implied_spend_per_adult_gbp']:,.0f} per adult: an estimate, used in no ranking.",
                style="yellow",
                highlight=False,
                soft_wrap=True,
            )


def _print_certainty(console: Console, release: Path, area_code: str, definition: str, year: str) -> None:
    intervals = {str(row["uncertainty_of"]): row for row in queries.rank_intervals(release, area_code, definition, year).rows()}
    if not intervals:
        return
    both = intervals["both"]
    alone = [
        f"{interval(intervals[kind])} by {words} alone"
        for kind, words in (("data", "chance in the figures"), ("method", "choices of method"))
        if kind in intervals
    ]
    console.print(
        f"\nRank {both['rank']}. Nine in ten such intervals hold the true rank: {interval(both)}"
        + (f" ({', '.join(alone)})" if alone else "")
        + (f". {_group(release, area_code, definition, year)}" if alone else "")
        + f". Probability of the top ten {both['probability_top_ten']:.0%}, of the best quarter {both['probability_top_quarter']:.0%}, "
        f"of standing above the median of its peers {both['probability_above_peers']:.0%}.",
        highlight=False,
        soft_wrap=True,
    )
    drivers = queries.rank_drivers(release, area_code, definition, year).rows()
    if drivers:
        shown = ", ".join(f"{d['factor_name'].lower()} {d['total']:.0%}" for d in drivers[:4])
        console.print(
            f"What moves this rank (total Sobol index: the share of its variance that would go if this were fixed): {shown}.",
            highlight=False,
            soft_wrap=True,
        )
    without = queries.rank_without(release, area_code, definition, year).rows()
    changed = [row for row in without if row["places_gained"]][:3]
    if changed:
        shown = ", ".join(f"{w['element_name']} ({w['rank_without']})" for w in changed)
        console.print(f"It would move most without: {shown}.", highlight=False, soft_wrap=True)


def _group(release: Path, area_code: str, definition: str, year: str) -> str:
    found = queries.rank_group(release, area_code, definition, year).rows()
    if not found:
        return "It promises nothing about all councils at once"
    row = found[0]
    others = (
        "nobody else" if row["group_5_pct_councils"] == 1 else f"{row['group_5_pct_councils']} councils that cannot be told apart"
    )
    return (
        f"Group {row['group_5_pct']}: {others}. For all councils at once, with 90 % confidence, no more can be said than "
        f"{row['simultaneous_best']}–{row['simultaneous_worst']}"
    )


def _print_movement(console: Console, contributions: Sequence[Row], row: Row) -> None:
    if not contributions:
        if row["movement_note"]:
            console.print(f"\n{row['movement_note']}.", highlight=False, soft_wrap=True)
        return
    total = sum(c["contribution"] for c in contributions)
    shown = ", ".join(f"{c['name']}{COUNTED[c['counted']]} {c['contribution']:+.1f}" for c in contributions[:5])
    console.print(
        f"\nProductivity changed by {total:+.1f} since the year before. Most of it: {shown}.", highlight=False, soft_wrap=True
    )
    if row["movement_note"]:
        console.print(f"{row['movement_note']}.", style="dim", highlight=False, soft_wrap=True)


def _print_peers(console: Console, release: Path, area_code: str, definition: str, year: str) -> None:
    peers = queries.peers(release, area_code, definition, year).rows()
    if not peers:
        return
    named = ", ".join(f"{p['area_name']} ({text(p['rank'])})" for p in peers)
    console.print(f"\nMost similar councils (rank): {named}.", highlight=False, soft_wrap=True)
    for o in queries.opportunity(release, area_code, definition, year).rows():
        if o["opportunity_gbp"] > 0:
            console.print(
                f"At the productivity of their upper quartile ({o['peer_upper_quartile_productivity']:.1f}) the same outcomes would cost "
                f"£{o['spend_at_peer_upper_quartile_gbp'] / 1e6:,.1f} million instead of £{o['spend_gbp'] / 1e6:,.1f} million: arithmetic, not a forecast.",
                highlight=False,
                soft_wrap=True,
            )
        else:
            console.print("It is at or above their upper quartile of productivity.", highlight=False)


def _print_measures(console: Console, measures: Sequence[Row]) -> None:
    wide = console.width >= WIDE
    for domain, rows in groupby(measures, key=lambda row: str(row["domain_name"])):
        table = Table(box=None, header_style="bold", pad_edge=False, title=Text(domain), title_justify="left", title_style="bold")
        table.add_column("Measure")
        for name in ("Value", "England"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
        table.add_column("Score", justify="right", no_wrap=True)
        if wide:
            table.add_column("Where published, or why there is none")
        without = []
        for row in rows:
            places, name = int(row["decimals"]), measure_label(row["measure_name"], row["breakdown"])
            why = _why_uncounted(row)
            better = ""
            if not why and row["england_value"] is not None and row["value"] != row["england_value"]:
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


def _why_uncounted(row: Row) -> str:
    """Why a measure does not count for the council; empty if it does."""
    if row["is_withheld"]:
        return f"withheld: {row['doubt']}"
    return str(row["missing_reason"]) if row["value"] is None else ""
