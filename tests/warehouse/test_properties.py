"""What must hold of any data: the project's SQL on councils that Hypothesis makes up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Released
from tests.warehouse.sql_chain import SqlChain

MEASURES = pd.DataFrame(
    {
        "measure_id": ["m1", "m2", "m3", "m4", "m5"],
        "domain_id": ["x", "x", "x", "y", "z"],
        "polarity": [1, -1, 1, 1, -1],
        "weight": [1.0, 2.0, 1.0, 1.0, 1.0],
        "goalpost_worst": [0.0, 100.0, 0.0, 0.0, 100.0],
        "goalpost_best": [100.0, 0.0, 100.0, 100.0, 0.0],
    }
)
# Winsorising moves a measure's limits with its values: goalposts and positions are used without it, as their definitions do.
METHODS = {
    "min_max": {},
    "goalposts": {"normalisation": "goalposts", "winsorise_lower": 0.0, "winsorise_upper": 1.0},
    "percentile_rank": {"normalisation": "percentile_rank", "winsorise_lower": 0.0, "winsorise_upper": 1.0},
}
MANY = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def chain(released: Released) -> SqlChain:
    return SqlChain(released.settings.dbt_target_dir / "compiled" / "asc_index" / "models" / "intermediate")


@st.composite
def councils(draw: st.DrawFn, missing: bool = True) -> tuple[pd.DataFrame, dict[str, float]]:
    """Four to nine councils with five measures, some without a value, and a spend index each."""
    areas = [f"A{n}" for n in range(draw(st.integers(4, 9)))]
    number = st.integers(0, 400).map(lambda n: n / 4)
    rows = []
    for area in areas:
        for measure in MEASURES["measure_id"]:
            gap = missing and measure in {"m1", "m3"} and draw(st.integers(0, 5)) == 0
            rows.append((area, measure, None if gap else draw(number)))
    index = {area: draw(st.integers(2, 8)) / 4 for area in areas}
    return pd.DataFrame(rows, columns=["area_code", "measure_id", "value"]), index


def better_than(frame: pd.DataFrame, area: str) -> int:
    """How many councils are clearly more productive."""
    mine = frame.loc[frame["area_code"] == area, "productivity"].item()
    return int((frame["productivity"] > mine * (1 + 1e-9)).sum())


@MANY
@given(data=councils(), order=st.randoms(use_true_random=False))
def test_renaming_councils_renames_the_ranking_and_nothing_else(chain: SqlChain, data, order) -> None:
    values, index = data
    names = sorted(index)
    shuffled = names.copy()
    order.shuffle(shuffled)
    to = dict(zip(names, shuffled, strict=True))
    before = chain.run(values, index, MEASURES).set_index("area_code")["productivity"]
    after = chain.run(
        values.assign(area_code=values["area_code"].map(to)).sort_values("area_code"),
        {to[a]: i for a, i in index.items()},
        MEASURES,
    ).set_index("area_code")["productivity"]
    np.testing.assert_allclose([after[to[a]] for a in names], [before[a] for a in names], rtol=1e-9)


@MANY
@given(data=councils(), factor=st.sampled_from([0.01, 0.5, 3.0, 1000.0]), method=st.sampled_from([*METHODS, "z_score"]))
def test_the_unit_of_a_measure_does_not_matter(chain: SqlChain, data, factor: float, method: str) -> None:
    values, index = data
    choices = METHODS.get(method, {"normalisation": method})
    scaled = values.assign(
        value=[v if m != "m2" or v is None else v * factor for v, m in zip(values["value"], values["measure_id"], strict=True)]
    )
    posts = MEASURES.assign(
        **{
            post: np.where(MEASURES["measure_id"] == "m2", MEASURES[post] * factor, MEASURES[post])
            for post in ("goalpost_worst", "goalpost_best")
        }
    )
    before, after = chain.run(values, index, MEASURES, **choices), chain.run(scaled, index, posts, **choices)
    np.testing.assert_allclose(after["productivity"], before["productivity"], rtol=1e-7)


@MANY
@given(data=councils(), method=st.sampled_from([*METHODS, "z_score"]))
def test_ranks_are_dense_and_total(chain: SqlChain, data, method: str) -> None:
    values, index = data
    frame = chain.run(values, index, MEASURES, **METHODS.get(method, {"normalisation": method}))
    ranked = frame[frame["rank"].notna()]
    assert set(ranked["rank"]) == set(range(1, ranked["rank"].nunique() + 1))
    assert frame["rank"].notna().equals(frame["productivity"].notna())
    ordered = ranked.sort_values("rank")["productivity"].to_numpy()
    assert (np.diff(ordered) <= 0).all()


@MANY
@given(data=councils(missing=False), which=st.sampled_from(["m1", "m2", "m3"]), who=st.integers(0, 3))
def test_losing_a_value_lowers_coverage_and_never_goes_unseen(chain: SqlChain, data, which: str, who: int) -> None:
    values, index = data
    area = f"A{who}"
    lost = (values["area_code"] == area) & (values["measure_id"] == which)
    before = chain.run(values, index, MEASURES).set_index("area_code")
    after = chain.run(values.assign(value=values["value"].mask(lost)), index, MEASURES).set_index("area_code")
    assert before.loc[area, "coverage"] == pytest.approx(1)
    share = {"m1": 0.25, "m2": 0.5, "m3": 0.25}[which] / 3
    assert after.loc[area, "coverage"] == pytest.approx(1 - share)
    if which == "m2":  # half the weight of its domain: below the 60 % that a domain score needs
        assert pd.isna(after.loc[area, "rank"])


@MANY
@given(
    data=councils(),
    which=st.sampled_from(list(MEASURES["measure_id"])),
    who=st.integers(0, 3),
    gain=st.integers(1, 200),
    method=st.sampled_from(list(METHODS)),
)
def test_improving_a_measure_never_worsens_the_rank(chain: SqlChain, data, which: str, who: int, gain: int, method: str) -> None:
    values, index = data
    area = f"A{who}"
    chosen = (values["area_code"] == area) & (values["measure_id"] == which)
    if values.loc[chosen, "value"].isna().item():
        return
    polarity = int(MEASURES.set_index("measure_id").loc[which, "polarity"])
    better = values.assign(value=values["value"].where(~chosen, values["value"] + polarity * gain / 4))
    before = chain.run(values, index, MEASURES, **METHODS[method])
    after = chain.run(better, index, MEASURES, **METHODS[method])
    if before.loc[before["area_code"] == area, "productivity"].isna().item():
        return
    assert better_than(after, area) <= better_than(before, area)


def test_z_scores_can_punish_an_improvement(chain: SqlChain) -> None:
    """The counterexample of docs/method.md: A improves its best measure, the standard deviation grows more, and A falls behind B."""
    measures = MEASURES[MEASURES["measure_id"].isin(["m1", "m4", "m5"])]

    def ranks(first: float) -> dict[str, int]:
        table = {
            "A": {"m1": first, "m4": 5.0, "m5": 50.0},
            "B": {"m1": 5.0, "m4": 15.0, "m5": 50.0},
            "C": {"m1": 10.0, "m4": 8.0, "m5": 50.0},
            "D": {"m1": 10.0, "m4": 12.0, "m5": 50.0},
        }
        values = pd.DataFrame(
            [(a, m, v) for a, ms in table.items() for m, v in ms.items()], columns=["area_code", "measure_id", "value"]
        )
        plain = {"normalisation": "z_score", "winsorise_lower": 0.0, "winsorise_upper": 1.0}
        return chain.run(values, dict.fromkeys(table, 1.0), measures, **plain).set_index("area_code")["rank"].to_dict()

    assert ranks(15.0)["A"] < ranks(15.0)["B"]
    assert ranks(100.0)["A"] > ranks(100.0)["B"]
