"""Stage `raw`: published figures in the warehouse as they were published, and the gate that guards them."""

import dagster as dg

from orchestration.acquisition.gather import embedded, gather
from orchestration.assets.acquire import FIGURES_HELD, data_of
from orchestration.figures import FIGURE_COLUMNS
from orchestration.settings import Settings
from orchestration.warehouse.raw import load_raw
from orchestration.warehouse.workbench import hold

RAW_FIGURES = dg.AssetKey(["raw", "figures"])
EVERY_FILE_READ = "every_file_held_is_read"


def raw_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    @dg.asset(
        key=RAW_FIGURES, deps=[FIGURES_HELD], group_name="raw", owners=["team:index-maintainers"], kinds={"duckdb"},
        check_specs=[
            dg.AssetCheckSpec(
                EVERY_FILE_READ, asset=RAW_FIGURES,
                description="Every publisher's file that is held can be read; where one cannot, embedded figures stand in its place.",
            )
        ],
        description="One row for each published figure, with editions, councils and code changes beside it (schema raw).",
    )  # fmt: skip
    def figures(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        hold(settings)  # to the end of this process: the stages after this one build on what it loads
        if data_of(context, settings) == "publishers":
            gathered = gather(settings.figures_dir, settings.raw_dir, context.log.info)
        else:
            gathered = embedded(settings.figures_dir)
        rows = load_raw(settings, gathered)
        columns = [dg.TableColumn(c, "double" if c == "value" else "varchar") for c in (*FIGURE_COLUMNS, "provenance")]
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows["figures"],
                "dagster/column_schema": dg.TableSchema(columns),
                **{f"rows_{name}": count for name, count in rows.items()},
                **{f"figures_{name}": int(count) for name, count in gathered.figures["provenance"].value_counts().items()},
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=EVERY_FILE_READ, passed=not gathered.unread, severity=dg.AssetCheckSeverity.WARN,
                    description="; ".join(f"{edition}: {why}" for edition, why in gathered.unread.items()) or "all are read",
                )
            ],
        )  # fmt: skip

    return [figures]
