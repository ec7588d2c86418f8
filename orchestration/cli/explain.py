"""`asc explain`: one council's rank as arithmetic that a person can redo, down to the cell each figure was published in.

Every number printed is read from the release; the only arithmetic done here is writing a formula out with its numbers.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
from rich.console import Console

from orchestration.publication import queries
from orchestration.publication.names import UnknownError
from orchestration.publication.wording import measure_label


def explain(console: Console, release: Path, area_code: str, definition: str, year: str) -> None:
    """Print how the council's rank of the year comes about. UnknownError if the year does not have the council."""
    rows = queries.ranking(release, definition, year).frame()
    mine = rows[rows["area_code"] == area_code]
    if mine.empty:
        raise UnknownError(f"{area_code} is not a council of {year}.")
    row, choices = mine.iloc[0], queries.definition_row(release, definition)
    lineage = queries.lineage(release, area_code, year).frame()

    def line(text: str, style: str | None = None) -> None:
        console.print(text, style=style, highlight=False, soft_wrap=True, markup=False)

    line(f"\n{row['area_name']} ({area_code}), {year}, definition {definition}: {choices['description']}", "bold")
    if choices["window_years"] > 1:
        line(
            f"The mean of {choices['window_years']} years: sections 1 to 4 are the arithmetic of {year} itself, section 5 has the three."
        )

    line("\n1. Measures: value, what it is pulled in to, score", "bold")
    scores, spread = (
        queries.scores(release, area_code, definition, year).frame(),
        queries.spread(release, definition, year).frame().set_index("measure_id"),
    )
    for domain, measures in scores.groupby("domain_name", sort=False):
        line(f"\n  {domain}", "bold")
        for _, m in measures.iterrows():
            name = measure_label(m["measure_name"], m["breakdown"])
            if pd.isna(m["value"]):
                why = (
                    f"{m['published_value']:.6g} was published and is withheld: {m['doubt']}" if m["is_withheld"] else "no value"
                )
                line(f"  {name}: {why}, so its weight of {m['weight']:g} is shared out over the rest")
                continue
            turned = " (turned: lower is better)" if m["polarity"] < 0 else ""
            pulled = f", pulled in to {abs(m['winsorised_value']):.6g}" if m["is_winsorised"] else ""
            against = ""
            if choices["normalisation"] == "ratio_to_england":
                england, whose = reference(m, spread.loc[m["measure_id"]])
                against = f", against {england:.6g} ({whose})"
            line(f"  {name}: {m['value']:.6g}{turned}{pulled}{against}")
            line(f"    score {score_formula(m, spread.loc[m['measure_id']], choices)} = {m['score']:.4f}, weight {m['weight']:g}")
            for _, f in lineage[(lineage["component"] == "measure") & (lineage["component_id"] == m["measure_id"])].iterrows():
                line(f"    from {where(f)}", "dim")

    line("\n2. Domains: weighted mean of the scores there are", "bold")
    domains = queries.council_domains(release, area_code, definition, year).frame()
    for _, d in domains.iterrows():
        have = scores[(scores["domain_id"] == d["domain_id"]) & scores["score"].notna()]
        terms = " + ".join(f"{m['weight']:g} × {m['score']:.4f}" for _, m in have.iterrows())
        mean = (
            f"({terms}) / {have['weight'].sum():g}"
            if choices["domain_aggregation"] == "arithmetic"
            else f"{choices['domain_aggregation']} mean of {terms}"
        )
        found = (
            f"{d['domain_score']:.4f}"
            if pd.notna(d["domain_score"])
            else f"none: {d['measures_with_value']} measures and {d['coverage']:.0%} of the weight, "
            f"{choices['min_domain_measures']} and {choices['min_domain_coverage']:.0%} needed"
        )
        line(f"  {d['domain_name']}: {mean} = {found}")

    line("\n3. Outcome score", "bold")
    weights = queries.domain_weights(release, definition).frame()
    both = weights.merge(domains[["domain_id", "domain_score"]], on="domain_id", how="left")
    if pd.notna(row["annual_outcome_score"]):
        terms = " + ".join(f"{d['domain_weight']:g} × {d['domain_score']:.4f}" for _, d in both.iterrows())
        how = (
            f"({terms}) / {both['domain_weight'].sum():g}"
            if choices["outcome_aggregation"] == "arithmetic"
            else f"{choices['outcome_aggregation']} mean of {terms}"
        )
        line(f"  {how} = {row['annual_outcome_score']:.4f}")
    else:
        line(f"  none: {row['unranked_reason']}")

    line("\n4. Spend", "bold")
    for _, s in queries.council_spend(release, area_code, year, choices["spend_basis"]).frame().iterrows():
        name = "All" if s["domain_id"] == "all" else s["domain_id"]
        if pd.isna(s["spend_gbp"]):
            line(f"  {name}: no spend was published")
            continue
        modelled = ", interpolated shares of net spend" if s["is_interpolated"] else ""
        line(
            f"  {name}: £{s['spend_gbp']:,.0f}{modelled} / {s['population']:,.0f} residents (mid-{s['population_mid_year']}, {s['population_basis']}) "
            f"= £{s['spend_per_head_gbp']:.2f}"
        )
        if choices["spend_basis"] == "total_net_need_adjusted":
            expected = s["spend_per_head_gbp"] / s["spend_index"]
            line(
                f"    a council of like deprivation and age structure spends £{expected:.2f} (marts.need_adjustment_fit): index {s['spend_index']:.4f}"
            )
        else:
            line(
                f"    £{s['spend_per_head_gbp']:.2f} / England £{s['england_spend_per_head_gbp']:.2f} = index {s['spend_index']:.4f}"
            )
        if isinstance(s["doubt"], str):
            held = "withheld" if s["is_withheld"] and choices["doubtful_figures"] == "withhold" else "used as published"
            line(f"    doubtful, {held}: {s['doubt']}", "yellow")
    shown = {
        "spend": [choices["spend_basis"].removesuffix("_need_adjusted")],
        "population": ["18_to_64", "65_and_over"],
        "deprivation": ["imd_average_score"],
    }
    for component, ids in shown.items():
        if component == "deprivation" and choices["spend_basis"] != "total_net_need_adjusted":
            continue
        for _, f in lineage[(lineage["component"] == component) & lineage["component_id"].isin(ids)].iterrows():
            line(f"    {component} {f['breakdown']}: {f['value']:,.6g} {f['unit']} from {where(f)}", "dim")

    line("\n5. Productivity", "bold")
    if pd.isna(row["rank"]):
        line(f"  Not ranked: {row['unranked_reason']}")
        return
    basis = f"spend index {row['spend_index']:.4f}" if pd.notna(row["spend_index"]) else "no spend"
    if choices["k"] == 0:
        line(f"  spend does not count (k = 0): {row['productivity']:.4f}")
    elif choices["combination"] == "standardised":
        year_facts = queries.standardised_spread(release, definition, year)
        z_outcome = (row["outcome_score"] - year_facts["mean_outcome"]) / year_facts["deviation_outcome"]
        z_spend = (math.log(row["spend_index"]) - year_facts["mean_log_spend"]) / year_facts["deviation_log_spend"]
        line(
            f"  outcome: ({row['outcome_score']:.4f} − {year_facts['mean_outcome']:.4f}) / {year_facts['deviation_outcome']:.4f} = {z_outcome:.4f}"
        )
        line(
            f"  spend: (ln {row['spend_index']:.4f} − {year_facts['mean_log_spend']:.4f}) / {year_facts['deviation_log_spend']:.4f} "
            f"= {z_spend:.4f}"
        )
        line(
            f"  100 + 10 × ({z_outcome:.4f} − {choices['k']:g} × {z_spend:.4f}) / {1 + choices['k']:g} = {row['productivity']:.4f}"
        )
    elif choices["spend_basis"].startswith("by_domain"):
        line(
            f"  each domain score over its own index to the power {choices['k']:g}, then the weighted mean = {row['productivity']:.4f}"
        )
    elif choices["window_years"] > 1:
        years = queries.council_years(release, area_code, definition).frame()
        three = years[years["financial_year"] <= year].tail(3)
        for _, one in three.iterrows():
            line(
                f"  {one['financial_year']}: outcome {one['annual_outcome_score']:.4f} / spend index {one['annual_spend_index']:.4f} "
                f"= {one['annual_productivity']:.4f}"
            )
        line(f"  ({' + '.join(f'{p:.4f}' for p in three['annual_productivity'])}) / 3 = {row['productivity']:.4f}")
        line(f"  slope {row['productivity_slope']:+.4f} a year")
    else:
        power = f"^{choices['k']:g}" if choices["k"] != 1 else ""
        line(f"  outcome {row['outcome_score']:.4f} / {basis}{power} = {row['productivity']:.4f}")
    line(f"  rank {int(row['rank'])} of {int(rows['rank'].notna().sum())} ranked councils")


