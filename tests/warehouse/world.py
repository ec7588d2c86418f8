"""A build whose raw tables were changed, with all models after them worked again in memory: what the gates would have been asked.

The models' SQL is what dbt compiled, the suites are those of the gates, and figures are set aside by the project's own function.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from expectations.runner import SuiteResult, run_suite, suites
from orchestration.settings import Settings
from orchestration.warehouse.dbt import manifest_path
from orchestration.warehouse.quarantine import set_aside

STAGES = {
    "raw_": (),
    "staging_": ("stg_figure_relations",),
    "marts_": (
        "dim_council",
        "fct_published_figure",
        "measure_relation",
        "spend_relation",
        "fct_doubtful_figure",
        "fct_measure_value",
        "figure_use",
    ),
}
"""Gates in their order -> models that they or a reader would ask; those that these are made of come with them."""
NEEDS_RANKS = ("marts_productivity_ranking", "marts_ranked_years", "marts_movement", "staging_definitions")
"""Suites about ranks and definitions, which no published figure can break by itself."""


class World:
    """The build of a whole run, to be changed: `change` as often as wanted, then `work`, then look."""

    def __init__(self, settings: Settings, aside: Path) -> None:
        """`aside`: a folder for the log of checks."""
        self.settings = settings.model_copy(update={"releases_dir": aside})
        manifest: dict[str, Any] = json.loads(manifest_path(settings).read_text(encoding="utf-8"))
        self.nodes = {k: n for k, n in manifest["nodes"].items() if n["resource_type"] == "model"}
        self.db = duckdb.connect()
        self.db.execute("set threads = 2")
        self.db.execute(f"attach '{settings.warehouse_path}' as held (read_only)")
        self.db.execute("attach ':memory:' as warehouse")
        self.db.execute("use warehouse")
        self.tables = self.db.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'held'"
        ).fetchall()
        for schema in {schema for schema, _ in self.tables}:
            self.db.execute(f"create schema if not exists {schema}")

    def _with_parents(self, key: str) -> Iterable[str]:
        for parent in self.nodes[key]["depends_on"]["nodes"]:
            if parent in self.nodes:
                yield from self._with_parents(parent)
        yield key

    def restore(self) -> None:
        """Everything as it was published: every table a view of the build, the raw ones copies that can be changed."""
        for schema, name in self.tables:
            self._drop(schema, name)
            made = "table" if schema == "raw" else "view"
            self.db.execute(f'create {made} {schema}."{name}" as select * from held.{schema}."{name}"')

    def change(self, statement: str) -> int:
        """A statement on the raw tables; how many rows it changed."""
        counted = self.db.execute(statement).fetchone()
        return int(counted[0]) if counted else 0

    def work(self) -> list[SuiteResult]:
        """Set figures aside, then stage by stage make the models again and ask the suites; like a run, it ends at a gate that is closed."""
        self.db.execute("drop table if exists raw.quarantine")
        results = set_aside(self.settings, self.db, Path("a_try"))
        made: set[str] = set()
        for prefix, wanted in STAGES.items():
            for key in dict.fromkeys(k for name in wanted for k in self._with_parents(f"model.asc_index.{name}")):
                if key not in made:
                    self._make(key)
                    made.add(key)
            for suite in suites(self.settings.expectations_dir, prefix):
                if suite.name not in NEEDS_RANKS:
                    query = suite.query.replace("{expectations_dir}", str(self.settings.expectations_dir))
                    results.append(run_suite(suite, self.db.execute(query).df()))
            if not all(result.passed for result in results):
                break
        return results

    def _make(self, key: str) -> None:
        node = self.nodes[key]
        self._drop(node["schema"], node["name"])
        made = "view" if node["config"]["materialized"] == "view" else "table"
        self.db.execute(f'create {made} {node["schema"]}."{node["name"]}" as {node["compiled_code"]}')

    def _drop(self, schema: str, name: str) -> None:
        there = self.db.execute(
            "select table_type from information_schema.tables where table_catalog = 'warehouse' and table_schema = ? and table_name = ?",
            [schema, name],
        ).fetchall()
        for (kind,) in there:
            self.db.execute(f'drop {"view" if kind == "VIEW" else "table"} {schema}."{name}"')
