"""The ranking calculated a second time, with pandas and NumPy from the figures and the seeds, without the project's code.

Every definition, council and year must agree with the marts to 1e-9. The code below is written from docs/method.md and shares
nothing with the SQL but the seeds.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.settings import PROJECT_ROOT
from tests.conftest import Released
from tests.warehouse import independent_doubts as doubted

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
FIGURES = PROJECT_ROOT / "data" / "figures"
USER_DEFINITIONS = PROJECT_ROOT / "tests" / "fixtures" / "definitions"
NOT_RANKABLE = {"E09000001", "E06000053"}
YEARS = ["2017-18", "2018-19", "2019-20", "2020-21", "2021-22", "2022-23", "2023-24", "2024-25"]


def seed(name: str, folder: Path = SEEDS) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def load(source: str) -> pd.DataFrame:
    """Figures of a source, without those of releases that a later one revised."""
    superseded = {
        e["edition"]
        for e in csv.DictReader((FIGURES / "editions.csv").open(encoding="utf-8"))
        if e["source"] == source and e["superseded_by"]
    }
    files = sorted((FIGURES / source).glob("*.csv"))
    table = pd.concat(
        [pd.read_csv(f, dtype={"item": str, "area_code": str}, keep_default_na=False) for f in files], ignore_index=True
    )
    return table[~table["edition"].isin(superseded)]


# The same council under another code: recodes that kept the area, written down from the code changes.
SAME_COUNCIL = {"E10000002": "E06000060", "E10000023": "E06000065", "E10000027": "E06000066"}
SPLIT = {"E10000021": ["E06000061", "E06000062"], "E10000006": ["E06000063", "E06000064"]}


def now(code: str) -> str:
    return SAME_COUNCIL.get(code, code)


BEFORE = "2016-17"
"""The year before the first that is scored: the carers' survey of it is carried forward."""
MEASURE_SOURCES = ("ascof", "activity_and_finance", "fingertips", "nhs_outcomes_framework", "discharge_ready_date")


@cache
def published_values() -> dict[tuple[str, str, str, str], dict[str, float]]:
    """(framework, item, breakdown, year) -> area -> value."""
    outcomes = pd.concat([load(source) for source in MEASURE_SOURCES])
    outcomes["value"] = pd.to_numeric(outcomes["value"], errors="coerce")
    return {
        key: dict(zip(rows["area_code"], rows["value"], strict=True))
        for key, rows in outcomes.dropna(subset=["value"]).groupby(["framework", "item", "breakdown", "financial_year"])
    }


@dataclass(frozen=True)
class Held:
    """A measure of a year: value by council, the year it is of, its source, and England's value."""

    values: dict[str, float]
    year: str
    source: tuple[str, str, str]
    england: float | None


@cache
def measure_values() -> dict[str, dict[str, Held]]:
    """year -> measure -> what is held, carried forward where the seed allows."""
    lookup = published_values()
    values: dict[str, dict[str, Held]] = {year: {} for year in (BEFORE, *YEARS)}
    for source in seed("measure_sources"):
        for year, held in values.items():
            if not source["first_year"] <= year <= (source["last_year"] or "9999-00"):
                continue
            key = (source["framework"], source["item"], source["breakdown"])
            found = lookup.get((*key, year), {})
            if source["denominator_item"]:
                below = lookup.get((key[0], source["denominator_item"], key[2], year), {})
                found = {a: float(source["scale"]) * v / below[a] for a, v in found.items() if below.get(a)}
            in_force = councils_in_force(year)
            own = {a: found[a] for a in in_force if a in found}
            today = {now(a): v for a, v in found.items()}
            own |= {a: today[now(a)] for a in in_force if a not in own and now(a) in today}
            if own:
                held[source["measure_id"]] = Held(own, year, key, found.get("E92000001"))
    for measure in seed("measures"):
        name = measure["measure_id"]
        for position, year in enumerate(YEARS):
            if name in values[year]:
                continue
            for back in range(1, int(measure["carry_forward_years"]) + 1):
                earlier = [BEFORE, *YEARS][position + 1 - back] if position + 1 >= back else None
                then = values[earlier].get(name) if earlier else None
                if then is not None and then.year == earlier:
                    today = {now(a): v for a, v in then.values.items()}
                    carried = {a: today[now(a)] for a in councils_in_force(year) if now(a) in today}
                    values[year][name] = Held(carried, then.year, then.source, then.england)
                    break
    return values


