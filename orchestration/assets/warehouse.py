"""Stages `staging`, `intermediate` and `marts`: dbt, one step a layer so that gates can stand between them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from orchestration.assets.common import OWNERS, WAREHOUSE_POOL, at_the_workbench
from orchestration.assets.page_metadata import ranking_as_it_stands
from orchestration.settings import Settings
from orchestration.warehouse import lineage as lineage_of
from orchestration.warehouse.columns import Descriptions, column_types, descriptions
from orchestration.warehouse.connection import connect
from orchestration.warehouse.dbt import (
    LAYERS,
    NodeResult,
    build_layer,
    failure_text,
    in_layer,
    lineage_path,
    manifest_path,
    read_manifest,
)
from orchestration.warehouse.dbt_words import words_of_test
from orchestration.warehouse.lineage import Lineage

RANKING = ("marts", "productivity_ranking")


class LayerTranslator(DagsterDbtTranslator):
    """dbt's nodes as assets: keyed by schema and name, grouped by layer; their version is that of the SQL that dbt compiled."""

    def __init__(self, project_dir: Path) -> None:
        self.project_dir = project_dir
        super().__init__(
            DagsterDbtTranslatorSettings(
                # A gate must be able to stop dbt, which source tests as checks would undo.
                enable_source_tests_as_checks=False,
            )
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        if dbt_resource_props["resource_type"] == "source":
            return "raw"
        return "staging" if dbt_resource_props["resource_type"] == "seed" else str(dbt_resource_props["schema"])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return OWNERS

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """In words; the SQL is one click away (the code reference), and the columns have a table of their own."""
        return str(dbt_resource_props["description"])

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """The file that makes it, as a link."""
        file = self.project_dir / dbt_resource_props["original_file_path"]
        link = dg.LocalFileCodeReference(file_path=str(file), label=file.name)
        return {
            **super().get_metadata(dbt_resource_props),
            "dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[link]),
        }

    def get_code_version(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Of the compiled SQL, so that a macro or a variable that changes makes a new version too; of a seed, dbt's checksum."""
        compiled = dbt_resource_props.get("compiled_code")
        if compiled:
            return hashlib.sha256(compiled.encode()).hexdigest()[:16]
        return str(dbt_resource_props.get("checksum", {}).get("checksum", ""))[:16] or None

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return None if spec is None else spec._replace(description=words_of_test(manifest["nodes"][unique_id]))


def warehouse_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One multi-asset for each layer. FileNotFoundError, with what to run, when the manifest was not prepared."""
    path = manifest_path(settings)
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run `asc prepare`, which compiles the dbt project once.")
    manifest, translator = read_manifest(settings), LayerTranslator(settings.dbt_project_dir)
    return [_layer(settings, layer, *layer_specs(manifest, translator, layer)) for layer in LAYERS]


def layer_specs(
    manifest: Mapping[str, Any], translator: DagsterDbtTranslator, layer: str
) -> tuple[list[dg.AssetSpec], list[dg.AssetCheckSpec]]:
    """The models of a layer, with staging the seeds, as assets, and as checks the tests that belong to one of them: what the decorator
    `dbt_assets` makes of `layer_selection`. It asks dbt's graph what that selects, a third of a second whenever a code location loads; the
    manifest says it too.
    """
    specs, checks = [], []
    for unique_id, node in manifest["nodes"].items():
        if in_layer(node, layer):
            spec = translator.get_asset_spec(manifest, unique_id, None)
            tests = (child for child in manifest["child_map"][unique_id] if child.startswith("test."))
            specs.append(spec)
            checks += [c for test in tests if (c := translator.get_asset_check_spec(spec, manifest, test, None)) is not None]
    return specs, checks


def _layer(
    settings: Settings, layer: str, specs: list[dg.AssetSpec], check_specs: list[dg.AssetCheckSpec]
) -> dg.AssetsDefinition:
    @dg.multi_asset(name=f"dbt_{layer}", specs=specs, check_specs=check_specs, can_subset=True, pool=WAREHOUSE_POOL)
    def build(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        at_the_workbench(context, settings)
        only = {key.path[-1] for key in context.selected_asset_keys} if context.is_subset else set()
        results = build_layer(settings, layer, only)
        context.log.info(f"dbt: {len(results)} nodes, {sum(r.ok for r in results)} well")
        selected = {(spec.asset_key, spec.name) for spec in context.assets_def.check_specs} & {
            (key.asset_key, key.name) for key in context.selected_asset_check_keys
        }
        yield from layer_events(results, selected, known(settings), shown(settings))
        if not all(r.ok for r in results):
            raise dg.Failure(f"Layer {layer} is not whole. {failure_text(results)}", allow_retries=False)

    return build


@dataclass(frozen=True)
class Known:
    """What is known of the tables of a build, for Dagster's pages: rows and column types as they are, descriptions and origins as written."""

    rows: Mapping[tuple[str, str], int] = field(default_factory=dict)
    types: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    words: Descriptions = field(default_factory=dict)
    lineage: Lineage = field(default_factory=dict)

    def metadata(self, schema: str, table: str) -> dict[str, Any]:
        """Row count, column table and column lineage of one table, as far as they are known."""
        metadata: dict[str, Any] = {}
        if (schema, table) in self.rows:
            metadata["dagster/row_count"] = self.rows[schema, table]
        if (schema, table) in self.types:
            metadata["dagster/column_schema"] = dg.TableSchema(
                [dg.TableColumn(c, kind, self.words.get((schema, table, c))) for c, kind in self.types[schema, table].items()]
            )
        if f"{schema}.{table}" in self.lineage:
            metadata["column_origins"] = self.origins(f"{schema}.{table}")
            metadata["dagster/column_lineage"] = dg.TableColumnLineage(
                {
                    column: [dg.TableColumnDep(dg.AssetKey([s, t]), c) for s, t, c in origins]
                    for column, origins in self.lineage[f"{schema}.{table}"].items()
                    if origins
                }
            )
        return metadata

    def origins(self, table: str) -> dg.MetadataValue:
        """Column by column, what it is made of and where its trail ends: the open-source pages keep column lineage but do not draw it."""
        records = [
            dg.TableRecord(
                {
                    "column": column,
                    "made_of": ", ".join(".".join(origin) for origin in origins),
                    "published": ", ".join(".".join(o) for o in lineage_of.reached(self.lineage, table, column) if o[0] == "raw"),
                    "chosen": ", ".join(
                        ".".join(o[1:]) for o in lineage_of.reached(self.lineage, table, column) if o[0] == "seeds"
                    ),
                }
            )
            for column, origins in self.lineage[table].items()
        ]
        words = {
            "column": "The column.",
            "made_of": "The columns of other tables that it is made of.",
            "published": "Columns of raw tables where its trail ends: what was published.",
            "chosen": "Columns of seeds where its trail ends: what was chosen.",
        }
        return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(c, "string", w) for c, w in words.items()]))


