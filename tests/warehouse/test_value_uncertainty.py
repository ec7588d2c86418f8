"""Intervals of values against SciPy and against the published margins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, chi2, norm

from tests.conftest import Released

Z = norm.ppf(0.975)


@pytest.fixture(scope="module")
def uncertainty(released: Released) -> pd.DataFrame:
    with released.connect() as db:
        return db.execute(
            """
            select u.*, v.breakdown, v.value_basis, v.value_year, m.plausible_min, m.plausible_max, s.error_scale, s.yearly_change, s.rounded_to, s.split_margin_factor, s.default_margin, f.value as margin
            from marts.fct_value_uncertainty as u
            inner join marts.fct_measure_value as v using (financial_year, area_code, measure_id)
            inner join read_csv(?) as s using (measure_id)
            inner join read_csv(?) as m using (measure_id)
            left join marts.fct_published_figure as f on u.margin_figure_id = f.figure_id
            """,
            [str(released.settings.dbt_project_dir / "seeds" / f"{name}.csv") for name in ("measure_uncertainty", "measures")],
        ).df()


def test_every_value_has_one(released: Released, uncertainty: pd.DataFrame) -> None:
    with released.connect() as db:
        (values,) = db.execute("select count(value) from marts.fct_measure_value").fetchone() or (0,)
    assert len(uncertainty) == values > 15_000
    assert (uncertainty["standard_error"] > 0).all()
    assert (uncertainty["lower_95"] <= uncertainty["value"] + 1e-9).all()
    assert (uncertainty["value"] <= uncertainty["upper_95"] + 1e-9).all()


def test_a_proportion_of_published_counts_is_scipys_wilson(uncertainty: pd.DataFrame) -> None:
    rows = uncertainty.query("measure_id == 'community_support_65' and financial_year == '2021-22'")
    assert len(rows) > 140
    assert not rows["is_default"].any()
    for row in rows.to_dict("records"):
        base = int(row["base"])
        expected = binomtest(round(row["value"] * base / 100), base).proportion_ci(method="wilson")
        np.testing.assert_allclose([row["lower_95"], row["upper_95"]], [expected.low * 100, expected.high * 100], rtol=1e-9)
        rounding = (100 / base) ** 2 * 25 / 12
        assert row["standard_error"] == pytest.approx(
            np.sqrt(((expected.high - expected.low) * 100 / 2 / Z) ** 2 + rounding), rel=1e-9
        )


def test_byar_is_close_to_the_exact_interval_of_a_count(uncertainty: pd.DataFrame) -> None:
    rows = uncertainty[(uncertainty["method"] == "byar") & (uncertainty["base"] >= 5)]
    scale = rows["value"] / rows["base"]
    exact_low, exact_high = chi2.ppf(0.025, 2 * rows["base"]) / 2, chi2.ppf(0.975, 2 * (rows["base"] + 1)) / 2
    # chance as it is, before it is widened to what the figures show
    widened = rows["standard_error"] / rows["sampling_standard_error"]
    low = rows["base"] - (rows["value"] - rows["lower_95"]) / widened / scale
    high = rows["base"] + (rows["upper_95"] - rows["value"]) / widened / scale
    whole = rows["lower_95"] > rows["plausible_min"].fillna(-np.inf)
    np.testing.assert_allclose(low[whole], exact_low[whole], rtol=0.02)
    reached = rows["upper_95"] < rows["plausible_max"].fillna(np.inf)
    np.testing.assert_allclose(high[reached], exact_high[reached], rtol=0.02)
    assert (~whole | ~reached).mean() < 0.03
    assert len(rows) > 3000


def test_no_event_has_an_upper_end_only(uncertainty: pd.DataFrame) -> None:
    none = uncertainty[(uncertainty["method"] == "byar") & (uncertainty["value"] == 0)]
    assert len(none) > 10
    assert (none["lower_95"] == 0).all()
    assert (none["upper_95"] > 0).all()


def test_surveys_have_their_published_margin(uncertainty: pd.DataFrame) -> None:
    surveys = uncertainty[uncertainty["method"] == "survey_margin"]
    surveys = surveys[surveys["value_basis"] != "carried_forward"]
    published = surveys[surveys["margin"].notna() & (surveys["breakdown"] == "total")]
    inside = published["value"] + published["margin"] <= published["plausible_max"]
    np.testing.assert_allclose((published["upper_95"] - published["value"])[inside], published["margin"][inside], atol=1e-9)
    assert (published["upper_95"][~inside] == published["plausible_max"][~inside]).all()
    np.testing.assert_allclose(published["standard_error"], published["margin"] / Z, atol=1e-9)
    assert not published["is_default"].any()
    assert len(published) > 3000
    split = surveys[surveys["breakdown"] != "total"]
    assert split["is_default"].all()
    width = split["margin"].fillna(split["default_margin"]) * split["split_margin_factor"]
    inside = split["value"] + width <= split["plausible_max"]
    np.testing.assert_allclose((split["upper_95"] - split["value"])[inside], width[inside], atol=1e-9)
    unheld = surveys[surveys["margin"].isna() & (surveys["breakdown"] == "total")]
    assert unheld["is_default"].all()
    np.testing.assert_allclose(unheld["upper_95"] - unheld["value"], unheld["default_margin"], atol=1e-9)


def test_a_margin_written_down_from_the_workbook(uncertainty: pd.DataFrame) -> None:
    """Hartlepool 2018-19, Table_1a!M30 of the publisher's workbook: 0.3."""
    row = uncertainty.query(
        "area_code == 'E06000001' and financial_year == '2018-19' and measure_id == 'quality_of_life_65'"
    ).iloc[0]
    assert row["margin"] == 0.3


def test_a_value_carried_forward_may_have_missed_a_change(uncertainty: pd.DataFrame) -> None:
    carried = uncertainty[uncertainty["value_basis"] == "carried_forward"]
    years = carried["financial_year"].str[:4].astype(int) - carried["value_year"].str[:4].astype(int)
    np.testing.assert_allclose(carried["carried_standard_error"], carried["yearly_change"] * np.sqrt(years), rtol=1e-9)
    assert len(carried) > 3500
    assert set(years) == {1, 2}
    assert (uncertainty.loc[uncertainty["value_basis"] != "carried_forward", "carried_standard_error"] == 0).all()


def test_the_whole_error_is_sampling_at_its_scale_and_what_was_missed(uncertainty: pd.DataFrame) -> None:
    whole = np.hypot(uncertainty["error_scale"] * uncertainty["sampling_standard_error"], uncertainty["carried_standard_error"])
    np.testing.assert_allclose(uncertainty["standard_error"], whole, rtol=1e-9)


def test_a_base_is_the_councils_own_of_the_nearest_year(uncertainty: pd.DataFrame) -> None:
    """Of the year itself, else of the last year before, else of the first after: 2020-21 stands for the years to 2023-24."""
    held = uncertainty[uncertainty["measure_id"].isin(["home_after_91_days", "direct_payments", "ld_settled_home"])]
    own = held[held["base_year"].notna()]
    assert len(own) / len(held) > 0.97
    expected = np.where(own["financial_year"] == "2024-25", "2024-25", "2020-21")
    assert (own["base_year"] == expected).mean() > 0.98
    assert not own["is_default"].any()
    durham = held.query("measure_id == 'home_after_91_days' and area_code == 'E06000047' and financial_year == '2021-22'").iloc[0]
    assert durham["base"] == 365  # 2B1 of the 2020-21 workbook
