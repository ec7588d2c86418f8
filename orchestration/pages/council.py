"""The page of one council: what stands where on it, from the tables of the release.

What belongs here: which rows a council's page has, and sentences made of them. What does not: how they look (`templates/council.html.j2`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from orchestration.pages.facts import DEFAULT, Facts
from orchestration.pages.links import council_href, measure_href
from orchestration.pages.marks import Column, Row, Table, joined, number, shown
from orchestration.pages.pictures.council import Spine, contribution_bars, rank_trend, sparkline, spine_chart
from orchestration.pages.pictures.national import spend_against_outcome
from orchestration.pages.pictures.svg import Picture
from orchestration.publication.wording import COUNTED, measure_label

BARS = 12
"""Contributions that are drawn; the table has all."""
APART = 5
"""Measures named in which peers stand apart."""


@dataclass(frozen=True)
class Subject:
    """One council as its page sees it: its code in the year the page is about, and its row there."""

    facts: Facts
    history: str
    """The code its history is kept under, which names the page."""
    cards: Sequence[Row]
    """Its rows of the default scorecard, a year each."""
    card: Row

    @property
    def code(self) -> str:
        return str(self.card["area_code"])

    @property
    def year(self) -> str:
        return str(self.card["financial_year"])

    @property
    def council(self) -> Row:
        return self.facts.councils[self.history]


def page(facts: Facts, history: str) -> dict[str, Any]:
    """All that the template needs."""
    s = Subject(facts, history, facts.histories[history], facts.profiled[history])
    measures = [facts.values[s.year, s.code, m] for m in facts.measures if (s.year, s.code, m) in facts.values]
    return {
        "s": s,
        "council": s.council,
        "card": s.card,
        "movement_note": facts.movement_note(facts.rankings[DEFAULT, s.year, s.code]),
        "ranking": facts.rankings[DEFAULT, s.year, s.code],
        "interval": facts.intervals[s.year, s.code].get("both"),
        "group": facts.groups.get((s.year, s.code)),
        "year_row": next(y for y in facts.years if y["financial_year"] == s.year),
        "summary": summary(s),
        "cautions": cautions(s, measures),
        "relations": relations(s),
        "domains": domain_table(s),
        "spines": spines(s, measures),
        "tables": measure_tables(s, measures),
        "trend": trend(s),
        "history": history_table(s),
        "spend": spend_table(s),
        "quadrant": quadrant(s),
        "peers": peer_table(s),
        "beside": ",".join(
            [
                history,
                *(
                    str(facts.councils[str(p["peer_area_code"])]["continuity_code"])
                    for p in facts.peers.get((s.year, s.code), [])[:3]
                ),
            ]
        ),
        "apart": apart(s, measures),
        "change": change(s),
        "drivers": driver_table(s),
        "without": without_table(s),
        "definitions": definition_table(s),
        "opportunity": facts.opportunities.get((s.year, s.code)),
        "sources": source_table(s),
        "doubts": [d for d in facts.doubts if d["area_code"] in facts.codes_of[history]],
    }


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def summary(s: Subject) -> Markup:
    """A few sentences that say no more than the figures do."""
    card, facts = s.card, s.facts
    name = escape(card["area_name"])
    if card["rank"] is None:
        return Markup("{} is not ranked in {}. {}.").format(name, s.year, str(card["unranked_reason"]).rstrip("."))
    year = next(y for y in facts.years if y["financial_year"] == s.year)
    said = [
        Markup("{} stands at rank {} of {} councils ranked in {}").format(
            name, number(card, "rank", "#"), number(year, "councils_ranked", "#"), s.year
        )
        + (
            Markup("; nine in ten such intervals hold the true rank, and this one is {} to {}.").format(
                number(card, "lower_rank", "#"), number(card, "upper_rank", "#")
            )
            if card["lower_rank"] is not None
            else Markup(".")
        )
    ]
    group = facts.groups.get((s.year, s.code))
    if group is not None and group["group_5_pct_councils"] > 1:
        said.append(
            Markup("It is in group {} of {} councils that cannot be told apart.").format(
                group["group_5_pct"], number(group, "group_5_pct_councils", "#")
            )
        )
    spends = Markup("It spends {} on each adult, {} times what England spends").format(
        number(card, "spend_per_adult_gbp", "£0"), number(card, "spend_index", "2")
    )
    said.append(
        spends
        + Markup(", and its outcome score is {} on a scale from 1 to 100: {}.").format(
            number(card, "outcome_score", "1"), escape(card["quadrant"])
        )
    )
    scored = [d for d in facts.domains if facts.scores_of_domains[s.year, s.code][d["domain_id"]]["domain_rank"] is not None]
    if len(scored) > 1:
        rows = [(facts.scores_of_domains[s.year, s.code][d["domain_id"]], str(d["domain_name"])) for d in scored]
        best, worst = min(rows, key=lambda r: r[0]["domain_rank"]), max(rows, key=lambda r: r[0]["domain_rank"])
        if best[0]["domain_rank"] != worst[0]["domain_rank"]:
            said.append(
                Markup("Among councils its outcomes rank best in {} ({}) and worst in {} ({}).").format(
                    best[1].lower(), number(best[0], "domain_rank", "#"), worst[1].lower(), number(worst[0], "domain_rank", "#")
                )
            )
    if card["rank_change"] is not None:
        change = card["rank_change"]
        moved = "It stands where it stood the year before" if change == 0 else None
        said.append(
            Markup("{}.").format(moved)
            if moved
            else Markup("The year before it stood at rank {}.").format(
                number(facts.rankings[DEFAULT, s.year, s.code], "previous_rank", "#")
            )
        )
    elif facts.rankings[DEFAULT, s.year, s.code]["movement_note"]:
        said.append(Markup("Its rank is not compared with the year before: too little of what is measured compares."))
    return Markup(" ").join(said)


def cautions(s: Subject, measures: Sequence[Row]) -> list[Markup]:
    """What to know before trusting the figures of the year; empty if nothing speaks against them."""
    facts, card, found = s.facts, s.card, []
    if card["is_spend_doubtful"]:
        doubt = facts.rankings[DEFAULT, s.year, s.code]["spend_doubt"]
        found.append(Markup("Its spend is doubtful. {}.").format(str(doubt).rstrip(".")))
    if card["is_spend_modelled"]:
        found.append(Markup("Its spend per adult is modelled: {}.").format("the population of the year was not published for it"))
    withheld = [m for m in measures if m["is_withheld"]]
    for m in withheld:
        found.append(Markup("{} is withheld: {}.").format(name_of(facts, m), str(m["doubt"]).rstrip(".")))
    carried = [m for m in measures if m["value_basis"] == "carried_forward"]
    for year in sorted({str(m["value_year"]) for m in carried}):
        names = joined(name_of(facts, m) for m in carried if m["value_year"] == year)
        found.append(Markup("Carried forward from {}, as surveys and counts are not made every year: {}.").format(year, names))
    missing = [m for m in measures if m["value"] is None]
    for reason in sorted({str(m["missing_reason"]) for m in missing}):
        found.append(
            Markup("No value ({}): {}.").format(
                reason, joined(name_of(facts, m) for m in missing if m["missing_reason"] == reason)
            )
        )
    if card["coverage"] is not None and card["coverage"] < 1:
        found.append(Markup("{} of the weight has a value.").format(number(card, "coverage", "%0")))
    return found


def relations(s: Subject) -> list[Markup]:
    """Councils that this one came from or went into, and its other codes and names."""
    facts, council, found = s.facts, s.council, []
    own = facts.codes_of[s.history]

    def linked(codes: object) -> Markup:
        # a code that ended before the first year is no council of the release
        histories = {str(facts.councils[c]["continuity_code"]) for c in str(codes).split() if c in facts.councils} - {s.history}
        return joined(Markup('<a href="{}">{}</a>').format(council_href(h, "../"), facts.name(h)) for h in sorted(histories))

    for code in own:
        before = facts.councils[code]["predecessor_codes"]
        if before and linked(before):
            found.append(Markup("Came from {}.").format(linked(before)))
    for code in own:
        after = facts.councils[code]["successor_codes"]
        if after and linked(after):
            found.append(
                Markup("Ended on {}; followed by {}.").format(
                    f"{facts.councils[code]['in_force_until']:%d %B %Y}".lstrip("0"), linked(after)
                )
            )
    if len(own) > 1:
        found.append(Markup("Its codes: {}.").format(joined(sorted(own))))
    names = sorted({a for code in own for a in facts.aliases.get(code, [])})
    if names:
        found.append(Markup("Also called {}.").format(joined(names)))
    if council["exclusion_reason"]:
        found.append(Markup("{}.").format(str(council["exclusion_reason"]).rstrip(".")))
    return list(dict.fromkeys(found))


def name_of(facts: Facts, value: Row) -> str:
    """A measure's name with the ages that the value is of."""
    return measure_label(str(facts.measures[value["measure_id"]]["measure_name"]), value["breakdown"])


