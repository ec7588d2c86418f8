"""Stage `analysis`: how sure the ranks are, simulated on the marts and written beside them."""

from collections.abc import Iterator

import dagster as dg

from orchestration.analysis.tables import TABLES
from orchestration.settings import Settings
from orchestration.warehouse.workbench import hold

RANK_UNCERTAINTY = dg.AssetKey(["marts", "rank_uncertainty"])


def analysis_keys() -> list[dg.AssetKey]:
    """The marts this stage makes."""
    return [dg.AssetKey(["marts", table.name]) for table in TABLES]


def analysis_assets(settings: Settings, marts: list[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    @dg.multi_asset(
        name="rank_uncertainty_and_sensitivity",
        specs=[
            dg.AssetSpec(
                ["marts", table.name], deps=marts, group_name="analysis", owners=["team:index-maintainers"], kinds={"python", "duckdb"},
                description=table.description,
                metadata={
                    "dagster/column_schema": dg.TableSchema(
                        [dg.TableColumn(name, kind, description) for name, kind, description in table.columns]
                    )
                },
            )
            for table in TABLES
        ],
    )  # fmt: skip
    def analysis(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from orchestration.analysis.run import analyse, latest_intervals, method

        hold(settings)
        made = analyse(settings, report=context.log.info)
        for table in TABLES:
            frame = made.frames[table.name]
            metadata: dict[str, dg.MetadataValue | int | str] = {
                "dagster/row_count": len(frame),
                "replications": settings.replications,
                "sensitivity_samples": settings.sensitivity_samples,
                "seed": settings.seed,
                "method": dg.MetadataValue.md(method(made)),
            }
            if table.name == "rank_uncertainty":
                metadata["rank_intervals"] = dg.MetadataValue.md(latest_intervals(settings))
            if table.name == "uncertainty_convergence":
                shown = frame[frame["definition_id"] == "default"]
                metadata["convergence"] = dg.MetadataValue.table(
                    records=[dg.TableRecord({str(k): str(v) for k, v in row.items()}) for row in shown.to_dict("records")],
                    schema=dg.TableSchema([dg.TableColumn(name, kind) for name, kind, _ in table.columns]),
                )
            yield dg.MaterializeResult(asset_key=["marts", table.name], metadata=metadata)

    return [analysis]
