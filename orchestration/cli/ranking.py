"""`asc ranking` as a table: from plain rows, because half of the time of a quick command would go into importing what makes frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from orchestration.publication.queries import Row

WIDE = 115  # columns that the whole ranking needs
MISSING = "–"


def _number(value: float | None, places: int = 0) -> str:
    return MISSING if value is None else f"{value:,.{places}f}"


def interval(row: Row) -> str:
    """The interval that holds the true rank in nine of ten cases: '3–19'."""
    return MISSING if row["rank_p05"] is None else f"{row['rank_p05']}–{row['rank_p95']}"


def movement(row: Row) -> str:
    """Places gained or lost since last year."""
    change = row["rank_change"]
    return MISSING if change is None else "=" if change == 0 else f"▲ {change}" if change > 0 else f"▼ {-change}"


def notes(row: Row) -> str:
    """What to know of a rank: tied, spend doubtful, values withheld."""
    said = ["tied"] if row["is_tied"] else []
    said += ["spend doubtful"] if row["is_spend_doubtful"] else []
    said += [f"{row['withheld_values']} withheld"] if row["withheld_values"] else []
    return ", ".join(said)


def print_ranking(
    console: Console, shown: Sequence[Row], year: str, definition: str, *, everything: Sequence[Row], state: Row
) -> None:
    """A ranking with last year's ranks, then the reasons of those without a rank; `state` is what is still to come of the year."""
    console.print(f"\n[bold]Adult social care productivity, England, {year}[/] (definition {definition})", highlight=False)
    if state.get("is_provisional"):
        console.print(f"Provisional. {state['what_is_missing']}.", highlight=False, markup=False, soft_wrap=True)
    ranked = [row for row in shown if row["rank"] is not None]
    if not ranked and state.get("ranked_by"):
        first = state["ranked_by"].split(", ")[0]
        told = f"Ranked by {state['ranked_by']}: asc ranking --year {year} --definition {first}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    wide = console.width >= WIDE
    # What nobody has is left out, and at 80 columns what can be had by --format: a name or a number is never cut.
    moves, noted = any(row["previous_rank"] is not None for row in ranked), any(notes(row) for row in ranked)
    every: list[tuple[bool, str, JustifyMethod, Callable[[Row], str]]] = [
        (True, "Rank", "right", lambda row: _number(row["rank"])),
        (True, "90 %", "left", interval),
        (wide and any(row["group_5_pct"] for row in ranked), "Group", "left", lambda row: row["group_5_pct"] or MISSING),
        (True, "Council", "left", lambda row: str(row["area_name"])),
        (wide, "Region", "left", lambda row: str(row["region"])),
        (True, "Outcome", "right", lambda row: _number(row["outcome_score"], 1)),
        (True, "£/adult", "right", lambda row: _number(row["spend_per_adult_gbp"])),
        (True, "Productivity" if wide else "Prod.", "right", lambda row: _number(row["productivity"], 1)),
        (wide and moves, "Last", "right", lambda row: _number(row["previous_rank"])),
        (moves, "Moved", "left", movement),
        (wide, "Cover", "right", lambda row: f"{row['coverage']:.0%}"),
        (wide and noted, "Note", "left", notes),
    ]
    columns = [(name, justify, cell) for shown_here, name, justify, cell in every if shown_here]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, justify, _ in columns:
        table.add_column(name, justify=justify, no_wrap=True)
    for row in ranked:
        table.add_row(*[Text(cell(row)) for _, _, cell in columns])
    console.print(table)
    if any(row["rank_p05"] is not None for row in shown):
        console.print(
            "90 %: such an interval holds the true rank of nine councils in ten, given the errors of the figures and other choices of "
            "method. It promises nothing about all councils at once.",
            style="dim",
            highlight=False,
            soft_wrap=True,
        )
    for row in ranked if not wide else ():
        about = [f"{row['coverage']:.0%} covered"] * (row["coverage"] < 0.9995) + [notes(row)] * bool(notes(row))
        if about:
            console.print(f"{row['rank']} {row['area_name']}: {', '.join(about)}", style="dim", highlight=False, markup=False)
    _print_unranked(console, [row for row in shown if row["rank"] is None])
    if not any(row["rank"] is not None for row in everything):
        return
    if any(row["previous_rank"] is not None for row in everything):
        kept = sum(bool(row["kept_top_ten"]) for row in everything)
        console.print(f"\n{kept} of last year's top ten kept their place in it.", highlight=False)
    else:
        notes_told = [row["movement_note"] for row in everything if row["movement_note"]]
        reason = notes_told[0] if notes_told else "The year before is not ranked, so nothing is said of movement"
        console.print(f"\n{reason}.", highlight=False, markup=False, soft_wrap=True)


def _print_unranked(console: Console, unranked: Sequence[Row]) -> None:
    if not unranked:
        return
    console.print("\nNot ranked:", style="bold")
    of_the_year: list[Row] = []
    others: list[Row] = []
    for row in unranked:
        (of_the_year if row["unranked_reason"].startswith("The year is not ranked") else others).append(row)
    for reason, rows in groupby(sorted(of_the_year, key=lambda r: r["unranked_reason"]), key=lambda r: r["unranked_reason"]):
        console.print(f"  {len(list(rows))} councils: {reason}.", highlight=False, markup=False, soft_wrap=True)
    for row in sorted(others, key=lambda r: r["area_name"]):
        console.print(f"  {row['area_name']}: {row['unranked_reason']}", highlight=False, markup=False, soft_wrap=True)
