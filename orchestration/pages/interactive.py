"""Data of the pages that answer in the page: the finder, councils side by side, own weights. As classic scripts, for a folder has no server.

What belongs here: the release's numbers for a script. What does not: the scripts themselves (`static/`).
"""

from __future__ import annotations

from typing import Any

from orchestration.pages.council import name_of
from orchestration.pages.facts import DEFAULT, Facts
from orchestration.pages.marks import NOTHING, Row, shown
from orchestration.publication.names import GENERIC, JOINED
from orchestration.publication.wording import measure_label


def finder(facts: Facts) -> dict[str, Any]:
    """Every council with all that people may call it."""
    councils = []
    for history in sorted(facts.codes_of, key=facts.name):
        codes = sorted(facts.codes_of[history])
        other = sorted(
            {a for c in codes for a in facts.aliases.get(c, [])} | ({facts.name(c) for c in codes} - {facts.name(history)})
        )
        ended = facts.councils[history]["in_force_until"] is not None
        councils.append(
            {
                "code": history,
                "name": facts.name(history),
                "region": facts.councils[history]["region"],
                "other": other,
                "codes": codes,
                "ended": ended,
            }
        )
    return {"councils": councils, "generic": sorted(GENERIC), "joined": JOINED}


def compare(facts: Facts) -> dict[str, Any]:
    """For each council of the latest year what stands side by side, as it is shown; England beside it."""
    year = facts.latest
    cards = {str(c["area_code"]): c for c in facts.scorecards[DEFAULT, year]}
    forms = (
        ("Rank", "rank", "#"),
        ("Lower rank", "lower_rank", "#"),
        ("Upper rank", "upper_rank", "#"),
        ("Group", "rank_group", "r"),
        ("Outcome score", "outcome_score", "1"),
        ("Spend per adult", "spend_per_adult_gbp", "£0"),
        ("Spend index", "spend_index", "2"),
        ("Productivity", "productivity", "1"),
        ("Coverage", "coverage", "%0"),
    )
    measures = [m for m in facts.measures if (year, m) in facts.spreads]
    items: list[dict[str, Any]] = [{"group": "Index", "name": name, "better": _better(column)} for name, column, _ in forms]
    items += [{"group": "Domains", "name": f"{d['domain_name']}: score", "better": "higher"} for d in facts.domains]
    england: list[str] = [""] * len(items)
    for m in measures:
        row, form = facts.measures[m], str(facts.measures[m]["decimals"])
        items.append(
            {
                "group": str(row["domain_name"]),
                "name": name_of(facts, facts.any_value[year, m]),
                "better": "higher" if row["polarity"] > 0 else "lower",
            }
        )
        england.append(shown(facts.spreads[year, m]["england_value"], form))
    councils = {}
    for code, card in cards.items():
        domains = facts.scores_of_domains[year, code]
        values = [shown(card[column], form) for _, column, form in forms]
        values += [
            shown(domains[d["domain_id"]]["domain_score"], "1") if d["domain_id"] in domains else NOTHING for d in facts.domains
        ]
        values += [_value(facts.values.get((year, code, m)), str(facts.measures[m]["decimals"])) for m in measures]
        peers = [facts.councils[str(p["peer_area_code"])]["continuity_code"] for p in facts.peers.get((year, code), [])[:4]]
        councils[str(card["continuity_code"])] = {"name": card["area_name"], "values": values, "peers": peers}
    return {"year": year, "items": items, "england": england, "councils": councils}


def _better(column: str) -> str:
    return {"rank": "lower", "outcome_score": "higher", "productivity": "higher"}.get(column, "")


def _value(row: Row | None, form: str) -> str:
    if row is None or row["value"] is None:
        return NOTHING
    if row["is_withheld"]:
        return f"{shown(row['value'], form)} (withheld)"
    return shown(row["value"], form) + (f" ({row['value_year']})" if row["value_basis"] == "carried_forward" else "")


def weights(facts: Facts, year: str) -> dict[str, Any]:
    """All that the default ranking of a year is made of: each council's scores and spend index to the last digit, weights and rules."""
    definition = facts.definitions[0]
    cards = [c for c in facts.scorecards[DEFAULT, year] if facts.councils[str(c["area_code"])]["is_rankable"]]
    measures: dict[str, Row] = {}
    for (y, _, m), row in facts.scores.items():
        if y == year:
            measures.setdefault(m, row)
    order = [m for m in facts.measures if m in measures]
    ages = {m: facts.any_value[year, m]["breakdown"] if (year, m) in facts.any_value else "total" for m in order}
    councils = []
    for card in cards:
        code = str(card["area_code"])
        scores = [facts.scores.get((year, code, m)) for m in order]
        if not any(scores):
            continue
        councils.append(
            {
                "code": str(card["continuity_code"]),
                "name": card["area_name"],
                "region": card["region"],
                "spend": facts.rankings[DEFAULT, year, code]["annual_spend_index"],
                "rank": card["rank"],
                "scores": [None if s is None else s["score"] for s in scores],
            }
        )
    return {
        "year": year,
        "domains": [{"id": d["domain_id"], "name": d["domain_name"], "weight": d["domain_weight"]} for d in facts.domains],
        "measures": [
            {
                "id": m,
                "name": measure_label(str(facts.measures[m]["measure_name"]), ages[m]),
                "domain": measures[m]["domain_id"],
                "weight": measures[m]["weight"],
            }
            for m in order
        ],
        "k": definition["k"],
        "minCoverage": definition["min_domain_coverage"],
        "minMeasures": definition["min_domain_measures"],
        "councils": councils,
    }
