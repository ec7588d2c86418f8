"""The project's own SQL, from values to ranks, on a warehouse of a few councils in memory: for properties that need many tries."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

CHAIN = (
    "int_oriented_values",
    "int_winsorised_values",
    "int_measure_scores",
    "int_domain_scores",
    "int_outcome_scores",
    "int_annual_productivity",
    "int_productivity",
)
YEAR = "2018-19"
DOMAINS = ("x", "y", "z")

DEFINITION = {
    "definition_id": "d",
    "definition_name": "d",
    "weight_set": "w",
    "normalisation": "min_max",
    "winsorise_lower": 0.05,
    "winsorise_upper": 0.95,
    "scale_low": 1.0,
    "scale_high": 100.0,
    "scale_centre": 50.0,
    "scale_spread": 10.0,
    "domain_aggregation": "arithmetic",
    "outcome_aggregation": "arithmetic",
    "min_domain_coverage": 0.6,
    "min_year_coverage": 0.0,
    "min_comparable_weight": 0.75,
    "spend_basis": "total_net",
    "k": 1.0,
    "window_years": 1,
    "min_domain_measures": 1,
    "combination": "ratio",
    "doubtful_figures": "withhold",
    "description": "",
    "provenance": "project",
}


class SqlChain:
    """Compiled models of a build, run one after the other in a database in memory."""

    def __init__(self, compiled: Path) -> None:
        self.models = {name: (compiled / f"{name}.sql").read_text(encoding="utf-8") for name in CHAIN}

    def run(self, values: pd.DataFrame, spend_index: dict[str, float], measures: pd.DataFrame, **choices: object) -> pd.DataFrame:
        """Rank councils. `values`: area_code, measure_id, value; `measures`: measure_id, domain_id, polarity, weight, goalposts.

        Returns area_code, outcome_score, coverage, productivity, rank, one row a council.
        """
        areas = sorted(spend_index)
        frames = {
            "intermediate.int_measure_values": values.assign(
                financial_year=YEAR,
                value=values["value"].astype(float),
                value_year=YEAR,
                value_basis="published",
                figure_id=values["area_code"] + values["measure_id"],
            ),
            "intermediate.int_measure_shared_sources": pd.DataFrame(
                {"weight_set": "w", "financial_year": YEAR, "measure_id": measures["measure_id"], "measures_of_the_source": 1}
            ),
            "intermediate.int_england_values": pd.DataFrame(
                {"measure_id": ["none"], "financial_year": YEAR, "england_value": 1.0}
            ),
            "intermediate.int_doubts": pd.DataFrame(
                {"subject": ["measure"], "subject_id": "none", "figure_id": "none", "is_withheld": True}
            ),
            "intermediate.int_spend_basis_doubts": pd.DataFrame(
                {
                    "financial_year": ["1999-00"],
                    "area_code": "none",
                    "spend_basis": "total_net",
                    "is_withheld": True,
                    "doubt": "none",
                }
            ),
            "intermediate.int_council_years": pd.DataFrame(
                {
                    "financial_year": YEAR,
                    "previous_financial_year": "2017-18",
                    "area_code": areas,
                    "continuity_code": areas,
                    "is_rankable": True,
                }
            ).assign(exclusion_reason=pd.Series([None] * len(areas), dtype="string")),
            "seeds.measures": measures.drop(columns="weight"),
            "staging.stg_definitions": pd.DataFrame([{**DEFINITION, **choices}]),
            "staging.stg_measure_weights": measures[["measure_id", "weight"]].assign(weight_set="w"),
            "staging.stg_domain_weights": pd.DataFrame({"weight_set": "w", "domain_id": DOMAINS, "weight": 1.0}),
            "seeds.domains": pd.DataFrame({"domain_id": DOMAINS, "domain_name": DOMAINS, "display_order": range(3)}),
            "seeds.spend_bases": pd.DataFrame({"spend_basis": ["total_net"], "level": ["total"]}),
            "intermediate.int_spend_index": pd.DataFrame(
                {
                    "financial_year": YEAR,
                    "area_code": areas,
                    "spend_basis": "total_net",
                    "domain_id": "all",
                    "spend_per_head_gbp": [100 * spend_index[a] for a in areas],
                    "england_spend_per_head_gbp": 100.0,
                    "spend_index": [spend_index[a] for a in areas],
                    "is_spend_modelled": False,
                }
            ),
            "intermediate.int_council_spend": pd.DataFrame(
                {"financial_year": YEAR, "area_code": areas, "spend_basis": "total_net", "spend_gbp": 1.0}
            ),
        }
        with duckdb.connect() as db:
            db.execute("attach ':memory:' as warehouse")
            for schema in ("intermediate", "staging", "seeds"):
                db.execute(f"create schema warehouse.{schema}")
            for name, frame in frames.items():
                db.register("frame", frame)
                db.execute(f"create table warehouse.{name} as select * from frame")
                db.unregister("frame")
            for name, sql in self.models.items():
                db.execute(f"create table warehouse.intermediate.{name} as {sql}")
            return db.execute(
                "select area_code, outcome_score, coverage, productivity, rank from warehouse.intermediate.int_productivity order by area_code"
            ).df()
