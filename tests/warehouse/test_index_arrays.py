"""The arithmetic on arrays and the arithmetic in SQL are the same: outcome scores of every definition and year to 1e-9."""

from __future__ import annotations

import numpy as np
import pandas as pd

from orchestration.index.aggregate import Level, aggregate
from orchestration.index.normalise import goalposts, min_max, percentile_rank, winsorise, z_score
from tests.conftest import Released


def scaled(values: np.ndarray, choices: pd.Series, worst: np.ndarray, best: np.ndarray) -> np.ndarray:
    """(measures, councils) on the definition's scale."""
    inside = winsorise(values, choices["winsorise_lower"], choices["winsorise_upper"])
    low, high = choices["scale_low"], choices["scale_high"]
    if choices["normalisation"] == "z_score":
        return z_score(inside, choices["scale_centre"], choices["scale_spread"])
    if choices["normalisation"] == "percentile_rank":
        return percentile_rank(inside, low, high)
    if choices["normalisation"] == "goalposts":
        return goalposts(inside, worst, best, low, high)
    return min_max(inside, low, high)


def test_outcome_scores_on_arrays_are_those_of_the_marts(with_user_definitions: Released) -> None:
    with with_user_definitions.connect() as db:
        definitions = db.execute("select * from marts.dim_definition where window_years = 1").df().set_index("definition_id")
        scores = db.execute("select * from marts.fct_measure_score").df()
        measures = db.execute("select * from marts.dim_measure").df().set_index("measure_id")
        weights = db.execute("select * from marts.dim_definition_domain order by domain_order").df()
        ranking = db.execute(
            "select definition_id, financial_year, area_code, outcome_score from marts.productivity_ranking"
        ).df()
    compared = 0
    for (definition, year), rows in scores.groupby(["definition_id", "financial_year"]):
        if definition not in definitions.index:
            continue
        choices, domains = definitions.loc[definition], weights[weights["definition_id"] == definition]
        table = rows.pivot(index="measure_id", columns="area_code", values="value")
        used = measures.loc[table.index]
        turned = table.to_numpy(float) * used["polarity"].to_numpy(float)[:, None]
        posts = [(used[p] * used["polarity"]).to_numpy(float) for p in ("goalpost_worst", "goalpost_best")]
        names = list(domains["domain_id"])
        weight = rows.groupby("measure_id")["weight"].first()[table.index].to_numpy(float)
        inner = Level(np.array([names.index(d) for d in used["domain_id"]]), weight, choices["domain_aggregation"])
        by_domain = aggregate(scaled(turned, choices, *posts), inner, min_coverage=choices["min_domain_coverage"])
        outer = Level(np.zeros(len(names), dtype=int), domains["domain_weight"].to_numpy(float), choices["outcome_aggregation"])
        outcome = pd.Series(aggregate(by_domain, outer, min_coverage=1.0)[0], index=table.columns, name="ours")
        marts = ranking[(ranking["definition_id"] == definition) & (ranking["financial_year"] == year)].set_index("area_code")
        both = marts.join(outcome, how="inner")
        np.testing.assert_allclose(both["ours"], both["outcome_score"].astype(float), rtol=1e-9, err_msg=f"{definition} {year}")
        compared += int(both["ours"].notna().sum())
    assert compared > 5000