def measure_link(facts: Facts, value: Row) -> Markup:
    return Markup('<a href="{}">{}</a>').format(measure_href(value["measure_id"], "../"), name_of(facts, value))


# ── tables and pictures ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def domain_table(s: Subject) -> Table:
    facts = s.facts
    rows = [
        facts.scores_of_domains[s.year, s.code][d["domain_id"]]
        for d in facts.domains
        if d["domain_id"] in facts.scores_of_domains[s.year, s.code]
    ]
    names = {d["domain_id"]: str(d["domain_name"]) for d in facts.domains}
    return Table(
        f"Domains in {s.year}",
        [
            Column("Domain", cell=lambda r: names[r["domain_id"]]),
            Column("Score", "domain_score", "1"),
            Column("Rank of the score", "domain_rank", "#"),
            Column("Measures with a value", "measures_with_value", "#"),
            Column("Measures in force", "measures_in_force", "#"),
            Column("Weight with a value", "coverage", "%0"),
        ],
        rows,
        by="domain_id",
    )


def _by_measure(rows: Mapping[Any, Row], year: str, code: str, measures: Sequence[Row]) -> dict[str, Row]:
    found = {str(m["measure_id"]): rows.get((year, code, m["measure_id"])) for m in measures}
    return {k: v for k, v in found.items() if v is not None}


