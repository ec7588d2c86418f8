"""The wiring of draws: each error and each choice that is declared reaches the rank, as large as it is declared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from orchestration.analysis.draws import BLOCK, Draws
from orchestration.analysis.factors import choices, nominal
from orchestration.analysis.influence import sensitivity
from orchestration.analysis.problems import DefinitionYear, Problem
from orchestration.analysis.simulation import Study, simulate, simulate_all
from orchestration.index.monte_carlo import domains_of, place
from tests.benchmarks.uncertainty import factors, problem

YEAR = "2017-18"


def with_errors(of: Problem, values: float = 0.0, transient: float = 0.0, **errors: Any) -> Problem:
    year = of.years[0]
    arrays = replace(year.arrays, standard_errors=np.full_like(year.arrays.values, values))
    declared = replace(year.errors, transient=np.full(len(year.councils), transient), **errors)
    return replace(of, years=[replace(year, arrays=arrays, errors=declared)])


@pytest.mark.parametrize("variation", [0.02, 0.1])
def test_the_error_of_spend_reaches_the_rank_as_large_as_it_is(variation: float) -> None:
    """With sure values the error of a council is its spend's, in standard deviations of councils' log productivity."""
    made = with_errors(problem(60, 6, 1), transient=variation)
    counted = simulate(made, factors(made), replications=4096, seed=1, threads=1, method=False)[YEAR]
    assert counted.errors is not None
    # what all councils share is no error of a rank
    assert float(counted.errors.mean()) == pytest.approx(variation * np.sqrt(1 - 1 / 60) / spread_of_places(made), rel=0.03)


def spread_of_places(made: Problem) -> float:
    """Standard deviation of councils' log productivity under the definition's own choices."""
    year, chosen = made.years[0], nominal(made, made.years[0], 1)
    return float(place(year.arrays, domains_of(year.arrays, {"min_max": made.own_scale}, chosen), chosen).std())


def test_choices_widen_what_figures_leave_open() -> None:
    made = with_errors(problem(60, 8, 1), values=2.0, transient=0.02)
    found = {
        (data, method): simulate(made, factors(made), replications=1024, seed=1, threads=1, data=data, method=method)[YEAR]
        for data, method in ((True, False), (False, True), (True, True))
    }
    width = {kind: float(np.subtract(*counted.interval()[::-1]).mean()) for kind, counted in found.items()}
    assert width[False, True] > 1
    assert width[True, True] > width[True, False] + 1
    assert width[True, True] > width[False, True] + 1


def test_studies_asked_for_together_are_the_same_as_alone() -> None:
    made = with_errors(problem(25, 6, 1), values=3.0, transient=0.03)
    other = replace(made, definition=made.definition | {"definition_id": "outcomes_only", "k": 0.0})
    studies = [Study(made, factors(made)), Study(other, factors(other)), Study(made, factors(made), method=False, share=0.5)]
    together = simulate_all(studies, replications=2 * BLOCK, seed=3, threads=2)
    for study, found in zip(studies, together, strict=True):
        alone = simulate_all([study], replications=2 * BLOCK, seed=3, threads=1)[0][YEAR]
        np.testing.assert_array_equal(found[YEAR].at_rank, alone.at_rank)
        np.testing.assert_array_equal(found[YEAR].own_rank, alone.own_rank)
    assert together[2][YEAR].replications == BLOCK


def test_a_doubtful_spend_leaves_more_than_one_rank_open() -> None:
    """A council whose spend is said to have halved: first by far, and sure of it only if the spend is."""
    base = problem(40, 6, 1)
    spend = {name: of.copy() for name, of in base.years[0].arrays.spend.items()}
    for of in spend.values():
        of[7] = 0.2
    base = replace(base, years=[replace(base.years[0], arrays=replace(base.years[0].arrays, spend=spend))])
    history, weight = np.full(40, np.nan), np.zeros(40)
    sure = simulate(with_errors(base, 1.0, 0.02), factors(base), replications=1024, seed=1, threads=1, method=False)[YEAR]
    history[7], weight[7] = np.log(6.0), 0.32
    doubted = with_errors(base, 1.0, 0.02, history=history, history_weight=weight)
    doubtful = simulate(doubted, factors(base), replications=1024, seed=1, threads=1, method=False)[YEAR]
    assert [ends[7] for ends in sure.interval()] == [1, 1]
    assert doubtful.interval()[0][7] == 1
    assert doubtful.interval()[1][7] > 5
    assert doubtful.probability_at_most(1)[7] == pytest.approx(0.68, abs=0.05)


MOVES = {
    "normalisation": ("normalisation",),
    "origin": ("origin",),
    "winsorising": ("lower", "upper"),
    "weights": ("measure_weights", "domain_weights"),
    "aggregation": ("outcome_mean",),
    "spend_basis": ("spend_basis",),
    "k": ("k",),
    "missing_rule": ("fill_missing",),
    "dropped_measure": ("dropped",),
}
"""Which parts of `Choices` each factor moves."""


@pytest.mark.parametrize("factor", MOVES)
def test_every_choice_is_varied_and_moves_somebody(factor: str) -> None:
    """Each factor alone: what it stands for takes every value that is declared, nothing else moves, and productivity does."""
    made = problem(40, 9, 1)
    values = made.years[0].arrays.values.copy()
    values[1, 3:9] = np.nan
    year = replace(made.years[0], arrays=replace(made.years[0].arrays, values=values))
    alone = replace(factors(made), varied=(factor,))
    chosen = choices(alone, year, *Draws(1, 0, 40).uniforms(year))
    distinct = {name: len(np.unique(getattr(chosen, name).astype(str))) for name in chosen.__dict__}
    declared = len(alone.alternatives[factor].names)
    for name in MOVES[factor]:
        assert distinct.pop(name) >= (10 if factor == "dropped_measure" else 100 if declared == 1 else declared), name
    assert set(distinct.values()) == {1}
    found = place(year.arrays, domains_of(year.arrays, alone.scales, chosen), chosen)
    moved = np.nanstd(found, axis=0) > 1e-6
    assert moved[3:9].all() if factor == "missing_rule" else moved.mean() > 0.9


@pytest.mark.parametrize(("varied", "errors"), [("data", 6.0), ("weights", 0.0)])
def test_the_sobol_design_exchanges_data_and_weights(varied: str, errors: float) -> None:
    """Where one factor alone moves ranks its total index is one, that of a factor that moves nothing is nought; samples A and B differ."""
    made = with_errors(problem(30, 9, 1), values=errors, transient=0.0)
    both = replace(factors(made), varied=(varied, "missing_rule"))
    found = sensitivity(made, both, samples=1024, resamples=50, seed=1, threads=1)[YEAR].indices
    at = both.varied.index(varied)
    assert found.total[at, 0] == pytest.approx(1, abs=0.12)
    assert found.first[at, 0] == pytest.approx(1, abs=0.12)
    assert found.total[1 - at, 0] == pytest.approx(0, abs=0.01)


def test_rules_hold_in_replications_and_in_the_sensitivity_study() -> None:
    """A council without most measures of a domain has no rank in any of them."""
    made = with_errors(problem(20, 9, 1), values=3.0)
    values = made.years[0].arrays.values.copy()
    values[[0, 3], 5] = np.nan  # two of three measures of the first domain
    year: DefinitionYear = replace(made.years[0], arrays=replace(made.years[0].arrays, values=values))
    made = replace(made, years=[year], definition=made.definition | {"min_domain_coverage": 0.6})
    counted = simulate(made, replace(factors(made), varied=("data", "k")), replications=BLOCK, seed=1, threads=1)[YEAR]
    assert counted.at_rank[5, 1:].sum() == 0
    assert (np.delete(counted.at_rank[:, 1:].sum(axis=1), 5) == BLOCK).all()
    found = sensitivity(made, replace(factors(made), varied=("data", "k")), samples=BLOCK, resamples=0, seed=1, threads=1)[YEAR]
    assert np.isnan(found.indices.total[:, 1 + 5]).all()