@cache
def councils_in_force(year: str) -> set[str]:
    """Councils of a year are those that the outcomes of that year list (their count is tested elsewhere)."""
    if year == BEFORE:  # nothing changed in the year after but codes that are the same council's
        return councils_in_force("2017-18")
    frame = pd.read_csv(FIGURES / "ascof" / f"{year}.csv", dtype=str)
    # margins are of a later edition, with later codes
    outcomes = frame[~frame["item"].str.endswith("_margin_of_error")]
    if year == "2024-25":
        outcomes = outcomes[outcomes["area_code"] != "E10000009"]  # the publisher repeats Dorset under its code to 2019
    return {a for a in outcomes["area_code"] if a[:3] in {"E06", "E08", "E09", "E10"}}


BANDS = {"adults": ("18_to_64", "65_and_over"), "older_adults": ("65_and_over",), "all_age_disability": ("18_to_64",)}


@cache
def residents() -> Callable[[str, str, str], float | None]:
    """(year, council, group) -> residents, from the mid-year, another code, the parts of a split council, or an earlier mid-year."""
    table = load("population")
    people = {
        (period, area, band): float(value)
        for period, area, band, value in table[["period", "area_code", "breakdown", "value"]].itertuples(index=False)
    }

    def count(year: str, area: str, group: str) -> float | None:
        mid = int(year[:4])
        bands = BANDS.get(group, BANDS["adults"])
        for candidate in (mid, *range(mid - 1, 2014, -1)):
            forms = [[area], [now(area)], *([SPLIT[area]] if area in SPLIT and candidate == mid else [])]
            for form in forms:
                keys = [(f"mid-{candidate}", a, band) for a in form for band in bands]
                if all(key in people for key in keys):
                    return sum(people[key] for key in keys)
        return None

    return count


@cache
def net_spend() -> dict[str, dict[str, float]]:
    """Year -> council -> GBP: the compiled table of a later release before RSX, RSX before form RO3."""
    rows = load("revenue_outturn")
    rows = rows.assign(value=pd.to_numeric(rows["value"], errors="coerce")).dropna(subset=["value"])
    result: dict[str, dict[str, float]] = {}
    for item in (
        "ro3_asctot_net_current_expenditure",
        "rsx_asc_net_current_expenditure",
        "adult_social_care_net_current_expenditure",
    ):
        for year, area, value in rows.loc[rows["item"] == item, ["financial_year", "area_code", "value"]].itertuples(index=False):
            if area != "E92000001":
                result.setdefault(str(year), {})[str(area)] = float(value) * 1000
    return result


@cache
def outturn_lines(year: str) -> dict[str, dict[str, float]]:
    """Council -> item of form RO3 -> GBP thousand; a line that is marked is not there."""
    rows = load("revenue_outturn")
    rows = rows[
        (rows["financial_year"] == year) & rows["item"].str.startswith("ro3_") & rows["area_code"].str.match("E06|E08|E09|E10")
    ]
    rows = rows.assign(value=pd.to_numeric(rows["value"], errors="coerce")).dropna(subset=["value"])
    return {str(area): dict(zip(lines["item"], lines["value"], strict=True)) for area, lines in rows.groupby("area_code")}


def wider_spend(basis: str) -> dict[str, dict[str, float]]:
    """Total expenditure of form RO3, or that less charges to people: year -> council -> GBP."""
    result: dict[str, dict[str, float]] = {}
    for year in YEARS:
        for area, lines in outturn_lines(year).items():
            total, charges = lines.get("ro3_asctot_total_expenditure"), lines.get("ro3_asctot_sales_fees_and_charges")
            if total is not None and (basis == "total_expenditure" or charges is not None):
                result.setdefault(year, {})[area] = (total - (0 if basis == "total_expenditure" else float(charges or 0))) * 1000
    return result


