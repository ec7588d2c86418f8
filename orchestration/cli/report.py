"""What the command line prints: tables and sentences made from frames. Nothing is computed that a mart does not hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestration.cli.ranking import WIDE, print_ranking
from orchestration.publication import queries
from orchestration.publication.release import read_manifest
from orchestration.publication.wording import WARNING

SET_ASIDE_SHOWN = 5
DETAIL_WIDTH = 120  # the whole of it is in --format csv and json


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
    question, state = queries.ranking(release, definition, year), queries.year_state(release, year)
    frame, everything = question.frame(), question.rows()
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
    measures = queries.measures_in_force(release, year).frame()
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
    aside = queries.rows(
        release,
        "select rule, item, breakdown, period, area_code, value, source, edition, locator from meta.quarantine order by all",
    )
    if aside:
        console.print(
            f"  [yellow]Set aside: {len(aside)}, each for a rule that it breaks (meta.quarantine); values are missing for it[/]"
        )
        for one in aside[:SET_ASIDE_SHOWN]:
            console.print(
                f"    {one['item']} {one['breakdown']} {one['period']}, {one['area_code']}: {one['value']:g} in {one['source']} {one['edition']}, "
                f"{one['locator']}. {one['rule']}",
                highlight=False,
                soft_wrap=True,
            )
    carried = measures.loc[measures["value_basis"] == "carried_forward", "measure_name"]
    console.print(
        f"  Modelled in {year}: spend per adult of {int(has_rank['is_spend_modelled'].sum())} councils; "
        f"measures carried forward: {', '.join(carried) if len(carried) else 'none'}",
        highlight=False,
        soft_wrap=True,
    )
    doubted = queries.query(
        release,
        "select count(*) filter (decision = 'withheld') as withheld, count(*) as all_doubted from marts.fct_doubtful_figure "
        "where financial_year = ?",
        [year],
    ).iloc[0]
    console.print(
        f"  Doubtful in {year}: {doubted['all_doubted']} figures, {doubted['withheld']} withheld (marts.fct_doubtful_figure has each with "
        "its evidence; definition as_published ranks on all)",
        highlight=False,
        soft_wrap=True,
    )
    console.print(
        f"  Coverage: {len(has_rank)} of {len(frame)} councils ranked; on average {has_rank['coverage'].mean():.1%} of the weight has a value",
        highlight=False,
        soft_wrap=True,
    )
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
