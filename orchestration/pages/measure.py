"""The page of one measure: what it is, how councils lie, where it is published; and the list of all measures."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from orchestration.pages.council import note, unit_words
from orchestration.pages.facts import Facts
from orchestration.pages.league import council_cell
from orchestration.pages.links import measure_href
from orchestration.pages.marks import Column, Row, Table, number
from orchestration.pages.pictures.measure import spread_trend
from orchestration.pages.pictures.national import hexagon_map

ERRORS = {
    "survey_margin": "the survey's published margin of error",
    "published_interval": "the publisher's own interval",
    "wilson": "of a proportion (Wilson)",
    "byar": "of a count of events (Byar)",
}


def last_year(facts: Facts, measure_id: str) -> str | None:
    """The latest year in which councils have a value of it that was published for that year; else the latest with any."""
    years = [(y, row) for (y, m), row in facts.coverage.items() if m == measure_id and row["councils_with_value"]]
    own = [y for y, row in years if row["value_basis"] != "carried_forward"]
    return max(own or [y for y, _ in years], default=None)


def page(facts: Facts, measure_id: str) -> dict[str, Any]:
    """All that the template needs."""
    measure = facts.measures[measure_id]
    year = last_year(facts, measure_id)
    form = str(measure["decimals"])
    context: dict[str, Any] = {
        "measure": measure,
        "error": ERRORS.get(str(measure["error_method"]), str(measure["error_method"])),
        "unit": unit_words(str(measure["unit"])),
        "breaks": facts.breaks.get(measure_id, []),
        "origins": facts.origins.get(measure_id, []),
        "year": year,
        "years": _years(facts, measure_id, form),
        "league": None,
        "map": None,
        "trend": None,
    }
    if year is None:
        return context
    rows = [
        Row(
            "fct_measure_value",
            v.key,
            {
                **v,
                "area_name": facts.name(code),
                "region": facts.councils[code]["region"],
                "continuity_code": facts.councils[code]["continuity_code"],
                "counted": None if v["is_withheld"] else v["value"],
            },
        )
        for (y, code, m), v in facts.values.items()
        if m == measure_id and y == year
    ]
    up = measure["polarity"] > 0
    rows.sort(
        key=lambda r: (
            r["counted"] is None,
            (-r["counted"] if up else r["counted"]) if r["counted"] is not None else 0,
            r["area_name"],
        )
    )
    margins = {
        r["area_code"]: facts.margins[year, r["area_code"], measure_id]
        for r in rows
        if (year, r["area_code"], measure_id) in facts.margins
    }
    scores = {
        r["area_code"]: facts.scores[year, r["area_code"], measure_id]
        for r in rows
        if (year, r["area_code"], measure_id) in facts.scores
    }
    table = Table(
        f"{measure['measure_name']}: councils in {year}, best first",
        [
            Column("Council", cell=lambda r: council_cell(r, "../"), sort="text"),
            Column("Value", "value", form, sort="number"),
            Column("Lower 95 %", "lower_95", form, of=margins, sort="number"),
            Column("Upper 95 %", "upper_95", form, of=margins, sort="number"),
            Column("Score", "score", "1", of=scores, sort="number"),
            Column("To know", cell=lambda r: note(facts, r)),
        ],
        rows,
        by="area_code",
        id="league",
    )
    context["league"] = table
    context["map"] = hexagon_map(
        "map",
        f"{measure['measure_name']} by fifth, {year}",
        rows,
        "counted",
        form,
        places=facts.councils,
        table=None,
        best_is_low=not up,
    )
    spreads = [s for s in context["years"].rows if s["councils"]]
    if len(spreads) > 1:
        breaks = [str(b["first_year_after"]) for b in context["breaks"] if b["breaks_levels"]]
        heading = f"{measure['measure_name']} by year: half of the councils, their median, and England"
        context["trend"] = spread_trend("trend", heading, spreads, breaks=breaks, form=form, table=context["years"])
    return context


def _years(facts: Facts, measure_id: str, form: str) -> Table:
    rows = [row for (_, m), row in sorted(facts.spreads.items()) if m == measure_id]
    coverage = {r["financial_year"]: facts.coverage[r["financial_year"], measure_id] for r in rows}
    return Table(
        "By year",
        [
            Column("Year", cell=lambda r: str(r["financial_year"])),
            Column("Values are of", cell=lambda r: str(coverage[r["financial_year"]]["value_year"])),
            Column("Councils", "councils", "#"),
            Column("England", "england_value", form),
            Column("Lowest", "lowest", form),
            Column("Lower quartile", "lower_quartile", form),
            Column("Median", "median", form),
            Column("Upper quartile", "upper_quartile", form),
            Column("Highest", "highest", form),
        ],
        rows,
        by="financial_year",
    )


def measure_list(facts: Facts) -> dict[str, Any]:
    """All measures by domain, with their latest year."""
    domains: dict[str, list[Row]] = {}
    for measure in facts.measures.values():
        domains.setdefault(str(measure["domain_name"]), []).append(measure)
    latest = {measure_id: last_year(facts, measure_id) for measure_id in facts.measures}

    def councils(row: Row) -> Markup | str:
        year = latest[row["measure_id"]]
        return "" if year is None else number(facts.coverage[year, row["measure_id"]], "councils_with_value", "#")

    columns = [
        Column(
            "Measure",
            cell=lambda r: Markup('<a href="{}">{}</a>').format(measure_href(r["measure_id"], "../"), r["measure_name"]),
        ),
        Column("Better is", cell=lambda r: "higher" if r["polarity"] > 0 else "lower"),
        Column("Unit", cell=lambda r: unit_words(str(r["unit"]))),
        Column("Latest year", cell=lambda r: latest[r["measure_id"]] or "no publication is held"),
        Column("Councils with a value", cell=councils),
    ]
    return {"tables": [Table(domain, columns, rows, by="measure_id") for domain, rows in domains.items()]}
