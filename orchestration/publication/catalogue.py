"""docs/catalogue.md: every measure, break and definition as the seeds have them, and which year has which measure.

Generated from a release by `asc catalogue`; a test fails when the page and the seeds drift apart.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from orchestration.publication.queries import query


def _years(first: str, last: object) -> str:
    """'2017-18', '2017-18 to 2022-23', or '2023-24 on' for a code that is still in use."""
    if not isinstance(last, str) or not last:
        return f"{first} on"
    return first if first == last else f"{first} to {last}"


def catalogue_page(release: Path) -> str:
    """The page as Markdown."""
    measures = query(release, "select * from marts.dim_measure order by domain_order, measure_id")
    sources = query(release, "select * from marts.dim_measure_source order by measure_id, first_year, framework")
    coverage = query(release, "select * from marts.measure_coverage")
    breaks = query(release, "select * from marts.dim_break")
    definitions = query(release, "select * from marts.dim_definition where provenance = 'project' order by definition_id")
    held = set(coverage["measure_id"])
    parts = [
        "# Catalogue\n\nGenerated from the seeds by `asc catalogue`; do not edit. How they are used: [the method](method.md).\n",
        "## Which year has which measure\n\nCouncils with a value; `c` carried forward from an earlier survey, `r` computed as a ratio "
        "of two published counts; empty: not in force that year, or its publication is not held.\n",
        _coverage(measures, coverage),
        "## Measures\n",
    ]
    for domain, rows in measures.groupby("domain_name", sort=False):
        parts.append(f"### {domain}\n")
        for _, m in rows.iterrows():
            used = sources[sources["measure_id"] == m["measure_id"]]
            parts.append(
                f"**{m['measure_name']}** (`{m['measure_id']}`, {m['unit']}, {'higher' if m['polarity'] > 0 else 'lower'} is better)\n\n"
                f"- numerator: {m['numerator']}\n- denominator: {m['denominator']}\n- why: {m['rationale']}\n- caveat: {m['caveat']}\n"
                f"- source: {_sources(used)}{'' if m['measure_id'] in held or used.empty else ' (no publication is held)'}\n"
            )
    parts += ["## Breaks\n", _table(breaks, ["first_year_after", "measure_id", "breaks_levels", "what_changed"])]
    parts += [
        "## Definitions\n",
        _table(definitions, ["definition_id", "definition_name", "spend_basis", "k", "window_years", "description"]),
    ]
    return "\n".join(parts)


def _sources(used: pd.DataFrame) -> str:
    if used.empty:
        return "no publication with council values is held"
    return "; ".join(
        f"{s['framework']} {s['item']}{' ÷ ' + s['denominator_item'] if isinstance(s['denominator_item'], str) else ''}, {s['breakdown']}, "
        f"{_years(s['first_year'], s['last_year'])}"
        for _, s in used.iterrows()
    )


def _coverage(measures: pd.DataFrame, coverage: pd.DataFrame) -> str:
    years = sorted(coverage["financial_year"].unique())
    cells = {(c["measure_id"], c["financial_year"]): c for _, c in coverage.iterrows()}
    letter = {"published": "", "carried_forward": " c", "computed": " r"}
    rows = []
    for _, m in measures.iterrows():
        row = {"measure": m["measure_id"]}
        for year in years:
            cell = cells.get((m["measure_id"], year))
            row[year] = f"{cell['councils_with_value']}{letter[cell['value_basis']]}" if cell is not None else ""
        rows.append(row)
    return _table(pd.DataFrame(rows), ["measure", *years])


def _table(frame: pd.DataFrame, columns: list[str]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += [
        "| " + " | ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in row) + " |"
        for row in frame[columns].itertuples(index=False)
    ]
    return "\n".join(lines) + "\n"
