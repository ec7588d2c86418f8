"""The page of ten steps and the outside evidence, against second calculations from the release's own tables."""

from __future__ import annotations

import re

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from orchestration.publication.self_audit import STEPS, self_audit
from orchestration.settings import Settings
from tests.conftest import Released


def test_the_page_has_ten_steps_with_numbers_of_the_release(released: Released) -> None:
    page = (released.release / "self_audit.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d+)\. ", page, flags=re.MULTILINE) == [str(n) for n in range(1, 11)]
    figures = len(pd.read_csv(released.release / "fct_published_figure.csv", usecols=["figure_id"]))
    assert f"{figures:,} figures of " in page
    coverage = pd.read_csv(released.release / "interval_coverage.csv")
    worst = coverage.loc[coverage["world"].str.match(r"\d{4}-"), "coverage_worst_council"].min()
    assert f"(the worst council {100 * worst:.0f} %)" in page
    assert all(f"`marts.{table}`" in page for step in STEPS for table in step.shown_in)


def test_every_table_that_a_step_names_is_in_the_release(released: Released) -> None:
    for step in STEPS:
        for table in step.shown_in:
            assert (released.release / f"{table}.csv").exists(), f"{step.name}: {table}"


def test_a_step_without_anything_to_tell_is_refused(released: Released) -> None:
    with duckdb.connect() as empty:
        empty.execute(f"attach '{released.release / 'asc.duckdb'}' as release (read_only)")
        empty.execute("create schema marts")
        for (name,) in empty.execute(
            "select table_name from duckdb_tables() where database_name = 'release' and schema_name = 'marts'"
        ).fetchall():
            rows = "limit 0" if name == "index_diagnostics" else ""
            empty.execute(f"create view marts.{name} as select * from release.marts.{name} {rows}")
        with pytest.raises(ValueError, match=r"step 4 \(Multivariate analysis\): index_diagnostics"):
            self_audit(empty)


def test_outside_evidence_is_spearmans_correlation_of_the_same_councils(released: Released) -> None:
    """A second calculation in pandas and SciPy: productivity and outcome against score, rating and each statement."""
    seed = pd.read_csv(Settings().dbt_project_dir / "seeds" / "cqc_assessments.csv")
    ranking = pd.read_csv(released.release / "productivity_ranking.csv").query("definition_id == 'default' and rank == rank")
    continuity = pd.read_csv(released.release / "dim_council.csv").set_index("area_code")["continuity_code"]
    told = pd.read_csv(released.release / "external_validation.csv").set_index(["index_value", "external_value"])
    seed = seed[~seed["is_pilot"]].assign(
        rating=lambda f: f["rating"].map({"Outstanding": 4, "Good": 3, "Requires improvement": 2, "Inadequate": 1}),
        council=lambda f: f["area_code"].map(continuity),
        # the last financial year that had ended: a report of May 2025 follows 2024-25, one of February 2025 follows 2023-24
        ended=lambda f: f["report_month"].str[:4].astype(int) - np.where(f["report_month"].str[5:].astype(int) >= 4, 1, 2),
    )
    ranking["council"], ranking["start"] = ranking["area_code"].map(continuity), ranking["financial_year"].str[:4].astype(int)
    compared = 0
    for value in ("productivity", "outcome_score"):
        ranking["place"] = ranking.groupby("financial_year")[value].rank(pct=False, method="min")
        ranking["place"] = (ranking["place"] - 1) / (ranking.groupby("financial_year")[value].transform("size") - 1)
        for external in ["score_pct", "rating", *[c for c in seed.columns if c.startswith("qs")]]:
            pairs = seed.dropna(subset=[external]).merge(ranking, on="council")
            pairs = pairs[pairs["start"] <= pairs["ended"]].sort_values("start").groupby("council").last()
            row = told.loc[(value, external)]
            assert row["councils"] == len(pairs)
            assert row["rank_correlation"] == pytest.approx(spearmanr(pairs["place"], pairs[external]).statistic, abs=1e-9)
            half = 1.959963984540054 * np.sqrt((1 + row["rank_correlation"] ** 2 / 2) / (len(pairs) - 3))
            assert row["lower_95"] == pytest.approx(np.tanh(np.arctanh(row["rank_correlation"]) - half))
            assert row["excludes_zero"] == (row["lower_95"] > 0 or row["upper_95"] < 0)
            compared += 1
    assert compared == 22


def test_outside_evidence_is_no_input() -> None:
    """Nothing that ranks reads the Commission's table: one model does, and nothing reads that model."""
    models = Settings().dbt_project_dir / "models"
    readers = {file.stem for file in models.rglob("*.sql") if "cqc_assessments" in file.read_text(encoding="utf-8")}
    assert readers == {"external_validation"}
    assert not [file for file in models.rglob("*.sql") if "ref('external_validation')" in file.read_text(encoding="utf-8")]