@cache
def domain_spend() -> dict[str, dict[str, dict[str, float]]]:
    """year -> council -> domain -> GBP, published where all five parts are, else shares of net spend interpolated between years."""
    table = load("activity_and_finance")
    table["value"] = pd.to_numeric(table["value"], errors="coerce")
    table = table[table["value"].notna() & (table["area_code"] != "E92000001")]
    table = table[table["item"] != "gross_current_expenditure_series"]
    item = table["item"].str.removeprefix("gross_current_expenditure_")
    part = {("long_term", "65_and_over"): "older_adults", ("long_term", "18_to_64"): "all_age_disability"}
    part |= {("short_term", b): "health_interface" for b in ("18_to_64", "65_and_over")} | {
        ("equipment", "all_ages"): "health_interface"
    }
    table = table.assign(domain=[part.get(key) for key in zip(item, table["breakdown"], strict=True)]).dropna(subset=["domain"])
    whole: dict[str, dict[str, dict[str, float]]] = {}
    for (year, area), rows in table.groupby(["financial_year", "area_code"]):
        if len(rows) == 5:
            whole.setdefault(str(year), {})[str(area)] = (rows.groupby("domain")["value"].sum() * 1000).to_dict()
    result = {year: dict(areas) for year, areas in whole.items()}
    interpolated.clear()
    shares = {
        (now(area), int(year[:4])): {d: v / sum(parts.values()) for d, v in parts.items()}
        for year, areas in whole.items()
        for area, parts in areas.items()
    }
    for year, spends in net_spend().items():
        for area, gbp in spends.items():
            if area in whole.get(year, {}):
                continue
            at = int(year[:4])
            known = sorted(y for a, y in shares if a == now(area))
            before, after = [y for y in known if y < at], [y for y in known if y > at]
            if before and after:
                s0, s1, f = (
                    shares[now(area), before[-1]],
                    shares[now(area), after[0]],
                    (at - before[-1]) / (after[0] - before[-1]),
                )
                result.setdefault(year, {})[area] = {d: gbp * (s0[d] + (s1[d] - s0[d]) * f) for d in s0}
                interpolated.add((year, area))
    return result


interpolated: set[tuple[str, str]] = set()
"""Council years whose gross spend by domain was shared out, not published."""


AGED_LINES = [f"asc{need}" for need in ("phy", "sns", "mmr", "lrn", "mnt", "sclcrr", "ass", "crasssfg", "inf", "cmstad")]