def compares(facts: Facts, measure_id: str, year: str) -> bool:
    """Whether a measure's value of a year can stand beside the one of the year before."""
    return not any(b["breaks_levels"] and b["first_year_after"] == year for b in facts.breaks.get(measure_id, []))


def _peers_of(s: Subject, measures: Sequence[Row]) -> dict[str, Row]:
    found = {str(m["measure_id"]): s.facts.against_peers.get((s.year, s.code, m["measure_id"])) for m in measures}
    return {k: v for k, v in found.items() if v is not None}


def spines(s: Subject, measures: Sequence[Row]) -> list[Picture]:
    """One spine chart a domain, with its table."""
    facts, found = s.facts, []
    before_year, places = facts.previous(s.year), decimals(facts)
    peers = _peers_of(s, measures)
    for domain in facts.domains:
        own = [m for m in measures if m["domain_id"] == domain["domain_id"] and (s.year, m["measure_id"]) in facts.spreads]
        if not own:
            continue
        spread = {str(m["measure_id"]): facts.spreads[s.year, m["measure_id"]] for m in own}
        margins = _by_measure(facts.margins, s.year, s.code, own)
        codes = facts.codes_of[s.history]
        before = {
            str(m["measure_id"]): facts.values[before_year, code, m["measure_id"]]
            for m in own
            if compares(facts, m["measure_id"], s.year) and m["value_basis"] != "carried_forward"
            for code in codes
            if (before_year, code, m["measure_id"]) in facts.values
        }
        before = {k: v for k, v in before.items() if v["value"] is not None and not v["is_withheld"]}
        drawn = [
            Spine(
                name_of(facts, m),
                str(facts.measures[m["measure_id"]]["decimals"]),
                int(facts.measures[m["measure_id"]]["polarity"]),
                spread[m["measure_id"]],
                m["value"] if not m["is_withheld"] else None,
                margins[m["measure_id"]]["lower_95"] if m["measure_id"] in margins else None,
                margins[m["measure_id"]]["upper_95"] if m["measure_id"] in margins else None,
                peers[m["measure_id"]]["peer_median"] if m["measure_id"] in peers else None,
                before[m["measure_id"]]["value"] if m["measure_id"] in before else None,
            )
            for m in own
        ]
        values = {str(m["measure_id"]): m for m in own}
        columns = [
            Column("Measure", cell=_named(facts, values)),
            Column("Value", "value", places, of=values),
            Column("Lower 95 %", "lower_95", places, of=margins),
            Column("Upper 95 %", "upper_95", places, of=margins),
            Column("Year before", "value", places, of=before, absent="not compared"),
            Column("Median of peers", "peer_median", places, of={k: v for k, v in peers.items() if k in values}, of_by="item_id"),
            Column("Lowest", "lowest", places),
            Column("Lower quartile", "lower_quartile", places),
            Column("Median", "median", places),
            Column("Upper quartile", "upper_quartile", places),
            Column("Highest", "highest", places),
        ]
        heading = f"{domain['domain_name']}: {s.card['area_name']} among councils, {s.year}"
        table = Table(heading, columns, list(spread.values()), by="measure_id")
        found.append(spine_chart(f"spine-{domain['domain_id']}", heading, drawn, table))
    return found


