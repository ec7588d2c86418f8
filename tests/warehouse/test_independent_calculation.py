"""The ranking calculated a second time, with pandas and NumPy from the figures and the seeds, without the project's code.

Every definition, council and year must agree with the marts to 1e-9. The code below is written from docs/method.md and shares
nothing with the SQL but the seeds.
"""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from orchestration.settings import PROJECT_ROOT
from tests.conftest import Released

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
FIGURES = PROJECT_ROOT / "data" / "figures"
NOT_RANKABLE = {"E09000001", "E06000053"}
YEARS = ["2017-18", "2018-19", "2019-20", "2020-21", "2021-22", "2022-23", "2023-24"]


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def load(source: str) -> pd.DataFrame:
    files = sorted((FIGURES / source).glob("*.csv"))
    return pd.concat(
        [pd.read_csv(f, dtype={"item": str, "area_code": str}, keep_default_na=False) for f in files], ignore_index=True
    )


# The same council under another code: recodes that kept the area, written down from the code changes.
SAME_COUNCIL = {"E10000002": "E06000060", "E10000023": "E06000065", "E10000027": "E06000066"}
SPLIT = {"E10000021": ["E06000061", "E06000062"], "E10000006": ["E06000063", "E06000064"]}


def now(code: str) -> str:
    return SAME_COUNCIL.get(code, code)


def measure_values() -> dict[str, dict[str, dict[str, float]]]:
    """year -> measure -> council -> value, with carers' surveys carried forward at most two years."""
    outcomes = pd.concat([load("ascof"), load("activity_and_finance")])
    outcomes["value"] = pd.to_numeric(outcomes["value"], errors="coerce")
    lookup = {
        key: dict(zip(rows["area_code"], rows["value"], strict=True))
        for key, rows in outcomes.dropna(subset=["value"]).groupby(["framework", "item", "breakdown", "financial_year"])
    }
    values: dict[str, dict[str, dict[str, float]]] = {year: {} for year in YEARS}
    for source in seed("measure_sources"):
        for year in YEARS:
            if source["first_year"] <= year <= source["last_year"]:
                found = lookup.get((source["framework"], source["item"], source["breakdown"], year), {})
                found = {a: v for a, v in found.items() if a[:3] in {"E06", "E08", "E09", "E10"}}
                if found:
                    values[year][source["measure_id"]] = found
    for measure in seed("measures"):
        for position, year in enumerate(YEARS):
            if measure["measure_id"] in values[year]:
                continue
            for back in range(1, int(measure["carry_forward_years"]) + 1):
                earlier = YEARS[position - back] if position >= back else None
                source_has_it = earlier and any(
                    s["measure_id"] == measure["measure_id"] and s["first_year"] <= earlier <= s["last_year"]
                    for s in seed("measure_sources")
                )
                if source_has_it and earlier:
                    then = {now(a): v for a, v in values[earlier][measure["measure_id"]].items()}
                    in_force = councils_in_force(year)
                    values[year][measure["measure_id"]] = {a: then[now(a)] for a in in_force if now(a) in then}
                    break
    return values


def councils_in_force(year: str) -> set[str]:
    """Councils of a year are those that the outcomes of that year list (their count is tested elsewhere)."""
    frame = pd.read_csv(FIGURES / "ascof" / f"{year}.csv", dtype=str)
    return {a for a in frame["area_code"] if a[:3] in {"E06", "E08", "E09", "E10"}}


def spend_per_adult() -> dict[str, dict[str, float]]:
    population = load("population")
    people = population.groupby(["period", "area_code"])["value"].agg(lambda v: pd.to_numeric(v).sum()).to_dict()
    spend = load("revenue_outturn")
    result: dict[str, dict[str, float]] = {}
    for year in YEARS:
        mid = int(year[:4])
        rows = spend[spend["financial_year"] == year]
        result[year] = {}
        for area, thousand in zip(rows["area_code"], pd.to_numeric(rows["value"]), strict=True):
            adults = None
            for candidate in (mid, *range(mid - 1, 2014, -1)):
                period = f"mid-{candidate}"
                forms = [[area], [now(area)], *([SPLIT[area]] if area in SPLIT and candidate == mid else [])]
                adults = next(
                    (sum(people[period, a] for a in form) for form in forms if all((period, a) in people for a in form)), None
                )
                if adults:
                    break
            assert adults, (year, area)
            result[year][area] = thousand * 1000 / adults
    return result


def england_spend(per_adult: dict[str, float], year: str) -> float:
    rows = load("revenue_outturn")
    rows = rows[rows["financial_year"] == year]
    pounds = dict(zip(rows["area_code"], pd.to_numeric(rows["value"]) * 1000, strict=True))
    adults = {a: pounds[a] / per_adult[a] for a in per_adult}
    return sum(pounds[a] for a in per_adult) / sum(adults.values())