def score_formula(measure: pd.Series, spread: pd.Series, choices: queries.Row) -> str:
    """The normalisation written out with its numbers, values turned so that higher is better."""
    low, high, w = choices["scale_low"], choices["scale_high"], measure["winsorised_value"]
    if choices["normalisation"] == "z_score":
        return f"{choices['scale_centre']:g} + {choices['scale_spread']:g} × ({w:.6g} − {spread['mean']:.6g}) / {spread['standard_deviation']:.6g}"
    if choices["normalisation"] == "ratio_to_england":
        own, (against, _) = w * measure["polarity"], reference(measure, spread)
        ratio = f"100 × {own:.6g} / {against:.6g}" if measure["polarity"] > 0 else f"100 × {against:.6g} / {own:.6g}"
        return f"{measure['score']:g}, the bound, for {ratio}" if measure["score"] in (low, high) else ratio
    if spread["lowest"] == spread["highest"]:
        return "the middle of the scale: the measure is the same everywhere"
    if choices["normalisation"] == "percentile_rank":
        return f"{low:g} + {high - low:g} × ({int(measure['position'])} − 1) / ({int(spread['councils'])} − 1)"
    if choices["normalisation"] == "goalposts":
        worst, best = measure["goalpost_worst"] * measure["polarity"], measure["goalpost_best"] * measure["polarity"]
        return f"{low:g} + {high - low:g} × ({w:.6g} − {worst:.6g}) / ({best:.6g} − {worst:.6g}), between {low:g} and {high:g}"
    return f"{low:g} + {high - low:g} × ({w:.6g} − {spread['lowest']:.6g}) / ({spread['highest']:.6g} − {spread['lowest']:.6g})"


def reference(measure: pd.Series, spread: pd.Series) -> tuple[float, str]:
    """What a value relative to England is held against: England's own, or the mean of councils where none was published."""
    if pd.notna(measure["england_value"]):
        return float(measure["england_value"]), "England"
    return float(spread["mean"] * measure["polarity"]), "mean of councils"


OBTAINED = {
    "publishers_file": "",
    "copy": "a copy of the publisher's file, ",
    "compiled_table": "a table compiled from the publication, ",
}
"""Said before the place, where the place is not the published cell itself."""


def where(figure: pd.Series) -> str:
    """Publication, edition, file and the place in it; says so where the file is not the publisher's own."""
    place = f"{figure['sheet']}!{figure['locator']}" if pd.notna(figure["sheet"]) else figure["locator"]
    return f"{figure['publisher']}, {figure['source']} {figure['edition']}, {figure['framework']} {figure['item']}, {OBTAINED[figure['obtained']]}{figure['file_name']} ({figure['file_sha256'][:12]}), {place}"