def _named(facts: Facts, values: Mapping[str, Row]) -> Callable[[Row], str]:
    """The name of the measure of a row whose own table does not say the ages: `values` does."""
    return lambda row: name_of(facts, values[row["measure_id"]])


def measure_tables(s: Subject, measures: Sequence[Row]) -> list[Table]:
    """One table a domain: value, England, score, trend, and what to know."""
    facts, found = s.facts, []
    years, places = [str(y["financial_year"]) for y in facts.years], decimals(facts)
    scores = _by_measure(facts.scores, s.year, s.code, measures)
    for domain in facts.domains:
        rows = [m for m in measures if m["domain_id"] == domain["domain_id"]]
        if rows:
            columns = [
                Column("Measure", cell=lambda r: measure_link(facts, r) + _direction(facts, r)),
                Column("Value", "value", places),
                Column("England", "england_value", places),
                Column("Score", "score", "1", of={k: v for k, v in scores.items() if k in {str(m["measure_id"]) for m in rows}}),
                Column("Trend", cell=lambda r: _trend_of(s, r, years)),
                Column("To know", cell=lambda r: note(facts, r)),
            ]
            found.append(Table(f"{domain['domain_name']}, {s.year}", columns, rows, by="measure_id"))
    return found


def decimals(facts: Facts) -> Callable[[Row], str]:
    """How many decimals the measure of a row is published with."""
    return lambda row: str(facts.measures[row["measure_id"] if "measure_id" in row else row["item_id"]]["decimals"])


def _direction(facts: Facts, value: Row) -> Markup:
    up = facts.measures[value["measure_id"]]["polarity"] > 0
    return Markup(' <span class="dir">{} is better, {}</span>').format(
        "higher" if up else "lower", unit_words(str(value["unit"]))
    )


def unit_words(unit: str) -> str:
    """The unit of a measure as people say it."""
    return {"pct": "per cent", "per_100k": "per 100,000", "score": "score", "days": "days"}.get(unit, unit)


def note(facts: Facts, value: Row) -> Markup | str:
    """Why a value is missing or what speaks against it, beside the number."""
    if value["is_withheld"]:
        return Markup('<span class="flag">withheld</span> {}').format(value["doubt"])
    if value["value"] is None:
        return Markup('<span class="flag">no value</span> {}').format(value["missing_reason"])
    if value["value_basis"] == "carried_forward":
        return Markup('<span class="flag">from {}</span>').format(value["value_year"])
    broken = [b for b in facts.breaks.get(str(value["measure_id"]), []) if b["first_year_after"] == value["financial_year"]]
    if broken:
        return Markup('<span class="flag">break</span> {}').format("; ".join(str(b["what_changed"]) for b in broken))
    return ""


