"""The simulation of ranks: intervals that hold known ranks, draws that do not depend on threads, and what happens at the edges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from orchestration.analysis.draws import BLOCK
from orchestration.analysis.factors import factors_of, nominal, read_factors
from orchestration.analysis.influence import drop_one, sensitivity
from orchestration.analysis.problems import DefinitionYear, Errors, Problem
from orchestration.analysis.simulation import rank_quantile, simulate
from orchestration.assets.pictures import as_markdown, rank_intervals_svg
from orchestration.index.monte_carlo import LOWEST_IN_GEOMETRIC_MEAN, Rules, Scale, drawn, productivity, ranks
from orchestration.index.normalise import rank
from orchestration.settings import Settings
from tests.benchmarks.uncertainty import factors, problem

SCALES = {"min_max": Scale(), "z_score": Scale(), "percentile_rank": Scale(), "goalposts": Scale()}


def with_values(of: Problem, values: np.ndarray, errors: float) -> Problem:
    """The problem's first year with other values and one standard error."""
    year = of.years[0]
    arrays = replace(year.arrays, values=values, standard_errors=np.full_like(values, errors))
    return replace(of, years=[replace(year, arrays=arrays, errors=Errors.independent(year.measures, values.shape[1]))])


def nominal_ranks(of: Problem) -> np.ndarray:
    year = of.years[0]
    return ranks(productivity(year.arrays, {"min_max": of.own_scale}, nominal(of, year, 1)))[0]


@pytest.mark.parametrize("error", [2.0, 4.0, 6.0])
def test_a_ninety_per_cent_interval_holds_the_true_rank_that_often(error: float) -> None:
    """Councils whose true values are known, observed with error: half of what councils differ by, less, and more."""
    base, inside = problem(150, 17, 1), []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        true = 50 + 10 * (0.6 * rng.normal(size=150) + 0.8 * rng.normal(size=(17, 150)))
        observed = with_values(base, true + error * rng.normal(size=true.shape), error)
        counts = simulate(observed, factors(observed), replications=512, seed=seed, threads=1, method=False)["2017-18"]
        truth = nominal_ranks(with_values(base, true, error))
        best, worst = counts.interval()
        inside.append(((best <= truth) & (truth <= worst)).mean())
    assert 0.88 <= np.mean(inside) <= 0.95


def test_the_same_seed_gives_the_same_counts_whatever_the_threads() -> None:
    made = problem(30, 6, 2)
    one, two, other = (
        simulate(made, factors(made), replications=3 * BLOCK + 7, seed=seed, threads=threads, pairs=True)
        for seed, threads in ((5, 1), (5, 4), (6, 4))
    )
    for year in one:
        np.testing.assert_array_equal(one[year].at_rank, two[year].at_rank)
        np.testing.assert_array_equal(one[year].above, two[year].above)
        assert one[year].replications == 3 * BLOCK + 7
        assert (one[year].at_rank.sum(axis=1) == 3 * BLOCK + 7).all()
    assert any((one[year].at_rank != other[year].at_rank).any() for year in one)


def test_counts_hang_together() -> None:
    """How often a council beats the others, plus one, is its mean rank upside down."""
    made = problem(20, 6, 1)
    counted = simulate(made, factors(made), replications=BLOCK, seed=1, threads=1, pairs=True)["2017-18"]
    mean_rank = (counted.at_rank * np.arange(21)).sum(axis=1) / counted.replications
    np.testing.assert_allclose(20 - counted.above.sum(axis=1) / counted.replications, mean_rank)
    assert (counted.above + counted.above.T <= counted.replications).all()


def test_without_noise_and_choices_every_replication_is_the_ranking() -> None:
    made = problem(25, 6, 1)
    counted = simulate(made, factors(made), replications=10, seed=1, threads=1, data=False, method=False)["2017-18"]
    np.testing.assert_array_equal(counted.quantile(0.05), nominal_ranks(made))
    np.testing.assert_array_equal(counted.quantile(0.95), nominal_ranks(made))


def test_being_above_peers_is_being_above_their_median() -> None:
    made = problem(9, 6, 1)
    peers = np.array([[(n + 1) % 9, (n + 2) % 9, (n + 3) % 9, -1] for n in range(9)])
    counted = simulate(
        made, factors(made), replications=1, seed=1, threads=1, data=False, method=False, peers={"2017-18": peers}
    )["2017-18"]
    product = productivity(made.years[0].arrays, {"min_max": made.own_scale}, nominal(made, made.years[0], 1))[0]
    expected = [product[n] > np.median(product[[(n + 1) % 9, (n + 2) % 9, (n + 3) % 9]]) for n in range(9)]
    assert counted.above_peers.tolist() == expected


