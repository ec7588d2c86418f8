"""`make calibrate` in small: worlds whose truth is known, scored as the table of the release scores them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from orchestration.analysis.calibration import COLUMNS, as_table, observed, of_shapes, of_years
from orchestration.analysis.factors import factors_of, read_factors
from orchestration.analysis.problems import read_problems
from orchestration.settings import Settings
from tests.conftest import Released


def test_intervals_hold_on_the_truth_of_a_real_year(released: Released) -> None:
    """Forty worlds of two years. Chance may take a share of 0.90 over 40 × 146 intervals that hang together some two points away."""
    problems = read_problems(released.settings)
    default = next(problem for problem in problems if problem.definition_id == "default")
    factors = factors_of(read_factors(released.settings), default, default)
    keep = [year for year in default.years if year.financial_year in ("2022-23", "2023-24")]
    two = replace(default, years=keep, earlier=[np.full(len(year.councils), -1) for year in keep])
    table = as_table(of_years(two, factors, worlds=40, replications=256, seed=7))
    assert table["coverage"].between(0.87, 0.93).all()
    assert (table[["coverage_true_top_ten", "coverage_observed_top_ten"]] >= 0.84).all(axis=None)
    assert (table["coverage_worst_council"] >= 0.55).all()  # of 146 councils the least, each seen 40 times
    assert (table["simultaneous_coverage"] >= 0.90).all()
    assert (table["expected_in_top_ten"] - table["truly_in_top_ten"]).abs().max() <= 0.6
    assert table["misordered_between_groups"].max() <= 0.07


def test_a_world_is_the_truth_with_its_errors(released: Released) -> None:
    problems = read_problems(released.settings)
    default = next(problem for problem in problems if problem.definition_id == "default")
    position = next(n for n, year in enumerate(default.years) if year.financial_year == "2023-24")
    year = default.years[position]
    seen = np.array([observed(default, position, 3, world).years[0].arrays.values for world in range(60)])
    there = ~np.isnan(year.arrays.values)
    assert (np.isnan(seen) == ~there).all()
    inside = there & (year.arrays.values + 3 * year.arrays.standard_errors < year.arrays.most[:, None])
    inside &= year.arrays.values - 3 * year.arrays.standard_errors > year.arrays.least[:, None]
    away = (seen - year.arrays.values) / np.where(year.arrays.standard_errors > 0, year.arrays.standard_errors, np.nan)
    assert np.nanstd(away[:, inside]) == pytest.approx(1, abs=0.02)


def test_intervals_hold_on_shapes_that_are_not_normal() -> None:
    table = as_table(of_shapes(worlds=12, replications=256, seed=3))
    assert len(table) == 15
    assert table["coverage"].between(0.85, 0.96).all()
    assert table["simultaneous_coverage"].min() >= 0.75


def test_the_table_that_releases_carry_is_whole() -> None:
    table = pd.read_csv(Settings().dbt_project_dir / "seeds" / "interval_coverage_by_world.csv")
    assert tuple(table.columns) == COLUMNS
    years = table[table["world"].str.match(r"\d{4}-\d{2}")]
    assert len(years) == 7
    assert (years["worlds"] >= 100).all()
    assert years["coverage"].between(0.88, 0.92).all()
    assert (years[["coverage_true_top_ten", "coverage_observed_top_ten"]] >= 0.87).all(axis=None)
    assert (years["coverage_worst_council"] >= 0.70).all()
    assert (years["simultaneous_coverage"] >= 0.90).all()
    assert len(table) == 7 + 15
