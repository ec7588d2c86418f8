"""What chance gives: one error for one figure, correlated where people are the same, persistent where the error is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from orchestration.analysis.draws import BLOCK, Draws
from orchestration.analysis.problems import DefinitionYear, Errors
from tests.benchmarks.uncertainty import problem

BLOCKS = 40


def year_with(**changes: Any) -> DefinitionYear:
    year = problem(30, 4, 1).years[0]
    return replace(year, errors=replace(year.errors, **changes))


def values(year: DefinitionYear, seed: int = 1) -> np.ndarray:
    """(replications, M, U) over many blocks."""
    return np.concatenate([Draws(seed, block, 30).values(year) for block in range(BLOCKS)])


def test_draws_are_standard_normal_and_independent_where_nothing_ties_them() -> None:
    drawn = values(problem(30, 4, 1).years[0])
    assert drawn.std(axis=(0, 2)) == pytest.approx(np.ones(4), abs=0.01)
    assert np.corrcoef(drawn.transpose(1, 0, 2).reshape(4, -1)) == pytest.approx(np.eye(4), abs=0.01)


def test_the_questions_of_a_survey_err_together() -> None:
    correlation = np.array([[1.0, 0.6, 0.4], [0.6, 1.0, 0.3], [0.4, 0.3, 1.0]])
    sources = ("a", "b", "c", "d")
    year = year_with(sources=sources, together=((("a", "b", "c"), np.linalg.cholesky(correlation)),))
    found = np.corrcoef(values(year).transpose(1, 0, 2).reshape(4, -1))
    assert found[:3, :3] == pytest.approx(correlation, abs=0.015)
    assert found[3, :3] == pytest.approx(np.zeros(3), abs=0.015)


def test_two_measures_of_one_figure_are_drawn_once() -> None:
    drawn = values(year_with(sources=("a", "b", "a", "c")))
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 2])
    assert abs(np.corrcoef(drawn[:, 0].ravel(), drawn[:, 1].ravel())[0, 1]) < 0.01


def test_years_are_drawn_apart_but_a_figure_carried_forward_is_the_same_draw() -> None:
    carried = np.zeros((4, 30))
    carried[1] = 0.6
    first = year_with(sources=("a|2017-18", "b|2017-18", "c|2017-18", "d|2017-18"))
    second = year_with(
        sources=("a|2018-19", "b|2017-18", "c|2018-19", "d|2018-19"), carried=carried, carried_by=("w", "x", "y", "z")
    )
    before, after = values(first), values(second)
    together = [np.corrcoef(before[:, m].ravel(), after[:, m].ravel())[0, 1] for m in range(4)]
    # a value carried forward keeps its error and adds a change: of variance 1 the change has 0.36, the error 0.64
    assert together == pytest.approx([0, 0.8, 0, 0], abs=0.015)
    assert after[:, 1].std() == pytest.approx(1, abs=0.01)


def test_a_council_keeps_its_draw_whatever_its_column() -> None:
    year = problem(30, 4, 1).years[0]
    turned = replace(year, places=year.places[::-1].copy())
    np.testing.assert_array_equal(Draws(1, 0, 30).values(year)[:, :, ::-1], Draws(1, 0, 30).values(turned))


def spend(year: DefinitionYear, basis: str = "total_net") -> np.ndarray:
    return np.concatenate([Draws(1, block, 30).spend(year)[basis] for block in range(BLOCKS)])


def test_spend_errs_by_what_is_declared_and_persists_where_it_does() -> None:
    made = problem(30, 4, 2)
    one, two = (
        replace(year, errors=replace(year.errors, transient=np.full(30, 0.03), persistent=np.full(30, 0.04)))
        for year in made.years
    )
    assert spend(one).std() == pytest.approx(0.05, rel=0.02)
    # 0.04² of 0.05² is the same in both years
    assert np.corrcoef(spend(one).ravel(), spend(two).ravel())[0, 1] == pytest.approx(0.64, abs=0.02)


def test_what_is_expected_of_a_council_errs_with_the_fit() -> None:
    moves = np.outer(np.linspace(-0.1, 0.1, 30), [1.0, 0.0, 0.0])
    year = year_with(expected={"total_net_need_adjusted": moves}, transient=np.zeros(30))
    assert spend(year).std() == 0
    np.testing.assert_allclose(spend(year, "total_net_need_adjusted").std(axis=0), np.abs(moves[:, 0]), rtol=0.05, atol=1e-9)


def test_a_doubtful_spend_is_drawn_from_its_history_as_often_as_the_record_says() -> None:
    history, weight = np.full(30, np.nan), np.zeros(30)
    history[4], weight[4] = np.log(2.0), 0.32
    drawn = [Draws(1, block, 30).history(year_with(history=history, history_weight=weight)) for block in range(BLOCKS)]
    shift = np.concatenate([part for part in drawn if part is not None])
    assert len(shift) == BLOCKS * BLOCK
    assert (shift[:, 4] != 0).mean() == pytest.approx(0.32, abs=0.015)
    assert set(np.unique(shift[:, 4]).tolist()) == {0.0, np.float32(np.log(2.0)).item()}
    assert (np.delete(shift, 4, axis=1) == 0).all()
    assert Draws(1, 0, 30).history(problem(30, 4, 1).years[0]) is None


def test_errors_without_ties_are_of_every_measure_by_itself() -> None:
    errors = Errors.independent(["a", "b"], 3, 0.02)
    assert errors.sources == ("a", "b")
    assert errors.transient.tolist() == [0.02] * 3
    assert not errors.carried.any()
