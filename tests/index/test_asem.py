"""COINr's worked example (ASEM) replayed: treatment, every visible replication, their rank statistics, indices and diagnostics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.index.aggregate import Level, aggregate_all
from orchestration.index.diagnostics import cronbach_alpha, effective_weights
from orchestration.index.normalise import min_max, z_score
from orchestration.index.replications import Step, descending_rank, mean_rank_change, replicate
from orchestration.index.sensitivity import sobol_indices
from orchestration.index.treat import is_acceptable, treat

UPPER_LEVELS = (2, 3, 4)


@pytest.fixture(scope="module")
def asem(given_data: Path) -> Path:
    folder = given_data.parent / "reference" / "asem"
    if not folder.exists():
        pytest.skip(f"the ASEM reference is not here ({folder})")
    return folder


def indicators(asem: Path) -> tuple[list[str], pd.DataFrame]:
    """Indicators in the order of the data, and everything's metadata."""
    meta = pd.read_csv(asem / "asem_imeta.csv").set_index("iCode")
    bottom = set(meta.index[meta["Level"] == 1])
    return [c for c in pd.read_csv(asem / "step_treated.csv").columns if c in bottom], meta


def parents_by_level(asem: Path) -> list[tuple[list[str], list[str], np.ndarray]]:
    """For each level above the indicators: its groups, its children, and the group of each child."""
    children, meta = indicators(asem)
    found = []
    for level in UPPER_LEVELS:
        groups = list(meta.index[meta["Level"] == level])
        found.append((groups, children, np.array([groups.index(meta.loc[c, "Parent"]) for c in children])))
        children = groups
    return found


def design_arrays(asem: Path, kind: str) -> tuple[np.ndarray, list[Step], pd.DataFrame]:
    """Scaled data sets, the hierarchy with its hundred weight sets, and the design with what each replication takes."""
    names, meta = indicators(asem)
    screened = pd.read_csv(asem / "step_screened.csv")[names].to_numpy(float).T
    direction = meta.loc[names, "Direction"].to_numpy(float)[:, None]
    scaled = []
    for points in range(1, 6):
        treated = treat(screened, points) * direction
        scaled += [min_max(treated, 1, 100), z_score(treated, 10, 2)]
    weights = pd.read_csv(asem / "sa_noisy_weights.csv").pivot(index="set", columns="iCode", values="Weight")
    steps = [Step(parents, weights[children].to_numpy(float)) for _, children, parents in parents_by_level(asem)]
    design = pd.read_csv(asem / f"sa_{kind}_N100_design.csv")
    design["data_set"] = (design["winmax"] - 1) * 2 + (design["normalisation"] == "n_zscore")
    design["weight_set"] = design["weights_set"] - 1
    design["mean"] = design["aggregation"].map({"a_amean": "arithmetic", "a_gmean": "geometric"})
    return np.stack(scaled), steps, design


def replayed(asem: Path, kind: str) -> np.ndarray:
    scaled, steps, design = design_arrays(asem, kind)
    return replicate(scaled, steps, design["data_set"].to_numpy(), design["weight_set"].to_numpy(), design["mean"].tolist())


def test_treatment_is_coinrs(asem: Path) -> None:
    names, _ = indicators(asem)
    screened = pd.read_csv(asem / "step_screened.csv")[names].to_numpy(float).T
    expected = pd.read_csv(asem / "step_treated.csv")[names].to_numpy(float).T
    np.testing.assert_allclose(treat(screened, 5), expected, rtol=1e-12)
    passed = pd.read_csv(asem / "skew_kurt_screened.csv").set_index("iCode").loc[names, "pass"]
    assert [is_acceptable(row) for row in screened] == passed.tolist()


@pytest.mark.parametrize("kind", ["UA", "SA"])
def test_every_replication_is_coinrs(asem: Path, kind: str) -> None:
    expected = pd.read_csv(asem / f"sa_{kind}_N100_scores.csv").drop(columns=["uCode", "Nominal"]).to_numpy(float).T
    found = replayed(asem, kind)
    assert found.shape == expected.shape == ({"UA": 100, "SA": 600}[kind], 51)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["UA", "SA"])
def test_rank_statistics_are_coinrs(asem: Path, kind: str) -> None:
    # COINr tells rank statistics of a sensitivity run from its two base samples of 100 each.
    ranks = descending_rank(replayed(asem, kind)[: 100 if kind == "UA" else 200])
    expected = pd.read_csv(asem / f"sa_{kind}_N100_rankstats.csv")
    np.testing.assert_allclose(ranks.mean(axis=0), expected["Mean"], atol=1e-9)
    for column, share in (("Median", 0.5), ("Q5", 0.05), ("Q95", 0.95)):
        np.testing.assert_allclose(np.quantile(ranks, share, axis=0), expected[column], atol=1e-9)


def test_sensitivity_indices_are_coinrs(asem: Path) -> None:
    nominal = descending_rank(pd.read_csv(asem / "sa_SA_N100_scores.csv")["Nominal"].to_numpy())
    output = mean_rank_change(descending_rank(replayed(asem, "SA")), nominal)[:, None]
    found = sobol_indices(output[:100], output[100:200], output[200:].reshape(4, 100, 1), centred=False)
    expected = pd.read_csv(asem / "sa_SA_N100_indices.csv")
    # COINr divides by the sample variance of its 200 base outputs, the estimator's own definition by their variance.
    np.testing.assert_allclose(found.first[:, 0] * 199 / 200, expected["Si"], rtol=1e-9)
    np.testing.assert_allclose(found.total[:, 0] * 199 / 200, expected["STi"], rtol=1e-9)


def original_levels(asem: Path) -> list[Level]:
    weights = pd.read_csv(asem / "weights_original.csv").set_index("iCode")["Weight"]
    return [Level(parents, weights[children].to_numpy(float)) for _, children, parents in parents_by_level(asem)]


def test_effective_weights_are_coinrs(asem: Path) -> None:
    expected = pd.read_csv(asem / "effective_weights.csv").set_index("iCode")["EffWeight"]
    for (_, children, _), found in zip(parents_by_level(asem), effective_weights(original_levels(asem)), strict=True):
        np.testing.assert_allclose(found, expected[children], rtol=1e-12)


def test_cronbachs_alpha_is_coinrs(asem: Path) -> None:
    names, _ = indicators(asem)
    scaled = pd.read_csv(asem / "step_normalised.csv")[names].to_numpy(float).T
    pillars, _, parents = parents_by_level(asem)[0]
    expected = pd.read_csv(asem / "cronbach_pillars.csv").set_index("pillar")["alpha"]
    for position, pillar in enumerate(pillars):
        assert cronbach_alpha(scaled[parents == position]) == pytest.approx(expected[pillar], rel=1e-9)


def test_leaving_out_a_pillar_changes_ranks_as_in_coinr(asem: Path) -> None:
    names, _ = indicators(asem)
    scaled = pd.read_csv(asem / "step_normalised.csv")[names].to_numpy(float).T
    levels = original_levels(asem)
    nominal = descending_rank(aggregate_all(scaled, levels)[-1])[0]
    expected = pd.read_csv(asem / "remove_elements_L2.csv").set_index("el")["mad"]
    for position, pillar in enumerate(parents_by_level(asem)[0][0]):
        weights = levels[1].weights.copy()
        weights[position] = 0
        without = [levels[0], Level(levels[1].parents, weights), levels[2]]
        ranks = descending_rank(aggregate_all(scaled, without)[-1])
        assert mean_rank_change(ranks, nominal)[0] == pytest.approx(expected[pillar], rel=1e-9)
