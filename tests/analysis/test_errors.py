"""Declared errors against what the figures of the release show, and the arrays that the simulation is given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from orchestration.analysis.error_checks import measure_errors, survey_correlations
from orchestration.analysis.problems import Problem, read_problems
from orchestration.settings import Settings
from tests.conftest import Released

SEEDS = Settings().dbt_project_dir / "seeds"


@pytest.fixture(scope="module")
def shown(released: Released) -> pd.DataFrame:
    return measure_errors(released.settings).set_index("measure_id")


@pytest.fixture(scope="module")
def problems(released: Released) -> dict[str, Problem]:
    return {problem.definition_id: problem for problem in read_problems(released.settings)}


def test_no_declared_error_exceeds_what_the_figures_show(shown: pd.DataFrame) -> None:
    assert len(shown) == 28
    assert shown["observed_over_declared"].min() >= 0.99


def test_error_scales_are_what_reverses_of_yearly_changes(shown: pd.DataFrame) -> None:
    """Measured again from the warehouse: the part that is gone a year later, no more than the changes themselves allow."""
    declared = pd.read_csv(SEEDS / "measure_uncertainty.csv").set_index("measure_id")
    together = declared.join(shown.drop(columns="yearly_change"), how="inner")
    scaled = together[(together["error_scale"] != 1) & (together.index != "direct_payments")]
    assert len(scaled) == 14
    reversed_share = scaled["reversal_error"] / scaled["sampling_standard_error"]
    allowed = scaled["change_deviation"] / np.sqrt(2) / scaled["sampling_standard_error"]
    expected = np.minimum(reversed_share, np.where(scaled["error_scale"] > 1, allowed, np.inf))
    assert scaled["error_scale"].to_numpy() == pytest.approx(expected.to_numpy(), abs=0.11)
    # a published margin holds as it is
    surveys = together[(together["method"] == "survey_margin") & together["reversal_over_declared"].notna()]
    assert surveys["reversal_over_declared"].between(1.0, 1.3).all()
    assert together.loc["direct_payments", "reversal_error"] == 0


def test_what_a_value_carried_forward_may_have_missed_is_the_change_that_was_real(shown: pd.DataFrame) -> None:
    declared = pd.read_csv(SEEDS / "measure_uncertainty.csv").set_index("measure_id")["yearly_change"].dropna()
    assert len(declared) == 6
    assert declared.to_numpy() == pytest.approx(shown["yearly_change"].loc[declared.index].to_numpy(), rel=0.03)


def test_survey_correlations_are_those_of_the_changes(released: Released) -> None:
    declared = pd.read_csv(SEEDS / "survey_error_correlation.csv")
    found = survey_correlations(released.settings)
    key = ["survey", "question", "other_question"]
    together = declared.merge(found, on=key, suffixes=("", "_found"), how="outer")
    assert len(together) == len(declared) == 23
    assert together["correlation"].to_numpy() == pytest.approx(together["correlation_found"].to_numpy(), abs=0.006)
    assert (together["pairs"] == together["pairs_found"]).all()


def test_spend_errors_are_measured(released: Released) -> None:
    """A second calculation, in pandas, of what `spend_uncertainty` states."""
    import duckdb

    with duckdb.connect(str(released.settings.warehouse_path), read_only=True) as db:
        changes = db.execute("select * from intermediate.int_spend_changes").df()
        revisions = db.execute("select * from marts.fct_revision where earlier_item = 'rsx_asc_net_current_expenditure'").df()
    declared = pd.read_csv(SEEDS / "spend_uncertainty.csv").set_index("spend_error")["variation_pct"]
    both = changes[changes["long_term_gross_gbp"] > 0].copy()
    both["ratio"] = np.log(both["net_current_expenditure_gbp"] / both["long_term_gross_gbp"])
    wide = both.pivot(index="continuity_code", columns="financial_year", values="ratio")
    moved = wide.diff(axis=1).iloc[:, 1:]
    deviation = ((moved - moved.median()).abs().median() * 1.4826).mean() * 100
    assert declared["outturn"] == pytest.approx(deviation / 2, abs=0.15)
    of_councils = revisions[revisions["area_code"] != "E92000001"]
    by_year = of_councils.groupby("financial_year")["change_pct"].apply(lambda pct: np.sqrt((pct.fillna(0) ** 2).sum() / 147))
    assert by_year.between(0.8, 1.3).all()


def test_the_simulation_is_given_the_errors_that_are_declared(released: Released, problems: dict[str, Problem]) -> None:
    """Cell for cell against the marts: standard errors, what is carried, spend in both parts, and doubts."""
    year = next(y for y in problems["default"].years if y.financial_year == "2019-20")
    with released.connect() as db:
        values = (
            db.execute("select * from marts.fct_value_uncertainty where financial_year = '2019-20'")
            .df()
            .set_index(["measure_id", "area_code"])
        )
        spend = (
            db.execute("select * from marts.fct_council_spend where financial_year = '2019-20' and spend_basis = 'total_net'")
            .df()
            .set_index("area_code")
        )
    checked = 0
    for m, measure in enumerate(year.measures):
        for u, area in enumerate(year.councils):
            if np.isnan(year.arrays.values[m, u]):
                continue
            row = values.loc[(measure, area)]
            assert year.arrays.standard_errors[m, u] == pytest.approx(row["standard_error"])
            assert year.errors.carried[m, u] * row["standard_error"] == pytest.approx(row["carried_standard_error"])
            checked += 1
    assert checked > 3500
    total = np.hypot(year.errors.transient, year.errors.persistent) * 100
    known = [n for n, area in enumerate(year.councils) if area in spend.index]
    assert total[known] == pytest.approx(spend.loc[[year.councils[n] for n in known], "variation_pct"].to_numpy())
    assert year.errors.transient[known].min() >= 0.03
    carried = {m for m, row in zip(year.measures, year.errors.carried, strict=True) if row.any()}
    assert carried == {
        "carer_quality_of_life",
        "carer_satisfaction",
        "carer_social_contact",
        "carers_consulted",
        "carer_information",
    }
    # carers' values of 2018-19 err in 2019-20 as they did then; the users' survey of the year errs by itself
    sources = dict(zip(year.measures, year.errors.sources, strict=True))
    assert sources["carer_satisfaction"] == "carers|total|satisfied|2018-19"
    assert sources["control_65"] == "users|65_and_over|control|2019-20"
    assert sources["control_18"] == "users|18_to_64|control|2019-20"
    assert {name.split("|")[0] for names, _ in year.errors.together for name in names} == {"users", "carers", "delayed_days"}


def test_one_answer_for_all_ages_is_drawn_once_for_both_domains(problems: dict[str, Problem]) -> None:
    year = next(y for y in problems["default"].years if y.financial_year == "2023-24")
    sources = dict(zip(year.measures, year.errors.sources, strict=True))
    assert sources["control_65"] == sources["control_18"] == "users|total|control|2023-24"


def test_doubtful_spend_is_drawn_where_it_is_kept(problems: dict[str, Problem]) -> None:
    year = next(y for y in problems["as_published"].years if y.financial_year == "2024-25")
    thurrock = year.councils.index("E06000034")
    assert np.exp(year.errors.history[thurrock]) == pytest.approx(2.08, abs=0.02)
    assert year.errors.history_weight[thurrock] == pytest.approx(0.32)


def test_no_council_with_a_doubtful_spend_has_one_rank(released: Released) -> None:
    with released.connect() as db:
        found = db.execute(
            """
            select u.definition_id, u.financial_year, u.area_code, u.rank_p05, u.rank_p95
            from marts.productivity_ranking as r
            inner join marts.rank_uncertainty as u using (definition_id, financial_year, area_code)
            where r.is_spend_doubtful and r.rank is not null and u.uncertainty_of != 'method'
            """
        ).df()
    assert len(found) >= 8
    assert (found["rank_p05"] < found["rank_p95"]).all()


def test_the_sums_of_probabilities_and_the_order_of_sets(released: Released) -> None:
    with released.connect() as db:
        tops = db.execute(
            "select sum(probability_top_ten) from marts.rank_uncertainty group by definition_id, financial_year, uncertainty_of"
        ).fetchall()
        could = db.execute(
            "select financial_year, count(*) from marts.rank_confidence_set where could_be_top_ten group by all"
        ).fetchall()
        groups = db.execute(
            "select max(misordered_5_pct), max(misordered_20_pct), min(misordered_ranks_pct), count(distinct group_5_pct), "
            "count(distinct group_20_pct) from marts.rank_group group by financial_year"
        ).fetchall()
    assert [top for (top,) in tops] == pytest.approx([10.0] * len(tops), abs=0.02)
    assert len(could) == 7
    assert all(councils >= 10 for _, councils in could)
    for five, twenty, ranks, coarse, fine in groups:
        assert five <= 5
        assert twenty <= 20
        assert ranks > five
        assert 2 <= coarse <= fine
