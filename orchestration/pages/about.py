"""The pages about the index: method with one council worked by hand, data quality, downloads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from orchestration.pages.council import name_of
from orchestration.pages.facts import DEFAULT, Facts
from orchestration.pages.league import council_cell
from orchestration.pages.links import council_href, measure_href
from orchestration.pages.marks import Column, Row, Table
from orchestration.publication.wording import measure_label

RANK_CORRELATION = "rank_correlation_with_year_before"
DIAGNOSED = {
    "cronbach_alpha": "Cronbach's alpha of a domain",
    "spend_share_of_variance": "Spend's share of the variance of productivity",
    RANK_CORRELATION: "Correlation of ranks with the year before",
}


def method(facts: Facts) -> dict[str, Any]:
    """The default definition, and the first council of the latest year worked through."""
    year = facts.latest
    card = next(c for c in facts.scorecards[DEFAULT, year] if c["rank"] is not None and c["coverage"] == 1)
    code = str(card["area_code"])
    tables = []
    for domain in facts.domains:
        rows = [r for (y, c, m), r in facts.scores.items() if (y, c) == (year, code) and r["domain_id"] == domain["domain_id"]]
        scales = {r["measure_id"]: facts.scales[year, r["measure_id"]] for r in rows}
        tables.append(
            (
                domain,
                facts.scores_of_domains[year, code][domain["domain_id"]],
                Table(
                    f"{domain['domain_name']}: {card['area_name']}, {year}",
                    [
                        Column("Measure", cell=lambda r: name_of(facts, facts.values[year, code, r["measure_id"]])),
                        Column("Value", "value", _places(facts)),
                        Column("Turned and winsorised", "winsorised_value", "3"),
                        Column("Lowest of councils", "lowest_winsorised_value", "3", of=scales),
                        Column("Highest of councils", "highest_winsorised_value", "3", of=scales),
                        Column("Score", "score", "2"),
                        Column("Weight", "weight", "2"),
                    ],
                    rows,
                    by="measure_id",
                ),
            )
        )
    definitions = Table(
        "Definitions of the index",
        [
            Column("Definition", cell=lambda r: str(r["definition_name"])),
            Column("What it does", cell=lambda r: str(r["description"])),
            Column("Power of spend", "k", "g"),
            Column("Years together", "window_years", "#"),
        ],
        facts.definitions,
        by="definition_id",
    )
    return {
        "card": card,
        "year": year,
        "ranking": facts.rankings[DEFAULT, year, code],
        "href": council_href(str(card["continuity_code"])),
        "tables": tables,
        "definitions": definitions,
        "default": facts.definitions[0],
        "coverage_table": _interval_coverage(facts),
    }


def _places(facts: Facts) -> Any:
    return lambda row: str(facts.measures[row["measure_id"]]["decimals"])


def _interval_coverage(facts: Facts) -> Table:
    rows = [r.keyed("world") for r in facts.table("interval_coverage", ["world"]) if r["world"][:2] == "20"]
    return Table(
        "How often the 90 % intervals hold the true rank, in simulated worlds with the spread and errors of each year",
        [
            Column("World like", cell=lambda r: str(r["world"])),
            Column("Error relative to spread", "noise_to_spread", "2"),
            Column("All councils", "coverage", "%1"),
            Column("Observed top ten", "coverage_observed_top_ten", "%1"),
            Column("True top ten", "coverage_true_top_ten", "%1"),
            Column("Mean width in ranks", "mean_interval_width", "1"),
        ],
        rows,
        by="world",
    )


def quality(facts: Facts) -> dict[str, Any]:
    """Coverage, doubtful figures, checks of the run, what the index says of itself, editions."""
    years = [str(y["financial_year"]) for y in facts.years]
    of = {y: {m: row for (yy, m), row in facts.coverage.items() if yy == y} for y in years}
    coverage = Table(
        "Councils with a value, by measure and year",
        [
            Column(
                "Measure",
                cell=lambda r: Markup('<a href="{}">{}</a>').format(measure_href(str(r["measure_id"])), r["measure_name"]),
            ),
            *(Column(y, "councils_with_value", "#", of=of[y]) for y in years if of[y]),
        ],
        list(facts.measures.values()),
        by="measure_id",
    )
    years_table = Table(
        "Years",
        [
            Column("Year", cell=lambda r: str(r["financial_year"])),
            Column("Councils ranked", "councils_ranked", "#"),
            Column("Provisional", cell=lambda r: "yes" if r["is_provisional"] else "no"),
            Column("What is missing", cell=lambda r: str(r["what_is_missing"] or "")),
        ],
        facts.years,
        by="financial_year",
    )

    def about(row: Row) -> str:
        if row["subject"] == "measure" or row["subject_id"] in facts.measures:
            return measure_label(str(facts.measures[row["subject_id"]]["measure_name"]), "total")
        return "Net spend" if row["subject"] == "spend" else f"Form RO3, line {row['subject_id']}"

    doubtful = []
    for year in reversed(years):
        for subject in sorted({str(d["subject"]) for d in facts.doubts if d["financial_year"] == year}):
            rows = [d for d in facts.doubts if d["financial_year"] == year and d["subject"] == subject]
            for item in sorted({str(d["subject_id"]) for d in rows}):
                own = [d for d in rows if d["subject_id"] == item]
                doubtful.append(
                    Table(
                        f"{about(own[0])}, {year}",
                        [
                            Column("Council", cell=lambda r: council_cell(r, "")),
                            Column("Value", "value", "g"),
                            Column("Decision", cell=lambda r: str(r["decision"])),
                            Column("Evidence", cell=lambda r: str(r["evidence"])),
                            Column("Reason", cell=lambda r: str(r["reason"] or "")),
                        ],
                        own,
                        by="area_code",
                    )
                )
    diagnostics = []
    for statistic, words in DIAGNOSED.items():
        key = ["definition_id", "financial_year", "statistic", "domain_id", "measure_id", "other_measure_id"]
        rows = facts.table("index_diagnostics", key, f"definition_id = '{DEFAULT}' and statistic = '{statistic}'")
        for domain in sorted({str(r["domain_id"] or "") for r in rows}):
            own = [r for r in rows if str(r["domain_id"] or "") == domain]
            kept = ["definition_id", "financial_year", "statistic", *(["domain_id"] if domain else [])]
            name = next((str(d["domain_name"]) for d in facts.domains if d["domain_id"] == domain), "")
            diagnostics.append(
                Table(
                    f"{words}{': ' + name if name else ''}",
                    [Column("Year", cell=lambda r: str(r["financial_year"])), Column("Value", "value", "2")],
                    [r.keyed(*kept) for r in own],
                    by="financial_year",
                )
            )
    validation = Table(
        "Rank correlation of productivity with the regulator's assessments, a check from outside",
        [
            Column("Assessment", cell=lambda r: str(r["external_value"]).replace("_", " ")),
            Column("Councils", "councils", "#"),
            Column("Correlation", "rank_correlation", "+2"),
            Column("Lower 95 %", "lower_95", "+2"),
            Column("Upper 95 %", "upper_95", "+2"),
        ],
        facts.table(
            "external_validation",
            ["definition_id", "index_value", "external_value"],
            f"definition_id = '{DEFAULT}' and index_value = 'productivity'",
        ),
        by="external_value",
    )
    editions = Table(
        "Editions: publications that figures come from",
        [
            Column("Publication", cell=lambda r: str(r["title"])),
            Column("Publisher", cell=lambda r: str(r["publisher"])),
            Column("Edition", cell=lambda r: str(r["edition"])),
            Column("State", cell=lambda r: str(r["maturity"])),
            Column("Figures", cell=lambda r: str(r["obtained"] or "")),
            Column("Note", cell=lambda r: str(r["note"] or "")),
        ],
        facts.table("dim_edition", ["source", "edition"]),
        by="edition",
    )
    return {
        "coverage": coverage,
        "years": years_table,
        "doubtful": doubtful,
        "set_aside": set_aside(facts),
        "checks": checks(facts),
        "diagnostics": diagnostics,
        "validation": validation,
        "editions": editions,
    }


SAID_OF = {"warning": "warning", "quarantine": "set aside"}


def set_aside(facts: Facts) -> list[str]:
    """The figures that broke a rule about single figures, a sentence each."""
    rows = facts.connection.execute(
        "select source, edition, locator, item, breakdown, period, area_code, value, unit, rule from meta.quarantine order by all"
    ).fetchall()
    return [
        f"{source} {edition}, {locator}: {item} {breakdown} {period}, {area_code}, {value:g} {unit}. {rule}."
        for source, edition, locator, item, breakdown, period, area_code, value, unit, rule in rows
    ]


def checks(facts: Facts) -> list[dict[str, Any]]:
    """Each gate of the run that made this release: its rules, and what came of them."""
    rows = facts.connection.execute(
        "select suite, rule, severity, passed, rows_checked, sentence from meta.check_result order by suite, passed, rule"
    ).fetchall()
    gates: dict[str, list[dict[str, str]]] = {}
    for suite, rule, severity, passed, checked, sentence in rows:
        result = "held" if passed else f"{SAID_OF.get(severity, 'did not hold')}: {sentence}"
        gates.setdefault(str(suite), []).append({"rule": rule, "rows": f"{checked:,}", "result": result})
    return [
        {
            "name": name.replace("_", " "),
            "rules": rules,
            "held": f"{sum(r['result'] == 'held' for r in rules)} of {len(rules)} rules held",
        }
        for name, rules in gates.items()
    ]


def downloads(facts: Facts) -> dict[str, Any]:
    """Every table with its files, and how to cite."""
    described = dict(
        facts.connection.execute("select table_name, comment from duckdb_tables() where schema_name = 'marts'").fetchall()
    )
    tables = []
    for name, rows in sorted(facts.manifest["tables"].items()):
        csv, parquet = facts.release / f"{name}.csv", facts.release / f"{name}.parquet"
        tables.append(
            {
                "name": name,
                "rows": f"{rows:,}",
                "csv": _size(csv),
                "parquet": _size(parquet),
                "about": str(described.get(name) or ""),
            }
        )
    files = [
        {"name": name, "size": _size(facts.release / name), "about": about}
        for name, about in (
            ("asc.duckdb", "All tables with their descriptions, for DuckDB."),
            ("asc_index.xlsx", "The ranking of the latest year, its measures and notes as an accessible workbook."),
            ("datapackage.json", "The tables' columns, types, units and keys as a Frictionless data package."),
            ("csv-metadata.json", "The same as CSV on the Web metadata."),
            ("data_dictionary.csv", "Every table and column with its type and description."),
            ("manifest.json", "What this release is made of: editions with their hashes, checks, rows."),
            ("self_audit.md", "What the index says of itself."),
        )
        if (facts.release / name).exists()
    ]
    made = str(facts.manifest["made_at"])[:10]
    return {
        "tables": tables,
        "files": files,
        "cite": f"The open index of adult social care productivity in England, release {facts.manifest['release_id']}, {made}.",
    }


def _size(path: Path) -> str:
    if not path.exists():
        return "–"
    size = float(path.stat().st_size)
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3)):,} kB"