def _trend_of(s: Subject, value: Row, years: Sequence[str]) -> Markup:
    facts, measure = s.facts, str(value["measure_id"])
    own: dict[str, float] = {}
    england: dict[str, float] = {}
    for year in years:
        for code in facts.codes_of[s.history]:
            row = facts.values.get((year, code, measure))
            if (
                row is not None
                and row["value"] is not None
                and row["value_basis"] != "carried_forward"
                and not row["is_withheld"]
            ):
                own[year] = row["value"]
                if row["england_value"] is not None:
                    england[year] = row["england_value"]
    breaks = [str(b["first_year_after"]) for b in facts.breaks.get(measure, []) if b["breaks_levels"]]
    form = str(facts.measures[measure]["decimals"])
    words = (
        f"{name_of(facts, value)} by year: " + ", ".join(f"{y} {shown(v, form)}" for y, v in own.items()) if own else "no values"
    )
    return sparkline(years, own, england, breaks, words)


def history_table(s: Subject) -> Table:
    """The council's years."""
    rows = [c.keyed("definition_id", "continuity_code", "financial_year") for c in s.cards]
    return Table(
        "Year by year",
        [
            Column("Year", cell=lambda r: str(r["financial_year"])),
            Column("Rank", "rank", "#"),
            Column("Lower rank", "lower_rank", "#"),
            Column("Upper rank", "upper_rank", "#"),
            Column("Change of rank", "rank_change", "+0"),
            Column("Outcome score", "outcome_score", "1"),
            Column("Spend index", "spend_index", "2"),
            Column("Productivity", "productivity", "1"),
            Column("Why there is no rank", cell=lambda r: str(r["unranked_reason"] or "")),
        ],
        rows,
        by="financial_year",
    )


def trend(s: Subject) -> Picture:
    facts = s.facts
    years = [str(y["financial_year"]) for y in facts.years]
    compared = {
        str(c["financial_year"])
        for (d, _), cards in facts.scorecards.items()
        if d == DEFAULT
        for c in cards
        if c["rank_change"] is not None
    }
    ranked = [str(y["financial_year"]) for y in facts.years if y["is_ranked"]]
    breaks = [y for y in ranked if y not in compared]
    last = max(c["rank"] for (d, _), cards in facts.scorecards.items() if d == DEFAULT for c in cards if c["rank"] is not None)
    heading = f"{s.card['area_name']}: rank by year with its 90 % interval"
    return rank_trend("trend", heading, years=years, rows=s.cards, breaks=breaks, table=history_table(s), last=last)


def spend_table(s: Subject) -> Table | None:
    """Spend against England, against need and against its own past."""
    facts = s.facts
    codes = facts.codes_of[s.history]
    years = [str(y["financial_year"]) for y in facts.years]
    key = ("spend_basis", "domain_id", "continuity_code", "financial_year")

    def of(basis: str) -> dict[str, Row]:
        return {y: facts.spend[y, c, basis].keyed(*key) for y in years for c in codes if (y, c, basis) in facts.spend}

    net, need = of("total_net"), of("total_net_need_adjusted")
    if not net:
        return None
    return Table(
        "Net current expenditure on adult social care by year",
        [
            Column("Year", cell=lambda r: str(r["financial_year"])),
            Column("Spend", "spend_gbp", "£m1"),
            Column("Per adult", "spend_per_head_gbp", "£0"),
            Column("Per adult, prices of one year", "real_spend_per_head_gbp", "£0"),
            Column("England per adult", "england_spend_per_head_gbp", "£0"),
            Column("Relative to England", "spend_index", "2"),
            Column("Relative to councils of like need", "spend_index", "2", of=need),
            Column("Change in a year, %", "spend_change_pct", "+1"),
            Column("To know", cell=_spend_note),
        ],
        list(net.values()),
        by="financial_year",
    )


def _spend_note(row: Row) -> Markup | str:
    if row["doubt"]:
        return Markup('<span class="flag">{}</span> {}').format("withheld" if row["is_withheld"] else "doubtful", row["doubt"])
    return (
        Markup('<span class="flag">modelled</span> population {}').format(str(row["population_basis"]).replace("_", " "))
        if row["is_modelled"]
        else ""
    )