def test_dropping_a_measure_is_ranking_without_its_row() -> None:
    made = problem(25, 7, 1)
    year = made.years[0]
    found = {(d.kind, d.name): d.rank for d in drop_one(made, year)}
    assert len(found) == 7 + 3
    keep = np.arange(7) != 4
    arrays = replace(
        year.arrays,
        **{
            name: getattr(year.arrays, name)[keep]
            for name in ("values", "standard_errors", "least", "most", "worst", "best", "domain_of", "measure_weights")
        },
    )
    without = replace(year, arrays=arrays, measures=[m for n, m in enumerate(year.measures) if n != 4])
    np.testing.assert_array_equal(found["measure", "measure_4"], nominal_ranks(replace(made, years=[without])))


def test_a_measure_alone_in_its_domain_cannot_be_dropped() -> None:
    made = problem(12, 4, 1)  # domains of two, one and one measures
    assert {d.name for d in drop_one(made, made.years[0]) if d.kind == "measure"} == {"measure_0", "measure_3"}


def test_a_draw_stays_within_what_a_value_can_be() -> None:
    year = problem(10, 3, 1).years[0].arrays
    year = replace(year, standard_errors=np.full((3, 10), 1000.0), least=np.zeros(3), most=np.full(3, 100.0))
    values = drawn(year, np.random.default_rng(1).standard_normal((50, 3, 10)))
    assert values.min() == 0
    assert values.max() == 100


def test_a_missing_value_is_dropped_or_has_the_median_as_the_rule_says() -> None:
    made = problem(11, 6, 1)
    year = made.years[0]
    values = year.arrays.values.copy()
    values[0, 3] = np.nan
    year = replace(year, arrays=replace(year.arrays, values=values))
    untouched = {"lower": np.zeros(2), "upper": np.ones(2)}  # one more value would move the quantiles
    chosen = nominal(made, year, 2).with_(fill_missing=np.array([False, True]), **untouched)
    found = productivity(year.arrays, SCALES, chosen)
    others = np.delete(np.arange(11), 3)
    np.testing.assert_allclose(found[0, others], found[1, others])
    filled = values.copy()
    filled[0, 3] = np.nanmedian(values[0])  # min-max keeps the median where it was
    as_if = productivity(replace(year.arrays, values=filled), SCALES, nominal(made, year, 2).with_(**untouched))
    np.testing.assert_allclose(found[1, 3], as_if[0, 3], rtol=1e-12)


def test_scores_that_are_not_positive_under_a_geometric_mean() -> None:
    """The definition itself is refused; a drawn combination counts such a score as 1."""
    made = problem(20, 6, 1)
    year = made.years[0]
    chosen = nominal(made, year, 1).with_(
        normalisation=np.array(["z_score"]), outcome_mean=np.array(["geometric"]), lower=np.zeros(1), upper=np.ones(1)
    )
    scales = {"z_score": Scale(centre=0, spread=1)}
    with pytest.raises(ValueError, match="positive scores"):
        productivity(year.arrays, scales, chosen)
    assert np.isfinite(productivity(year.arrays, scales, chosen, rules=Rules(lowest=LOWEST_IN_GEOMETRIC_MEAN))).all()


def test_what_cannot_be_ranked_is_refused() -> None:
    year = problem(5, 3, 1).years[0].arrays
    with pytest.raises(ValueError, match="at least two"):
        replace(year, ranked=np.array([True, False, False, False, False]))
    with pytest.raises(ValueError, match="no measure has a value"):
        replace(year, values=np.full((3, 5), np.nan))
    made = problem(5, 3, 1)
    chosen = nominal(made, made.years[0], 1)
    with pytest.raises(ValueError, match="no spend on basis 'gold'"):
        productivity(year, SCALES, chosen.with_(spend_basis=np.array(["gold"])))
    with pytest.raises(ValueError, match="no scale for normalisation"):
        productivity(year, {}, chosen)
    with pytest.raises(ValueError, match="must not be negative"):
        productivity(year, SCALES, chosen.with_(measure_weights=np.zeros((1, 3))))
    with pytest.raises(ValueError, match="at least one"):
        simulate(made, factors(made), replications=0, seed=1, threads=1)
    with pytest.raises(ValueError, match="at least"):
        sensitivity(made, factors(made), samples=8, resamples=0, seed=1, threads=1)


def test_a_constant_measure_tells_nobody_apart() -> None:
    made = problem(12, 6, 1)
    arrays = made.years[0].arrays
    for other in (3.0, 99.0):
        values = arrays.values.copy()
        values[2] = other
        found = productivity(replace(arrays, values=values), SCALES, nominal(made, made.years[0], 1))
        without = arrays.values.copy()
        without[2] = 7.0
        same = productivity(replace(arrays, values=without), SCALES, nominal(made, made.years[0], 1))
        np.testing.assert_array_equal(found, same)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_ranks_are_scipys(kind: type) -> None:
    values = np.round(np.random.default_rng(1).normal(size=(40, 5, 33)), 1).astype(kind)
    values[values > 1.4] = np.nan
    values[0, 0, :3] = [-0.0, 0.0, -0.0]
    np.testing.assert_array_equal(rank(values), rankdata(values, method="min", axis=-1, nan_policy="omit"))