def known(settings: Settings) -> Known:
    """All that is known of the build in work."""
    lineage = lineage_of.read(lineage_path(settings))
    return Known(row_counts(settings), column_types(settings), descriptions(read_manifest(settings), lineage), lineage)


def shown(settings: Settings) -> dict[str, Any]:
    """What the page of the ranking shows beside its columns; nothing while there is no ranking."""
    return ranking_as_it_stands(settings) if RANKING in row_counts(settings) else {}


def layer_events(
    results: list[NodeResult],
    checks: set[tuple[dg.AssetKey, str]],
    tables: Known,
    of_the_ranking: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """dbt's results as Dagster knows them: a materialization for each model or seed built, a result for each of `checks` that ran.

    A test that belongs to no one model (it compares several) has no check; its failure still fails the layer.
    """
    asset_of_check = {name: key for key, name in checks}
    for result in results:
        if result.kind in {"model", "seed"} and result.ok:
            metadata = {"seconds": result.seconds, **tables.metadata(result.schema, result.name)}
            if (result.schema, result.name) == RANKING:
                metadata |= of_the_ranking
            yield dg.MaterializeResult(asset_key=dg.AssetKey([result.schema, result.name]), metadata=metadata)
        elif result.kind == "test" and result.status != "skipped" and result.name in asset_of_check:
            yield dg.AssetCheckResult(
                asset_key=asset_of_check[result.name],
                check_name=result.name,
                passed=result.ok,
                description=result.message,
                metadata={"seconds": result.seconds},
            )


def row_counts(settings: Settings) -> dict[tuple[str, str], int]:
    """Rows of every table of the warehouse by (schema, table)."""
    with connect(str(settings.warehouse_path), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name, estimated_size from duckdb_tables()").fetchall()
    return {(schema, table): int(rows) for schema, table, rows in tables}