def quadrant(s: Subject) -> Picture | None:
    facts = s.facts
    if s.card["rank"] is None:
        return None
    peers = [str(p["peer_area_code"]) for p in facts.peers.get((s.year, s.code), [])]
    return spend_against_outcome(
        "quadrant", f"Spend against outcome, {s.year}", facts.scorecards[DEFAULT, s.year], None, mark=s.code, peers=peers
    )


def peer_table(s: Subject) -> Table | None:
    facts = s.facts
    peers = facts.peers.get((s.year, s.code), [])
    cards = {str(c["area_code"]): c for c in facts.scorecards[DEFAULT, s.year]}
    rows = [s.card, *(cards[str(p["peer_area_code"])] for p in peers)]
    if len(rows) == 1:
        return None
    return Table(
        f"{s.card['area_name']} and its peers, the most alike first, {s.year}",
        [
            Column("Council", cell=lambda r: _council_cell(facts, r, s.code)),
            Column("Rank", "rank", "#"),
            Column("Lower rank", "lower_rank", "#"),
            Column("Upper rank", "upper_rank", "#"),
            Column("Outcome score", "outcome_score", "1"),
            Column("Spend per adult", "spend_per_adult_gbp", "£0"),
            Column("Productivity", "productivity", "1"),
        ],
        rows,
        by="area_code",
    )


def _council_cell(facts: Facts, row: Row, own: str) -> Markup:
    if row["area_code"] == own:
        return Markup("<strong>{}</strong>").format(row["area_name"])
    return Markup('<a href="{}">{}</a>').format(council_href(str(row["continuity_code"]), "../"), row["area_name"])


def apart(s: Subject, measures: Sequence[Row]) -> Table | None:
    """Measures in which the council is worse than three quarters of its peers, the furthest first."""
    facts, found, places = s.facts, [], decimals(s.facts)
    for m in measures:
        peers = facts.against_peers.get((s.year, s.code, m["measure_id"]))
        spread = facts.spreads.get((s.year, m["measure_id"]))
        if peers is None or spread is None or m["value"] is None or m["is_withheld"]:
            continue
        up = facts.measures[m["measure_id"]]["polarity"] > 0
        bound = peers["peer_lower_quartile"] if up else peers["peer_upper_quartile"]
        behind = (bound - m["value"]) if up else (m["value"] - bound)
        width = spread["highest"] - spread["lowest"]
        if behind > 0 and width > 0:
            found.append((behind / width, m, peers))
    if not found:
        return None
    found.sort(key=lambda f: -f[0])
    values = {str(m["measure_id"]): m for _, m, _ in found[:APART]}
    rows = [p.keyed("financial_year", "area_code", "item_kind", "item_id") for _, _, p in found[:APART]]
    return Table(
        "Where at least three quarters of its peers do better",
        [
            Column("Measure", cell=lambda r: measure_link(facts, values[str(r["item_id"])])),
            Column("This council", "value", places),
            Column("Peers: lower quartile", "peer_lower_quartile", places),
            Column("Peers: median", "peer_median", places),
            Column("Peers: upper quartile", "peer_upper_quartile", places),
            Column("Peers with a value", "peers_with_value", "#"),
        ],
        rows,
        by="item_id",
    )


def change(s: Subject) -> Picture | None:
    """What changed productivity in the last year that compares with the one before."""
    facts = s.facts
    for card in reversed(s.cards):
        rows = facts.contributions.get((card["financial_year"], card["area_code"]))
        if rows:
            break
    else:
        return None
    year = str(card["financial_year"])

    def name(row: Row) -> str:
        if row["component"] != "measure":
            return "Spend per adult relative to England"
        value = facts.values.get((year, card["area_code"], row["component_id"]))
        label = (
            name_of(facts, value)
            if value is not None
            else measure_label(str(facts.measures[row["component_id"]]["measure_name"]), "total")
        )
        return label + COUNTED[row["counted"]]

    keyed = [r.keyed("definition_id", "financial_year", "area_code", "component_id") for r in rows]
    table = Table(
        f"What changed productivity from {facts.previous(year)} to {year}",
        [
            Column("Measure or spend", cell=name),
            Column("Score or spend index before", "score_before", "2"),
            Column("Score or spend index now", "score_now", "2"),
            Column("Contribution to the change", "contribution", "+2"),
        ],
        keyed,
        by="component_id",
    )
    bars = [(name(r), float(r["contribution"])) for r in keyed[:BARS]]
    return contribution_bars("change", table.caption, bars, table)


