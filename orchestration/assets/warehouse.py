"""Stages `staging`, `intermediate` and `marts`: dbt, one step a layer so that gates can stand between them."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from orchestration.dbt_build import LAYERS, build_arguments, layer_selection, manifest_path
from orchestration.settings import Settings


class LayerTranslator(DagsterDbtTranslator):
    """dbt's nodes as assets: keyed by schema and name, grouped by layer."""

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(
                # All raw tables are one asset; and a gate must be able to stop dbt, which source tests as checks would undo.
                enable_duplicate_source_asset_keys=True,
                enable_source_tests_as_checks=False,
            )
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return super().get_asset_key(dbt_resource_props)
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return "staging" if dbt_resource_props["resource_type"] == "seed" else str(dbt_resource_props["schema"])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return ["team:index-maintainers"]


def warehouse_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One multi-asset for each layer. FileNotFoundError, with what to run, when the manifest was not prepared."""
    manifest = manifest_path(settings)
    if not manifest.exists():
        raise FileNotFoundError(f"{manifest} is missing: run `asc prepare`, which parses the dbt project once.")
    return [_layer(settings, layer) for layer in LAYERS]


def _layer(settings: Settings, layer: str) -> dg.AssetsDefinition:
    @dbt_assets(
        manifest=manifest_path(settings), select=layer_selection(layer), name=f"dbt_{layer}",
        dagster_dbt_translator=LayerTranslator(),
    )  # fmt: skip
    def build(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        events = list(dbt.cli(build_arguments(), context=context, target_path=settings.dbt_target_dir).stream())
        # dbt has released the file only now: count rows of what it built, then hand its events on.
        counts = row_counts(settings)
        for event in events:
            if isinstance(event, dg.Output | dg.MaterializeResult):
                key = context.asset_key_for_output(event.output_name) if isinstance(event, dg.Output) else event.asset_key
                rows = counts.get(tuple(key.path)) if key else None
                if rows is not None:
                    context.add_output_metadata({"dagster/row_count": rows}, output_name=getattr(event, "output_name", None))
            yield event

    return build


def row_counts(settings: Settings) -> dict[tuple[str, ...], int]:
    """Rows of every table of the warehouse by (schema, table)."""
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name, estimated_size from duckdb_tables() where not temporary"
        ).fetchall()
    return {(schema, table): int(rows) for schema, table, rows in tables}


def dbt_resource(settings: Settings) -> DbtCliResource:
    """dbt's command line for Dagster, with the project's own environment."""
    return DbtCliResource(
        project_dir=str(settings.dbt_project_dir), profiles_dir=str(settings.dbt_project_dir), dbt_executable="dbt"
    )