def domain_net_spend() -> dict[str, dict[str, dict[str, float]]]:
    """year -> council -> domain -> GBP: the ten lines of each age, and the whole for the interface, where all are published."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for year in YEARS:
        for area, lines in outturn_lines(year).items():
            ages = {age: [lines.get(f"ro3_{line}{age}_net_current_expenditure") for line in AGED_LINES] for age in ("old", "adl")}
            total = lines.get("ro3_asctot_net_current_expenditure")
            if total is None or any(v is None for values in ages.values() for v in values):
                continue
            old, young = (sum(float(v or 0) for v in ages[age]) for age in ("old", "adl"))
            result.setdefault(year, {})[area] = {
                "older_adults": old * 1000,
                "all_age_disability": young * 1000,
                "health_interface": total * 1000,
            }
    return result


def relative(amounts: dict[str, float], heads: dict[str, float | None]) -> dict[str, float]:
    """GBP per head ÷ the same of all councils that have both; spend that is not positive has no index."""
    held = {a for a, gbp in amounts.items() if heads.get(a)}
    england = sum(amounts[a] for a in held) / sum(float(heads[a] or 0) for a in held)
    return {a: amounts[a] / float(heads[a] or np.nan) / england for a in held if amounts[a] > 0}


def need_adjusted(per_adult: dict[str, float], year: str, share_65: dict[str, float], withheld: set[str]) -> dict[str, float]:
    """Spend ÷ what a least-squares fit of its logarithm on deprivation and age structure expects; withheld spend does not bend the fit."""
    edition = "2015" if year < "2019-20" else "2019"
    table = load("deprivation")
    rows = table[(table["item"] == "imd_average_score") & (table["period"].astype(str) == edition)]
    score = {now(a): float(v) for a, v in zip(rows["area_code"], rows["value"], strict=True)}
    predecessor = {new: old for old, news in SPLIT.items() for new in news}
    deprivation = {a: score.get(now(a), score.get(predecessor.get(a, ""), np.nan)) for a in per_adult}
    known = [a for a in per_adult if not np.isnan(deprivation[a])]
    fitted = [a for a in known if a not in NOT_RANKABLE | withheld]
    design = np.array([[1, deprivation[a], share_65[a]] for a in fitted])
    coefficients = np.linalg.lstsq(design, np.log([per_adult[a] for a in fitted]), rcond=None)[0]
    return {a: per_adult[a] / float(np.exp(coefficients @ [1, deprivation[a], share_65[a]])) for a in known}


@cache
def withheld_spend() -> set[tuple[str, str]]:
    """(year, council) whose net spend is withheld."""
    return doubted.withheld_spend(net_spend(), load("activity_and_finance"), councils_in_force, now, NOT_RANKABLE)


@cache
def withheld_lines() -> set[tuple[str, str]]:
    """(year, council) with a withheld line of form RO3."""
    return doubted.withheld_lines({year: outturn_lines(year) for year in YEARS})


def believed(year: str, area: str, basis: str) -> bool:
    """Whether no doubt about spend reaches the basis."""
    reaches = basis != "by_domain_gross" or (year, area) in interpolated
    return not ((reaches and (year, area) in withheld_spend()) or (basis == "by_domain_net" and (year, area) in withheld_lines()))


@cache
def spend_index(basis: str) -> dict[str, dict[str, dict[str, float]]]:
    """year -> domain ('all' where there is one spend) -> council -> spend index."""
    count, net, result = residents(), net_spend(), {}
    wider = wider_spend(basis) if basis in ("total_expenditure", "before_other_income") else {}
    for year in YEARS:
        if basis.startswith("by_domain"):
            spends = (domain_spend() if basis == "by_domain_gross" else domain_net_spend()).get(year, {})
            result[year] = {
                d: relative({a: p[d] for a, p in spends.items()}, {a: count(year, a, d) for a in spends})
                for d in ("older_adults", "all_age_disability", "health_interface")
                if spends
            }
            continue
        amounts = wider.get(year, {}) if wider else net[year]
        heads = {a: count(year, a, "adults") for a in amounts}
        if basis != "total_net_need_adjusted":
            result[year] = {"all": relative(amounts, heads)} if amounts else {}
        else:
            per_adult = {a: net[year][a] / float(heads[a] or np.nan) for a in net[year]}
            share = {a: 100 * float(count(year, a, "older_adults") or np.nan) / float(heads[a] or np.nan) for a in net[year]}
            withheld = {a for y, a in withheld_spend() if y == year}
            result[year] = {"all": need_adjusted(per_adult, year, share, withheld)}
    return result


def mean(values: np.ndarray, weights: np.ndarray, method: str) -> float:
    if method == "arithmetic":
        return float(np.average(values, weights=weights))
    if method == "geometric":
        return float(np.prod(values ** (weights / weights.sum())))
    return float(weights.sum() / np.sum(weights / values))


def normalise(oriented: np.ndarray, definition: dict[str, str], measure: dict[str, str], england: float | None) -> np.ndarray:
    low, high = np.quantile(oriented, [float(definition["winsorise_lower"]), float(definition["winsorise_upper"])])
    values = np.clip(oriented, low, high)
    method = definition["normalisation"]
    if method == "z_score":
        return float(definition["scale_centre"]) + float(definition["scale_spread"]) * (values - values.mean()) / values.std(
            ddof=1
        )
    if method == "ratio_to_england":
        own = values * int(measure["polarity"])
        against = own.mean() if england is None else england
        worst, best = float(definition["scale_low"]), float(definition["scale_high"])
        if int(measure["polarity"]) > 0:
            return np.clip(100 * own / against, worst, best)
        return np.array([best if v <= 0 else min(max(100 * against / v, worst), best) for v in own])
    if method == "goalposts":
        sign = int(measure["polarity"])
        worst, best = float(measure["goalpost_worst"]) * sign, float(measure["goalpost_best"]) * sign
        share = np.clip((values - worst) / (best - worst), 0, 1)
    elif method == "percentile_rank":
        share = np.array([(values < v).sum() for v in values]) / (len(values) - 1)
    else:
        share = (values - values.min()) / (values.max() - values.min())
    return float(definition["scale_low"]) + (float(definition["scale_high"]) - float(definition["scale_low"])) * share


def standardised(outcome: dict[str, float], ratio: dict[str, float], index: dict[str, float], k: float) -> dict[str, float]:
    """100 + 10 (z of outcome - k z of log spend) ÷ (1 + k) over the councils that have a ratio, that is both."""
    both = [a for a, value in ratio.items() if not np.isnan(value)]
    o, s = (np.array(x) for x in ([outcome[a] for a in both], [np.log(index[a]) for a in both]))
    z = [(x - x.mean()) / x.std(ddof=1) for x in (o, s)]
    return dict.fromkeys(ratio, np.nan) | dict(zip(both, 100 + 10 * (z[0] - k * z[1]) / (1 + k), strict=True))


def calculate(definition: dict[str, str], weights_in: Path, withheld_values: set[tuple[str, str, str]]) -> pd.DataFrame:
    """Outcome score and productivity of every rankable council and year, ranked."""
    measures = {m["measure_id"]: m for m in seed("measures")}
    chosen = definition["weight_set"]
    weight = {w["measure_id"]: float(w["weight"]) for w in seed("measure_weights", weights_in) if w["weight_set"] == chosen}
    domain_weight = {d["domain_id"]: float(d["weight"]) for d in seed("domain_weights", weights_in) if d["weight_set"] == chosen}
    everything, index, k = measure_values(), spend_index(definition["spend_basis"]), float(definition["k"])
    outcome: dict[str, dict[str, float]] = {}
    annual: dict[str, dict[str, float]] = {}
    withholds = definition.get("doubtful_figures", "withhold") == "withhold"
    least_measures = int(definition.get("min_domain_measures", 4))
    nominal = dict(weight)
    for year in YEARS:
        scores: dict[str, dict[str, float]] = {}
        used = Counter(held.source for m, held in everything[year].items() if nominal.get(m, 0) > 0)
        weight = {m: w / used[everything[year][m].source] for m, w in nominal.items() if m in everything[year]}
        for measure_id, held in everything[year].items():
            if weight.get(measure_id, 0) == 0:
                continue
            rankable = {
                a: v
                for a, v in held.values.items()
                if a not in NOT_RANKABLE and not (withholds and (measure_id, held.year, now(a)) in withheld_values)
            }
            oriented = np.array(list(rankable.values())) * int(measures[measure_id]["polarity"])
            scaled = normalise(oriented, definition, measures[measure_id], held.england)
            scores[measure_id] = dict(zip(rankable, scaled, strict=True))
        outcome[year], annual[year] = {}, {}
        for area in sorted(councils_in_force(year) - NOT_RANKABLE):
            domains = {}
            for domain in domain_weight:
                held = [m for m in scores if measures[m]["domain_id"] == domain]
                have = [m for m in held if area in scores[m]]
                share = sum(weight[m] for m in have) / sum(weight[m] for m in held)
                if share >= float(definition["min_domain_coverage"]) - 1e-9 and len(have) >= least_measures:
                    domains[domain] = mean(
                        np.array([scores[m][area] for m in have]),
                        np.array([weight[m] for m in have]),
                        definition["domain_aggregation"],
                    )
            names = list(domain_weight)
            w = np.array([domain_weight[d] for d in names])
            outcome[year][area] = annual[year][area] = np.nan
            if len(domains) == len(names):
                d = np.array([domains[n] for n in names])
                outcome[year][area] = mean(d, w, definition["outcome_aggregation"])
                if k > 0 and withholds and not believed(year, area, definition["spend_basis"]):
                    continue
                if k == 0:
                    annual[year][area] = outcome[year][area]
                elif definition["spend_basis"].startswith("by_domain"):
                    i = np.array([index[year].get(n, {}).get(area, np.nan) for n in names])
                    annual[year][area] = float(np.average(d / i**k, weights=w))
                else:
                    annual[year][area] = outcome[year][area] / index[year].get("all", {}).get(area, np.nan) ** k
        if definition.get("combination", "ratio") == "standardised":
            annual[year] = standardised(outcome[year], annual[year], index[year]["all"], k)
    frames = []
    for position, year in enumerate(YEARS):
        rows = []
        for area in annual[year]:
            o, p = [outcome[year][area]], [annual[year][area]]
            if definition["window_years"] == "3":
                for back in (1, 2):
                    earlier = YEARS[position - back] if position >= back else None
                    same = [a for a in annual.get(earlier or "", {}) if now(a) == now(area)]
                    o.append(outcome[earlier][same[0]] if earlier and same else np.nan)
                    p.append(annual[earlier][same[0]] if earlier and same else np.nan)
            rows.append((year, area, float(np.mean(o)), float(np.mean(p))))
        frame = pd.DataFrame(rows, columns=["financial_year", "area_code", "outcome_score", "productivity"])
        needed = float(definition["min_year_coverage"]) * len(frame)
        enough = frame["productivity"].notna().sum() >= needed and pd.Series(outcome[year]).notna().sum() >= needed
        frame["rank"] = frame["productivity"].round(9).rank(ascending=False, method="dense") if enough else np.nan
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def withheld_measures(errors: pd.DataFrame) -> set[tuple[str, str, str]]:
    """(measure, year of the value, council of today) that are withheld."""
    breaks = {(b["measure_id"], b["first_year_after"]) for b in seed("breaks") if b["breaks_levels"] == "true"}
    return doubted.withheld_measures(
        measure_values(),
        errors,
        breaks,
        load("delayed_transfers"),
        load("discharge_ready_date"),
        load("nhs_outcomes_framework"),
        now,
        NOT_RANKABLE,
    )


OWN = [(definition, SEEDS) for definition in seed("index_definitions")]
USERS = [(definition, USER_DEFINITIONS) for definition in seed("index_definitions", USER_DEFINITIONS)]


@pytest.mark.parametrize(
    ("definition", "folder"), [*OWN, *USERS], ids=lambda d: d["definition_id"] if isinstance(d, dict) else ""
)
def test_the_marts_agree_with_an_independent_calculation(
    with_user_definitions: Released, definition: dict[str, str], folder: Path
) -> None:
    weights_in = folder if any(w["weight_set"] == definition["weight_set"] for w in seed("measure_weights", folder)) else SEEDS
    with with_user_definitions.connect() as db:
        errors = db.execute(
            "select financial_year, area_code, measure_id, sampling_standard_error from marts.fct_value_uncertainty"
        ).df()
        register = db.execute(
            "select subject, subject_id, financial_year, area_code from marts.fct_doubtful_figure where decision = 'withheld'"
        ).df()
        marts = db.execute(
            "select financial_year, area_code, outcome_score, productivity, rank from marts.productivity_ranking where definition_id = ?",
            [definition["definition_id"]],
        ).df()
    withheld = withheld_measures(errors)
    found = {
        kind: set(rows[["subject_id", "financial_year", "area_code"]].itertuples(index=False, name=None))
        for kind, rows in register.groupby("subject")
    }
    assert {(y, a) for _, y, a in found["spend"]} == withheld_spend()
    assert {(y, a) for _, y, a in found["spend_line"]} == withheld_lines()
    assert {(m, y, now(a)) for m, y, a in found["measure"] if a not in NOT_RANKABLE} == withheld
    ours = calculate(definition, weights_in, withheld)
    marts = marts[~marts["area_code"].isin(NOT_RANKABLE)]
    both = ours.merge(marts, on=["financial_year", "area_code"], suffixes=("", "_mart"), how="outer", indicator=True)
    assert set(both["_merge"]) == {"both"}
    assert len(both) == sum(len(councils_in_force(y) - NOT_RANKABLE) for y in YEARS)
    for column in ("outcome_score", "productivity", "rank"):
        expected, found = both[column].to_numpy(float), both[f"{column}_mart"].to_numpy(float)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, equal_nan=True, err_msg=column)
    assert both["rank"].notna().sum() > 280  # two years at least
