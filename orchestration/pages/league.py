"""The league table of a year and definition, the overview of the latest year, and the list of councils."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from orchestration.pages.facts import DEFAULT, Facts
from orchestration.pages.links import council_href
from orchestration.pages.marks import Column, Row, Table
from orchestration.pages.pictures.national import hexagon_map, movement, rank_intervals, spend_against_outcome
from orchestration.pages.pictures.svg import Picture

ENGLAND = (
    ("councils_in_force", "#"),
    ("net_current_expenditure", "£m0"),
    ("spend_per_adult", "£0"),
    ("gross_current_expenditure", "£m0"),
    ("delayed_days_total", "#"),
    ("reablement_per_100k_england", "0"),
    ("reablement_per_100k_ratio", "1"),
)
"""Facts of England on the overview, where the year has them."""
TOP = 10
MOVED = 5


def council_cell(row: Row, root: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(council_href(str(row["continuity_code"]), root), row["area_name"])


def flags(row: Row) -> Markup:
    """What to know beside the rank: doubtful or modelled spend, values that are older or withheld, or why there is no rank."""
    if row["rank"] is None:
        return Markup("{}").format(row["unranked_reason"])
    found = []
    if row["is_spend_doubtful"]:
        found.append("spend doubtful")
    if row["is_spend_modelled"]:
        found.append("spend modelled")
    if row["withheld_values"]:
        found.append("values withheld")
    if row["carried_forward_values"]:
        found.append("older values")
    return Markup(" ").join(Markup('<span class="flag">{}</span>').format(f) for f in found)


def columns(facts: Facts, root: str, with_flags: bool = True) -> list[Column]:
    return [
        Column("Council", cell=lambda r: council_cell(r, root), sort="text"),
        Column("Rank", "rank", "#", sort="number"),
        Column("Lower rank", "lower_rank", "#", sort="number"),
        Column("Upper rank", "upper_rank", "#", sort="number"),
        Column("Group", cell=lambda r: str(r["rank_group"] or ""), sort="text"),
        Column("Change", "rank_change", "+0", sort="number"),
        Column("Outcome score", "outcome_score", "1", sort="number"),
        Column("Spend per adult", "spend_per_adult_gbp", "£0", sort="number"),
        Column("Spend index", "spend_index", "2", sort="number"),
        Column("Productivity", "productivity", "1", sort="number"),
        Column("Coverage", "coverage", "%0", sort="number"),
        *([Column("To know", cell=flags)] if with_flags else []),
    ]


def league(facts: Facts, definition: str, year: str) -> dict[str, Any]:
    """One ranking of all councils."""
    rows = facts.scorecards[definition, year]
    drawn = [r for r in rows if r["rank"] is not None]
    table = Table(
        f"Councils in {year}, best first",
        columns(facts, "../"),
        rows,
        by="area_code",
        id="league",
        row_attributes=lambda r: {"data-region": r["region"], "data-type": r["council_type"]},
    )
    row = next(d for d in facts.definitions if d["definition_id"] == definition)
    notes = {facts.movement_note(facts.rankings[definition, year, c["area_code"]]) for c in rows} - {""}
    return {
        "definition": row,
        "definition_id": definition,
        "year": year,
        "year_row": next(y for y in facts.years if y["financial_year"] == year),
        "table": table,
        "is_ranked": bool(drawn),
        "why_not": next((str(r["unranked_reason"]) for r in rows if str(r["unranked_reason"]).startswith("The year")), ""),
        "movement_note": sorted(notes)[0] if notes else "",
        "regions": sorted({str(r["region"]) for r in rows}),
        "types": sorted({str(r["council_type"]) for r in rows}),
        "intervals": rank_intervals("intervals", f"Every rank of {year} with its 90 % interval", rows, None)
        if any(r["lower_rank"] is not None for r in drawn)
        else None,
        "map": hexagon_map(
            "map", f"Ranks of {year} by fifth", rows, "rank", "#", places=facts.councils, table=None, best_is_low=True
        )
        if drawn and definition == DEFAULT
        else None,
        "scatter": spend_against_outcome("scatter", f"Spend against outcome, {year}", rows, None)
        if drawn and any(r["spend_index"] is not None for r in drawn) and definition == DEFAULT
        else None,
    }


def latest_movement(facts: Facts) -> tuple[str, list[Row]]:
    """The latest year of which ranks are compared with the year before, and its rows that have both."""
    for year in reversed([str(y["financial_year"]) for y in facts.years]):
        rows = [r for r in facts.scorecards.get((DEFAULT, year), []) if r["rank_change"] is not None and r["rank"] is not None]
        if rows:
            return year, rows
    return "", []


def overview(facts: Facts) -> dict[str, Any]:
    """The first page."""
    year = facts.latest
    rows = facts.scorecards[DEFAULT, year]
    ranked = [r for r in rows if r["rank"] is not None]
    moved_year, moved = latest_movement(facts)
    by_change = sorted(moved, key=lambda r: (-r["rank_change"], r["rank"]))
    top = Table(
        f"First ten, {year}",
        columns(facts, ""),
        [r for r in ranked if r["rank"] <= TOP],
        by="area_code",
        hidden_caption=True,
    )
    changed = [
        Column("Council", cell=lambda r: council_cell(r, "")),
        Column("Places", "rank_change", "+0"),
        Column("Rank", "rank", "#"),
        Column("Lower rank", "lower_rank", "#"),
        Column("Upper rank", "upper_rank", "#"),
    ]
    everything = all_councils(facts, year, rows)
    ranking = facts.rankings[DEFAULT, year, rows[0]["area_code"]]
    pairs = [(r, int(facts.rankings[DEFAULT, moved_year, r["area_code"]]["previous_rank"]), int(r["rank"])) for r in moved]
    previous = {str(r["area_code"]): facts.rankings[DEFAULT, moved_year, r["area_code"]] for r in moved}
    slope_table = Table(
        f"Ranks in {facts.previous(moved_year)} and {moved_year}" if moved else "",
        [
            Column("Council", cell=lambda r: council_cell(r, "")),
            Column("Rank before", "previous_rank", "#", of=previous),
            Column("Rank", "rank", "#"),
            Column("Places", "rank_change", "+0"),
        ],
        moved,
        by="area_code",
    )
    return {
        "year": year,
        "year_row": next(y for y in facts.years if y["financial_year"] == year),
        "top": top,
        "map": hexagon_map(
            "map", f"Ranks of {year} by fifth", rows, "rank", "#", places=facts.councils, table=None, best_is_low=True
        ),
        "scatter": spend_against_outcome("scatter", f"Spend against outcome, {year}", rows, None),
        "intervals": rank_intervals("intervals", f"Every rank of {year} with its 90 % interval", rows, None),
        "movement_note": facts.movement_note(ranking),
        "is_moved": any(r["rank_change"] is not None for r in rows),
        "moved_year": moved_year,
        "moved_from": facts.previous(moved_year) if moved else "",
        "risen": Table(f"Most improved, {moved_year}", changed, by_change[:MOVED], by="area_code"),
        "fallen": Table(f"Most fallen, {moved_year}", changed, by_change[::-1][:MOVED], by="area_code"),
        "movement": movement("movement", slope_table.caption, pairs, (facts.previous(moved_year), moved_year), slope_table)
        if moved
        else None,
        "kept": facts.facts_of_england.get((moved_year, f"kept_top_ten_{DEFAULT}")),
        "england": [
            (facts.facts_of_england[year, fact], form) for fact, form in ENGLAND if (year, fact) in facts.facts_of_england
        ],
        "domains": [_domain_map(facts, domain, year, rows) for domain in facts.domains],
        "everything": everything,
    }


def all_councils(facts: Facts, year: str, rows: Sequence[Row]) -> Table:
    """The numbers of all pictures of the year, once."""
    of = {
        d["domain_id"]: {
            str(r["area_code"]): facts.scores_of_domains[year, r["area_code"]][d["domain_id"]]
            for r in rows
            if d["domain_id"] in facts.scores_of_domains[year, r["area_code"]]
        }
        for d in facts.domains
    }
    return Table(
        f"All councils in {year}",
        [
            Column("Council", cell=lambda r: council_cell(r, "")),
            Column("Rank", "rank", "#"),
            Column("Lower rank", "lower_rank", "#"),
            Column("Upper rank", "upper_rank", "#"),
            Column("Group", "rank_group", "r"),
            Column("Outcome score", "outcome_score", "1"),
            Column("Spend index", "spend_index", "2"),
            *(Column(f"{d['domain_name']}: rank of the score", "domain_rank", "#", of=of[d["domain_id"]]) for d in facts.domains),
        ],
        rows,
        by="area_code",
        id="all-councils",
    )


def _domain_map(facts: Facts, domain: Row, year: str, cards: Sequence[Row]) -> Picture:
    rows = []
    for card in cards:
        score = facts.scores_of_domains[year, card["area_code"]].get(domain["domain_id"])
        rows.append(Row(card.mart, card.key, {**card, "domain_rank": score["domain_rank"] if score else None}))
    heading = f"{domain['domain_name']}: ranks of the score by fifth, {year}"
    return hexagon_map(
        f"map-{domain['domain_id']}", heading, rows, "domain_rank", "#", places=facts.councils, table=None, best_is_low=True
    )


def council_list(facts: Facts) -> dict[str, Any]:
    """Every council that has or had the duty, with other names and codes, by region."""
    current = {str(r["continuity_code"]): r for r in facts.scorecards[DEFAULT, facts.latest]}
    entries: dict[str, list[dict[str, Any]]] = {}
    for history in sorted(facts.codes_of, key=facts.name):
        codes = sorted(facts.codes_of[history])
        names = sorted(
            {a for c in codes for a in facts.aliases.get(c, [])} | {facts.name(c) for c in codes} - {facts.name(history)}
        )
        card = current.get(history)
        entries.setdefault(str(facts.councils[history]["region"]), []).append(
            {"history": history, "name": facts.name(history), "codes": codes, "names": names, "card": card}
        )
    return {"regions": sorted(entries.items()), "year": facts.latest}
