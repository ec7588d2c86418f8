"""From the results of studies to rows of the marts in `tables.py`. Reshaping only; arithmetic belongs to `simulation.py`, `influence.py` and `index/`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from orchestration.analysis.factors import nominal
from orchestration.analysis.influence import Dropped, YearSensitivity
from orchestration.analysis.problems import DefinitionYear, Problem
from orchestration.analysis.simulation import TOP, RankCounts, rank_quantile
from orchestration.index.aggregate import Floats, Level
from orchestration.index.diagnostics import correlations, cronbach_alpha, effective_weights
from orchestration.index.groups import cut, finest_cut, misordered_share
from orchestration.index.monte_carlo import Indices, Rules, domain_scores, measure_scores
from orchestration.index.rank_sets import joint_region, marginal_sets, simultaneous_sets

REDUNDANT = 0.9
"""Two measures that correlate at least so strongly count as saying the same."""


def _at(problem: Problem, year: str) -> dict[str, object]:
    return {"definition_id": problem.definition_id, "financial_year": year}


def _years(problem: Problem) -> dict[str, DefinitionYear]:
    return {year.financial_year: year for year in problem.years}


def rank_uncertainty(problem: Problem, counts: Mapping[str, RankCounts], uncertainty_of: str) -> list[dict[str, object]]:
    """Rows of `rank_uncertainty`, ranked councils only."""
    rows: list[dict[str, object]] = []
    for name, counted in counts.items():
        year = _years(problem)[name]
        best, worst = counted.interval()
        quantiles = {"rank_p05": best, "rank_p25": counted.quantile(0.25), "rank_median": counted.quantile(0.5)} | {
            "rank_p75": counted.quantile(0.75),
            "rank_p95": worst,
        }
        top_ten = counted.probability_at_most(TOP)
        top_quarter = counted.probability_at_most(year.is_ranked.sum() / 4)
        above_peers = counted.above_peers / max(counted.peer_replications, 1)
        for n in np.flatnonzero(year.is_ranked):
            rows.append(
                _at(problem, name)
                | {"area_code": year.councils[n], "uncertainty_of": uncertainty_of, "rank": int(year.rank[n])}
                | {label: None if np.isnan(values[n]) else int(values[n]) for label, values in quantiles.items()}
                | {
                    "probability_top_ten": top_ten[n],
                    "probability_top_quarter": top_quarter[n],
                    "probability_above_peers": above_peers[n],
                    "share_ranked": np.nan_to_num(counted.ranked[n]) / counted.replications,
                    "interval_level": None if np.isnan(counted.level) else counted.level,
                    "replications": counted.replications,
                }
            )
    return rows


def confidence_sets(problem: Problem, counts: Mapping[str, RankCounts]) -> list[dict[str, object]]:
    """Rows of `rank_confidence_set`, of a study of the figures alone."""
    rows: list[dict[str, object]] = []
    for name, counted in counts.items():
        year = _years(problem)[name]
        if counted.places is None or counted.errors is None or counted.error_draws is None:
            continue
        one = marginal_sets(counted.places, counted.errors, counted.error_draws)
        all_ = simultaneous_sets(counted.places, counted.errors, counted.error_draws)
        region = joint_region(counted.places, counted.errors)
        could = all_.could_be_among(TOP)
        for n, unit in enumerate(np.flatnonzero(year.is_ranked)):
            rows.append(
                _at(problem, name)
                | {"area_code": year.councils[unit], "rank": int(year.rank[unit])}
                | {"marginal_best": int(one.best[n]), "marginal_worst": int(one.worst[n])}
                | {"simultaneous_best": int(all_.best[n]), "simultaneous_worst": int(all_.worst[n])}
                | {"joint_region_best": int(region.best[n]), "joint_region_worst": int(region.worst[n])}
                | {"could_be_top_ten": bool(could[n])}
            )
    return rows


def beside(uncertainty: list[dict[str, object]], sets: list[dict[str, object]]) -> None:
    """Put what holds for everybody at once beside each rank that is drawn from the same figures; empty where no sets were made."""
    known = {(row["definition_id"], row["financial_year"], row["area_code"]): row for row in sets}
    for row in uncertainty:
        found = (
            known.get((row["definition_id"], row["financial_year"], row["area_code"]), {})
            if row["uncertainty_of"] != "method"
            else {}
        )
        row |= {name: found.get(name) for name in ("simultaneous_best", "simultaneous_worst", "could_be_top_ten")}


SHARE_WRONG, PAIR_WRONG = 0.05, 0.20
"""Of the pairs that groups tell apart, how many may stand in the wrong order; and how likely a single pair may be wrong."""


def group_name(number: int) -> str:
    """A, B … Z, AA, AB … for 0, 1 …"""
    return (group_name(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


def wrong_order(counted: RankCounts, ranked: Indices) -> Floats:
    """(n, n): of the draws that tell two councils apart, the share in which the column stands above the row."""
    above = counted.above[np.ix_(ranked, ranked)].astype(float)
    decided = above + above.T
    return np.asarray(np.divide(above.T, decided, out=np.full_like(above, 0.5), where=decided > 0))


def groups(problem: Problem, counts: Mapping[str, RankCounts]) -> list[dict[str, object]]:
    """Rows of `rank_group`: each ranked year cut twice, in the order of the ranking."""
    rows: list[dict[str, object]] = []
    for name, counted in counts.items():
        year = _years(problem)[name]
        ranked = np.flatnonzero(year.is_ranked)
        ranked = ranked[np.lexsort([np.array(year.councils)[ranked], year.rank[ranked]])]
        wrong = wrong_order(counted, ranked)
        cuts = finest_cut(wrong, SHARE_WRONG), cut(wrong, PAIR_WRONG)
        shares = [100 * misordered_share(wrong, found) for found in (*cuts, np.arange(len(ranked)))]
        sizes = [np.bincount(found)[found] for found in cuts]
        for n, unit in enumerate(ranked):
            rows.append(
                _at(problem, name)
                | {"area_code": year.councils[unit], "rank": int(year.rank[unit])}
                | {"group_5_pct": group_name(int(cuts[0][n])), "group_5_pct_councils": int(sizes[0][n])}
                | {"group_20_pct": group_name(int(cuts[1][n])), "group_20_pct_councils": int(sizes[1][n])}
                | dict(zip(("misordered_5_pct", "misordered_20_pct", "misordered_ranks_pct"), shares, strict=True))
            )
    return rows


def pairwise(problem: Problem, counts: Mapping[str, RankCounts]) -> list[dict[str, object]]:
    """Rows of `pairwise_probability`: each pair of ranked councils once."""
    rows: list[dict[str, object]] = []
    for name, counted in counts.items():
        year = _years(problem)[name]
        ranked = np.flatnonzero(year.is_ranked)
        share = counted.above / counted.replications
        rows += [
            _at(problem, name)
            | {"area_code": year.councils[a], "other_area_code": year.councils[b], "probability_above": share[a, b]}
            for position, a in enumerate(ranked)
            for b in ranked[position + 1 :]
        ]
    return rows


def convergence(problem: Problem, counts: Mapping[str, RankCounts]) -> list[dict[str, object]]:
    """Rows of `uncertainty_convergence`."""
    rows: list[dict[str, object]] = []
    for name, counted in counts.items():
        ranked = _years(problem)[name].is_ranked
        for replications, own_rank in sorted(counted.snapshots.items()):
            width = (rank_quantile(own_rank, 0.95) - rank_quantile(own_rank, 0.05))[ranked]
            rows.append(_at(problem, name) | {"replications": replications, "mean_interval_width": float(np.nanmean(width))})
    return rows


def sensitivity_rows(problem: Problem, results: Mapping[str, YearSensitivity]) -> list[dict[str, object]]:
    """Rows of `sensitivity`."""
    rows: list[dict[str, object]] = []
    for name, found in results.items():
        ix = found.indices
        for output, area in enumerate(["all", *found.councils]):
            for f, factor in enumerate(found.factors):
                rows.append(
                    _at(problem, name)
                    | {
                        "area_code": area,
                        "factor_id": factor,
                        "first_order": ix.first[f, output],
                        "first_order_p05": ix.first_low[f, output],
                        "first_order_p95": ix.first_high[f, output],
                        "total": ix.total[f, output],
                        "total_p05": ix.total_low[f, output],
                        "total_p95": ix.total_high[f, output],
                        "samples": found.samples,
                    }
                )
    return rows


def drop_one_rows(problem: Problem, year: DefinitionYear, found: list[Dropped]) -> list[dict[str, object]]:
    """Rows of `drop_one`, ranked councils only."""
    return [
        _at(problem, year.financial_year)
        | {
            "element_kind": dropped.kind,
            "element_id": dropped.name,
            "area_code": year.councils[n],
            "rank": int(year.rank[n]),
            "rank_without": int(dropped.rank[n]),
            "places_gained": int(year.rank[n] - dropped.rank[n]),
        }
        for dropped in found
        for n in np.flatnonzero(year.is_ranked)
        if not np.isnan(dropped.rank[n])
    ]


def diagnostics(problem: Problem, year: DefinitionYear) -> list[dict[str, object]]:
    """Rows of `index_diagnostics` for one year, on the nominal scores of all councils that count when scaling."""
    arrays, chosen = year.arrays, nominal(problem, year, 1)
    scales = {str(problem.definition["normalisation"]): problem.own_scale}
    scores = measure_scores(arrays, scales, chosen)[0]
    rules = Rules(problem.number("min_domain_coverage"), int(problem.number("min_domain_measures")))
    domains = domain_scores(arrays, scores[None], chosen, rules)[0]
    levels = [
        Level(arrays.domain_of, arrays.measure_weights),
        Level(np.zeros(len(year.domains), dtype=np.int64), arrays.domain_weights),
    ]
    outcome = (arrays.domain_weights @ domains) / arrays.domain_weights.sum()
    weights = effective_weights(levels)[0]
    together = correlations(np.vstack([scores, domains, outcome[None]]))
    count = len(year.measures)
    rows: list[dict[str, object]] = []

    def add(statistic: str, domain: int, value: float, measure: int | None = None, other: int | None = None) -> None:
        rows.append(
            _at(problem, year.financial_year)
            | {
                "statistic": statistic,
                "domain_id": year.domains[domain],
                "measure_id": None if measure is None else year.measures[measure],
                "other_measure_id": None if other is None else year.measures[other],
                "value": None if np.isnan(value) else float(value),
            }
        )

    for domain in range(len(year.domains)):
        add("cronbach_alpha", domain, cronbach_alpha(scores[arrays.domain_of == domain]))
    for measure in range(count):
        domain = int(arrays.domain_of[measure])
        add("effective_weight", domain, weights[measure], measure)
        add("correlation_with_domain", domain, together[measure, count + domain], measure)
        add("correlation_with_outcome", domain, together[measure, -1], measure)
        for other in range(measure + 1, count):
            if arrays.domain_of[other] == domain:
                add("correlation", domain, together[measure, other], measure, other)
            if abs(together[measure, other]) >= REDUNDANT:
                add("redundant_pair", domain, together[measure, other], measure, other)
    return rows