def mean(values: np.ndarray, weights: np.ndarray, method: str) -> float:
    if method == "arithmetic":
        return float(np.average(values, weights=weights))
    if method == "geometric":
        return float(np.prod(values ** (weights / weights.sum())))
    return float(weights.sum() / np.sum(weights / values))


def normalise(oriented: np.ndarray, definition: dict[str, str], measure: dict[str, str]) -> np.ndarray:
    low, high = np.quantile(oriented, [float(definition["winsorise_lower"]), float(definition["winsorise_upper"])])
    values = np.clip(oriented, low, high)
    method = definition["normalisation"]
    if method == "z_score":
        return float(definition["scale_centre"]) + float(definition["scale_spread"]) * (values - values.mean()) / values.std(
            ddof=1
        )
    if method == "goalposts":
        sign = int(measure["polarity"])
        worst, best = float(measure["goalpost_worst"]) * sign, float(measure["goalpost_best"]) * sign
        share = np.clip((values - worst) / (best - worst), 0, 1)
    elif method == "percentile_rank":
        share = np.array([(values < v).sum() for v in values]) / (len(values) - 1)
    else:
        share = (values - values.min()) / (values.max() - values.min())
    return float(definition["scale_low"]) + (float(definition["scale_high"]) - float(definition["scale_low"])) * share


def calculate(definition: dict[str, str]) -> pd.DataFrame:
    """Outcome score and productivity of every rankable council and year, ranked."""
    measures = {m["measure_id"]: m for m in seed("measures")}
    identity = definition["definition_id"]
    weight = {w["measure_id"]: float(w["weight"]) for w in seed("definition_measures") if w["definition_id"] == identity}
    domain_weight = {d["domain_id"]: float(d["weight"]) for d in seed("definition_domains") if d["definition_id"] == identity}
    everything, spend = measure_values(), spend_per_adult()
    rows = []
    for year in YEARS:
        scores: dict[str, dict[str, float]] = {}
        for measure_id, values in everything[year].items():
            if weight.get(measure_id, 0) == 0:
                continue
            rankable = {a: v for a, v in values.items() if a not in NOT_RANKABLE}
            oriented = np.array(list(rankable.values())) * int(measures[measure_id]["polarity"])
            scaled = normalise(oriented, definition, measures[measure_id])
            scores[measure_id] = dict(zip(rankable, scaled, strict=True))
        england = england_spend(spend[year], year)
        councils = sorted(councils_in_force(year) - NOT_RANKABLE)
        of_year = []
        for area in councils:
            domains = {}
            for domain in domain_weight:
                held = [m for m in scores if measures[m]["domain_id"] == domain]
                have = [m for m in held if area in scores[m]]
                share = sum(weight[m] for m in have) / sum(weight[m] for m in held)
                if share >= float(definition["min_domain_coverage"]) - 1e-9:
                    domains[domain] = mean(
                        np.array([scores[m][area] for m in have]),
                        np.array([weight[m] for m in have]),
                        definition["domain_aggregation"],
                    )
            outcome = np.nan
            if len(domains) == len(domain_weight):
                outcome = mean(
                    np.array([domains[d] for d in domain_weight]),
                    np.array(list(domain_weight.values())),
                    definition["outcome_aggregation"],
                )
            index = spend[year].get(area, np.nan) / england
            of_year.append((year, area, outcome, outcome / index ** float(definition["k"])))
        frame = pd.DataFrame(of_year, columns=["financial_year", "area_code", "outcome_score", "productivity"])
        enough = frame["outcome_score"].notna().sum() >= float(definition["min_year_coverage"]) * len(councils)
        frame["rank"] = frame["productivity"].rank(ascending=False, method="dense") if enough else np.nan
        rows.append(frame)
    return pd.concat(rows, ignore_index=True)


@pytest.mark.parametrize("definition", seed("index_definitions"), ids=lambda d: d["definition_id"])
def test_the_marts_agree_with_an_independent_calculation(released: Released, definition: dict[str, str]) -> None:
    ours = calculate(definition)
    with released.connect() as db:
        marts = db.execute(
            "select financial_year, area_code, outcome_score, productivity, rank from marts.productivity_ranking where definition_id = ?",
            [definition["definition_id"]],
        ).df()
    marts = marts[~marts["area_code"].isin(NOT_RANKABLE)]
    both = ours.merge(marts, on=["financial_year", "area_code"], suffixes=("", "_mart"), how="outer", indicator=True)
    assert set(both["_merge"]) == {"both"}
    assert len(both) == sum(len(councils_in_force(y) - NOT_RANKABLE) for y in YEARS)
    for column in ("outcome_score", "productivity", "rank"):
        expected, found = both[column].to_numpy(float), both[f"{column}_mart"].to_numpy(float)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, equal_nan=True, err_msg=column)
    assert both["rank"].notna().sum() > 800
