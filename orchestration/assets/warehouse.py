"""Stages `staging`, `intermediate` and `marts`: dbt, one step a layer so that gates can stand between them."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from orchestration.settings import Settings
from orchestration.warehouse.dbt import LAYERS, NodeResult, build_layer, failure_text, layer_selection, manifest_path
from orchestration.warehouse.workbench import hold


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
        manifest=manifest_path(settings), select=" ".join(layer_selection(layer)), name=f"dbt_{layer}",
        dagster_dbt_translator=LayerTranslator(),
    )  # fmt: skip
    def build(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        hold(settings)
        results = build_layer(settings, layer)
        context.log.info(f"dbt: {len(results)} nodes, {sum(r.ok for r in results)} well")
        yield from layer_events(results, context.assets_def, row_counts(settings))
        if not all(r.ok for r in results):
            raise dg.Failure(f"Layer {layer} is not whole. {failure_text(results)}", allow_retries=False)

    return build


def layer_events(
    results: list[NodeResult], layer: dg.AssetsDefinition, rows: Mapping[tuple[str, ...], int]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """dbt's results as Dagster knows them: a materialization for each model or seed built, a check for each test.

    A test that belongs to no one model (it compares several) has no check; its failure still fails the layer.
    """
    asset_of_check = {spec.name: spec.asset_key for spec in layer.check_specs}
    for result in results:
        if result.kind in {"model", "seed"} and result.ok:
            key = (result.schema, result.name)
            metadata: dict[str, Any] = {"seconds": result.seconds, "dbt_unique_id": result.unique_id}
            if key in rows:
                metadata["dagster/row_count"] = rows[key]
            yield dg.MaterializeResult(asset_key=dg.AssetKey(key), metadata=metadata)
        elif result.kind == "test" and result.status != "skipped" and result.name in asset_of_check:
            yield dg.AssetCheckResult(
                asset_key=asset_of_check[result.name], check_name=result.name, passed=result.ok,
                description=result.message if result.ok else f"{result.name.replace('_', ' ')}: {result.message}",
                metadata={"seconds": result.seconds},
            )  # fmt: skip


def row_counts(settings: Settings) -> dict[tuple[str, ...], int]:
    """Rows of every table of the warehouse by (schema, table)."""
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name, estimated_size from duckdb_tables()").fetchall()
    return {(schema, table): int(rows) for schema, table, rows in tables}