def test_quantiles_of_ranks_are_the_least_rank_reached() -> None:
    drawn_ranks = np.array([1, 1, 2, 2, 2, 3, 3, 4, 4, 10])
    counts = np.bincount(drawn_ranks, minlength=11)[None]
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert rank_quantile(counts, share)[0] == np.quantile(drawn_ranks, share, method="inverted_cdf")
    assert np.isnan(rank_quantile(np.zeros((1, 11), dtype=int), 0.5))[0]


def test_a_choice_that_makes_a_definition_is_not_varied() -> None:
    made = problem(5, 3, 1)
    declared = pd.read_csv(Settings().dbt_project_dir / "seeds" / "method_factors.csv")
    own = replace(made, definition=made.definition | {"k": 0.0, "outcome_aggregation": "geometric"})
    varied = factors_of(declared, own, made).varied
    assert set(factors_of(declared, made, made).varied) - set(varied) == {"k", "aggregation"}


def test_factors_are_drawn_as_declared() -> None:
    made = problem(5, 9, 1)
    found = factors(made)
    uniforms = (np.arange(3000) + 0.5) / 3000
    names, counted = np.unique(
        found.alternatives["normalisation"].names[found.alternatives["normalisation"].pick(uniforms)], return_counts=True
    )
    assert dict(zip(names.tolist(), counted.tolist(), strict=True)) == {"min_max": 1000, "percentile_rank": 1000, "z_score": 1000}
    between = found.alternatives["weights"].between(uniforms)
    assert (between.min(), between.max()) == pytest.approx((0.75, 1.25), abs=1e-3)


def test_unknown_factors_are_refused(tmp_path: Path) -> None:
    for table, message in (
        ("select 'luck' as factor_id, 'a' as alternative, 1.0 as probability, 0.0 as low, 1.0 as high", "no factor luck"),
        ("select 'k' as factor_id, 'a' as alternative, 0.0 as probability, 0.0 as low, 1.0 as high", "one above zero"),
    ):
        settings = Settings(build_dir=tmp_path)
        settings.warehouse_path.unlink(missing_ok=True)
        with duckdb.connect(str(settings.warehouse_path)) as db:
            db.execute("create schema seeds")
            db.execute(f"create table seeds.method_factors as {table}")
        with pytest.raises(ValueError, match=message):
            read_factors(settings)


def test_the_picture_names_every_council_and_needs_no_file() -> None:
    frame = pd.DataFrame(
        {
            "area_name": ["A & B", "C"],
            "rank": [2, 1],
            "rank_p05": [1, 1],
            "rank_p25": [1, 1],
            "rank_p75": [2, 2],
            "rank_p95": [2, 2],
        }
    )
    svg = rank_intervals_svg(frame, "Ranks")
    assert "A &amp; B 2" in svg
    assert svg.index(">C 1<") < svg.index(">A &amp; B 2<")
    assert as_markdown(svg, "Ranks").startswith("![Ranks](data:image/svg+xml;base64,")
    with pytest.raises(ValueError, match="no rank"):
        rank_intervals_svg(frame.head(0), "Ranks")


def test_years_of_a_window_are_averaged_over_the_same_council() -> None:
    """Three years, councils in another order each year, one council new in the last: it has no mean."""
    made = problem(6, 6, 3)
    order = np.array([3, 1, 2, 0, 5, 4])
    earlier = [np.full(6, -1), order, np.where(np.arange(6) == 2, -1, order)]
    rank_of = [np.full(6, np.nan), np.full(6, np.nan), np.where(np.arange(6) == 2, np.nan, 1.0)]
    years: list[DefinitionYear] = [replace(y, rank=r) for y, r in zip(made.years, rank_of, strict=True)]
    whole = replace(made, definition=made.definition | {"window_years": 3}, years=years, earlier=earlier)
    counted = simulate(whole, factors(whole), replications=1, seed=1, threads=1, data=False, method=False)["2019-20"]
    annual = [productivity(y.arrays, {"min_max": made.own_scale}, nominal(made, y, 1))[0] for y in years]
    mean = np.array([(annual[2][n] + annual[1][order[n]] + annual[0][order[order[n]]]) / 3 for n in range(6)])
    mean[2] = np.nan
    np.testing.assert_array_equal(counted.quantile(0.5), rankdata(-mean, nan_policy="omit"))
