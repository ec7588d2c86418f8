"""Which figures are withheld, found a second time with pandas and NumPy from docs/doubtful_figures.md, without the project's code.

Thresholds are written down here again on purpose: a threshold that changes in the seed must change here.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from orchestration.settings import PROJECT_ROOT

YEARS = [f"{y}-{(y + 1) % 100:02d}" for y in range(2015, 2025)]
NAMED = PROJECT_ROOT / "dbt_project" / "seeds" / "doubtful_figures.csv"


def decided(subject: str) -> dict[tuple[str, str, str], str]:
    """What people decided: (subject_id, year, council) -> decision."""
    with NAMED.open(encoding="utf-8") as file:
        return {
            (r["subject_id"], r["financial_year"], r["area_code"]): r["decision"]
            for r in csv.DictReader(file)
            if r["subject"] == subject
        }


def robust(values: pd.Series) -> float:
    return float(1.4826 * (values - values.median()).abs().median())


def withheld_spend(
    net: dict[str, dict[str, float]],
    finance: pd.DataFrame,
    in_force: Callable[[str], set[str]],
    now: Callable[[str], str],
    left_out: set[str],
) -> set[tuple[str, str]]:
    """(year, council): jumps and spikes of net spend that nothing confirms, and disagreement with the finance return."""
    gross = finance[(finance["item"] == "gross_current_expenditure_long_term") & (finance["area_code"] != "E92000001")]
    gross = gross.assign(value=pd.to_numeric(gross["value"], errors="coerce")).dropna(subset=["value"])
    both_ages = gross.groupby(["financial_year", "area_code"])["value"].agg(["sum", "size"])
    both_ages = both_ages[both_ages["size"] == 2]["sum"]
    logs: dict[str, dict[str, float]] = {}
    gross_logs: dict[str, dict[str, float]] = {}
    code: dict[tuple[str, str], str] = {}
    found: set[tuple[str, str]] = set()
    for year in YEARS:
        areas = {a for a, v in net.get(year, {}).items() if v > 0 and a not in left_out}
        if year >= "2017-18":
            areas &= in_force(year)
        for a in areas:
            logs.setdefault(now(a), {})[year] = np.log(net[year][a])
            code[now(a), year] = a
            if (year, a) in both_ages.index:
                gross_logs.setdefault(now(a), {})[year] = np.log(both_ages[year, a] * 1000)
        ratios = pd.Series(
            {a: logs[now(a)][year] - gross_logs[now(a)][year] for a in areas if year in gross_logs.get(now(a), {})}
        )
        if len(ratios):
            far = (ratios - ratios.median()).abs() / robust(ratios) >= 5
            found |= {(year, a) for a in ratios.index[far]}
    step: dict[tuple[str, str], float] = {}
    z: dict[tuple[str, str], float] = {}
    second: dict[tuple[str, str], float] = {}
    deviation: dict[str, float] = {}
    for before, year in pairwise(YEARS):
        change = pd.Series({c: y[year] - y[before] for c, y in logs.items() if before in y and year in y})
        of_gross = pd.Series({c: y[year] - y[before] for c, y in gross_logs.items() if before in y and year in y}, dtype=float)
        deviation[year] = robust(change)
        for c, value in change.items():
            step[str(c), year] = value - change.median()
            z[str(c), year] = step[str(c), year] / deviation[year]
        for c, value in of_gross.items():
            second[str(c), year] = value - of_gross.median()
    odd: dict[tuple[str, str], bool] = {}
    for (c, year), own in step.items():
        after = YEARS[YEARS.index(year) + 1] if year != YEARS[-1] else ""
        kept = 1 + step[c, after] / own if (c, after) in step else None
        jump = abs(z[c, year]) >= 4
        spike = (
            abs(z[c, year]) >= 3 and kept is not None and z[c, year] * z[c, after] < 0 and abs(z[c, after]) >= 2 and kept <= 0.5
        )
        confirmed = (kept is not None and kept >= 0.75) or ((c, year) in second and second[c, year] / own >= 0.5)
        odd[c, year] = (jump or spike) and not confirmed
    for (c, year), is_odd in odd.items():
        before = YEARS[YEARS.index(year) - 1]
        returns = False
        if is_odd and odd.get((c, before)):
            over_two = (step[c, before] + step[c, year]) / np.hypot(deviation[before], deviation[year])
            returns = abs(over_two) < 4
        if is_odd and not returns:
            found.add((year, code[c, year]))
    for (_, year, area), decision in decided("spend").items():
        (found.add if decision == "withheld" else found.discard)((year, area))
    return found


def withheld_lines(forms: dict[str, dict[str, dict[str, float]]]) -> set[tuple[str, str]]:
    """(year, council) with two lines of one council that have the same parts."""
    names = [f"asc{need}{age}" for need in ("phy", "sns", "mmr", "lrn", "mnt") for age in ("adl", "old")]
    found: set[tuple[str, str, str]] = set()
    for year, councils in forms.items():
        for area, items in councils.items():
            parts = {
                line: tuple(items.get(f"ro3_{line}_{part}") for part in ("employees", "running_expenses", "total_expenditure"))
                for line in names
            }
            for line, own in parts.items():
                if None in own or not (own[0] or 0) > 0 or not (own[2] or 0) > 1000:
                    continue
                if any(other == own for name, other in parts.items() if name != line):
                    found.add((line, year, area))
    for key, decision in decided("spend_line").items():
        (found.add if decision == "withheld" else found.discard)(key)
    return {(year, area) for _, year, area in found}


def withheld_measures(
    held: dict[str, dict[str, Any]],
    errors: pd.DataFrame,
    breaks: set[tuple[str, str]],
    delayed: pd.DataFrame,
    discharges: pd.DataFrame,
    chronic: pd.DataFrame,
    now: Callable[[str], str],
    left_out: set[str],
) -> set[tuple[str, str, str]]:
    """(measure, year, council of today): values that jumped and came back, low levels, the source's own notes, months that swing."""
    error = {
        (m, y, a): e
        for y, a, m, e in errors[["financial_year", "area_code", "measure_id", "sampling_standard_error"]].itertuples(index=False)
    }
    rows = [
        (m, now(a), year, a, value, one.source[2], error.get((m, year, a), np.nan))
        for year, measures in held.items()
        if year >= "2017-18"
        for m, one in measures.items()
        if one.year == year
        for a, value in one.values.items()
        if a not in left_out
    ]
    table = pd.DataFrame(rows, columns=["m", "c", "year", "area", "value", "band", "se"]).sort_values(["m", "c", "year"])
    levels = table.groupby(["m", "year"])["value"].quantile([0.25, 0.75]).unstack()
    spread = ((levels[0.75] - levels[0.25]) / 1.349).to_dict()
    last = table.groupby(["m", "c"])[["value", "year", "band", "se"]].shift(1)
    table = table.assign(v0=last["value"], y0=last["year"], b0=last["band"], se0=last["se"])
    changed = table[table["v0"].notna() & (table["band"] == table["b0"])]
    across = [
        any(m == b and y0 < first <= y for b, first in breaks)
        for m, y0, y in changed[["m", "y0", "year"]].itertuples(index=False)
    ]
    changed = changed[~np.array(across)]
    changed = changed.assign(change=changed["value"] - changed["v0"])
    group = changed.groupby(["m", "year", "y0"])["change"]
    changed = changed.assign(step=changed["change"] - group.transform("median"), sd=group.transform(robust))
    far = (
        (changed["step"].abs() / changed["sd"] >= 6)
        & (changed["step"].abs() / np.hypot(changed["se"], changed["se0"]) >= 6)
        & (
            changed["step"].abs()
            >= 2 * pd.Series([spread[k] for k in zip(changed["m"], changed["year"], strict=True)], index=changed.index)
        )
    )
    changed = changed.assign(far=far)
    by = changed.groupby(["m", "c"])
    changed = changed.assign(next=by["step"].shift(-1), far0=by["far"].shift(1), step0=by["step"].shift(1))
    found: set[tuple[str, str, str]] = set()
    days = _days(delayed)
    for row in changed[changed["far"]].itertuples():
        gone = np.isnan(row.next) or -row.next / row.step >= 0.75
        is_return = row.far0 is True and row.step0 * row.step < 0
        if gone and not is_return and not _days_confirm(days, row):
            found.add((row.m, row.year, row.c))
    for row in changed[(changed["value"] * 8 <= changed["v0"])].itertuples():
        gone = np.isnan(row.next) or -row.next / row.step >= 0.75
        if gone and abs(row.step) / np.hypot(row.se, row.se0) >= 6:
            found.add((row.m, row.year, row.c))
    note = dict(zip(zip(chronic["financial_year"], chronic["area_code"], strict=True), chronic["locator"], strict=True))
    for row in table[table["m"] == "chronic_acsc_admissions"].itertuples():
        if row.value < 300 or "incomplete" in note[row.year, row.area]:
            found.add((row.m, row.year, row.c))
    months = discharges[discharges["item"] == "discharges_in_month"]
    size = months.assign(value=pd.to_numeric(months["value"])).groupby("area_code")["value"].agg(["min", "max"])
    swinging = set(size.index[size["max"] > 5 * size["min"]])
    found |= {(m, "2024-25", now(a)) for m in ("discharge_delay", "discharge_delayed_pct") for a in swinging - left_out}
    for (m, year, area), decision in decided("measure").items():
        (found.add if decision == "withheld" else found.discard)((m, year, now(area)))
    return found


def _days(delayed: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    """(measure, year, area) -> logarithm of delayed days a month."""
    codes = pd.read_csv(PROJECT_ROOT / "data" / "figures" / "cassr_codes.csv", dtype=str)
    ons = dict(zip("cassr:" + codes["cassr_code"], codes["ons_code"], strict=True))
    table = delayed.assign(value=pd.to_numeric(delayed["value"], errors="coerce"), area=delayed["area_code"].replace(ons))
    table = table.assign(m="delayed_days_" + table["breakdown"].replace({"both": "joint"}))
    sums = table.groupby(["m", "financial_year", "area"]).agg(days=("value", "sum"), months=("period", "nunique"))
    return {key: float(np.log(d / n)) for key, d, n in sums.itertuples() if d > 0}


def _days_confirm(days: dict[tuple[str, str, str], float], row: Any) -> bool:
    keys = [(row.m, y, a) for y in (row.year, row.y0) for a in (row.area, "E92000001")]
    if not all(k in days for k in keys) or row.value <= 0 or row.v0 <= 0:
        return False
    now_own, now_england, then_own, then_england = (days[k] for k in keys)
    return bool((now_own - then_own - (now_england - then_england)) / np.log(row.value / row.v0) >= 0.5)