def driver_table(s: Subject) -> Table | None:
    facts = s.facts
    rows = facts.drivers.get((s.year, s.code))
    if not rows:
        return None
    return Table(
        f"What the rank hangs on, {s.year}: the share of its variance that would go if the factor were fixed",
        [
            Column("Choice or error", cell=lambda r: facts.factor_names[r["factor_id"]]),
            Column("Share (total Sobol index)", "total", "%0"),
            Column("Lower 90 %", "total_p05", "%0"),
            Column("Upper 90 %", "total_p95", "%0"),
        ],
        [r.keyed("definition_id", "financial_year", "area_code", "factor_id") for r in rows[:6]],
        by="factor_id",
    )


def without_table(s: Subject) -> Table | None:
    facts = s.facts
    rows = [r for r in facts.without.get((s.year, s.code), []) if r["places_gained"]][:6]
    if not rows:
        return None
    domains = {d["domain_id"]: str(d["domain_name"]) for d in facts.domains}

    def name(row: Row) -> str:
        if row["element_kind"] == "domain":
            return f"the domain {domains.get(row['element_id'], row['element_id'])}"
        return measure_label(str(facts.measures[row["element_id"]]["measure_name"]), "total")

    return Table(
        f"The rank if one thing did not count, {s.year}",
        [
            Column("Without", cell=name),
            Column("Rank would be", "rank_without", "#"),
            Column("Places gained", "places_gained", "+0"),
        ],
        [r.keyed("definition_id", "financial_year", "area_code", "element_id") for r in rows],
        by="element_id",
    )


def definition_table(s: Subject) -> Table:
    facts = s.facts
    names = {d["definition_id"]: d for d in facts.definitions}
    rows = [
        next((c for c in facts.scorecards.get((str(d["definition_id"]), s.year), []) if c["area_code"] == s.code), None)
        for d in facts.definitions
    ]
    return Table(
        f"Rank by definition of the index, {s.year}",
        [
            Column("Definition", cell=lambda r: str(names[r["definition_id"]]["definition_name"])),
            Column("Rank", "rank", "#"),
            Column("Lower rank", "lower_rank", "#"),
            Column("Upper rank", "upper_rank", "#"),
            Column("Outcome score", "outcome_score", "1"),
            Column("Productivity", "productivity", "1"),
            Column("Why there is no rank", cell=lambda r: str(r["unranked_reason"] or "")),
        ],
        [r for r in rows if r is not None],
        by="definition_id",
    )


def source_table(s: Subject) -> Table | None:
    """Every published figure behind the year, down to the cell."""
    facts = s.facts
    rows = facts.published.get((s.year, s.code), [])
    if not rows:
        return None

    def use(row: Row) -> str:
        if row["component"] == "measure":
            return measure_label(str(facts.measures[row["component_id"]]["measure_name"]), row["breakdown"])
        return f"{row['component']}: {row['component_id']}".replace("_", " ")

    def edition(row: Row) -> Markup:
        e = facts.editions[row["source"], row["edition"]]
        return Markup("{}: {}").format(e["publisher"], e["title"])

    def place(row: Row) -> str:
        e = facts.editions[row["source"], row["edition"]]
        parts = [e["file_name"], row["locator"], row["item"], row["breakdown"], row["published_area_code"]]
        return ", ".join(str(p) for p in parts if p)

    return Table(
        f"Published figures behind {s.year}",
        [
            Column("Used for", cell=use),
            Column("Figure as published", "value", "g"),
            Column("Mark", cell=lambda r: str(r["mark"] or "")),
            Column("Year", cell=lambda r: str(r["financial_year"])),
            Column("Publication", cell=edition),
            Column("File, place, item, ages, code", cell=place),
        ],
        [r.keyed("figure_id") for r in rows],
        by="figure_id",
    )
