"""Stage `raw`: published figures in the warehouse as they were published, and the gate that guards them."""

from collections.abc import Iterator

import dagster as dg

from orchestration.assets.acquire import FIGURES_HELD
from orchestration.assets.common import OWNERS, WAREHOUSE_POOL, at_the_workbench
from orchestration.assets.downloads import data_of
from orchestration.settings import Settings
from orchestration.warehouse.columns import Descriptions, descriptions
from orchestration.warehouse.dbt import read_manifest
from orchestration.warehouse.inputs import note
from orchestration.warehouse.raw import fingerprints, load_raw, raw_columns

RAW_FIGURES = dg.AssetKey(["raw", "figures"])
LOAD = "load_raw"
EVERY_FILE_READ = "every_file_held_is_read"
NONE_SET_ASIDE = "no_figure_is_set_aside"


def raw_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The tables of schema raw, one asset each, loaded in one step into a new build; described as dbt's sources are."""
    manifest = read_manifest(settings)
    told = {s["name"]: s["description"] for s in manifest["sources"].values() if s["schema"] == "raw"}
    words = descriptions(manifest, {})
    columns = raw_columns(settings)

    @dg.multi_asset(
        name=LOAD,
        specs=[
            dg.AssetSpec(
                ["raw", table],
                deps=[FIGURES_HELD],
                group_name="raw",
                owners=OWNERS,
                kinds={"duckdb"},
                description=told[table],
                metadata={"dagster/column_schema": _schema(table, columns[table], words)},
            )
            for table in columns
        ],
        check_specs=[
            dg.AssetCheckSpec(
                EVERY_FILE_READ,
                asset=RAW_FIGURES,
                description="Every publisher's file that is held can be read; where one cannot, embedded figures stand in its place.",
            ),
            dg.AssetCheckSpec(
                NONE_SET_ASIDE,
                asset=["raw", "quarantine"],
                description="No figure breaks a rule about single figures; one that does is set aside, and its value goes no further.",
            ),
        ],
        pool=WAREHOUSE_POOL,
    )
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from orchestration.acquisition.gather import embedded, gather

        at_the_workbench(context, settings)  # to the end of this process: the stages after this one build on what it loads
        if data_of(context, settings) == "publishers":
            gathered = gather(settings.figures_dir, settings.raw_dir, context.log.info)
        else:
            gathered = embedded(settings.figures_dir)
        rows = load_raw(settings, gathered)
        note(settings.model_copy(update={"data": data_of(context, settings)}))
        versions = fingerprints(settings)
        for table in columns:
            by_provenance = gathered.figures["provenance"].value_counts().items() if table == "figures" else ()
            unread = dg.AssetCheckResult(
                asset_key=RAW_FIGURES,
                check_name=EVERY_FILE_READ,
                passed=not gathered.unread,
                severity=dg.AssetCheckSeverity.WARN,
                description="; ".join(f"{edition}: {why}" for edition, why in gathered.unread.items()) or "all are read",
            )
            none_set_aside = dg.AssetCheckResult(
                asset_key=["raw", "quarantine"],
                check_name=NONE_SET_ASIDE,
                passed=rows["quarantine"] == 0,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"{rows['quarantine']} set aside; the table names each with its rule and cell",
            )
            checks = {"figures": [unread], "quarantine": [none_set_aside]}
            yield dg.MaterializeResult(
                asset_key=["raw", table],
                data_version=dg.DataVersion(versions[table]),
                metadata={"dagster/row_count": rows[table], **{f"figures_{name}": int(n) for name, n in by_provenance}},
                check_results=checks.get(table, []),
            )

    return [load]


def _schema(table: str, columns: list[str], words: Descriptions) -> dg.TableSchema:
    kinds = {"value": "double"} if table == "figures" else {}
    return dg.TableSchema([dg.TableColumn(c, kinds.get(c, "varchar"), words.get(("raw", table, c))) for c in columns])
