"""Stage `analysis`: how sure the ranks are, simulated on the marts and written beside them."""

from collections.abc import Iterator

import dagster as dg

from orchestration.analysis.tables import TABLES
from orchestration.assets.common import OWNERS, WAREHOUSE_POOL, at_the_workbench
from orchestration.assets.page_metadata import pictures_of_the_latest
from orchestration.settings import Settings
from orchestration.warehouse.dbt import assert_built, note_built
from orchestration.warehouse.inputs import code_version

RANK_UNCERTAINTY = dg.AssetKey(["marts", "rank_uncertainty"])


ANALYSIS = "rank_uncertainty_and_sensitivity"


def analysis_keys() -> list[dg.AssetKey]:
    """The marts this stage makes."""
    return [dg.AssetKey(["marts", table.name]) for table in TABLES]


def analysis_assets(settings: Settings, marts: list[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    version = code_version("analysis", "index")

    @dg.multi_asset(
        name=ANALYSIS,
        specs=[
            dg.AssetSpec(
                ["marts", table.name],
                deps=marts,
                group_name="analysis",
                owners=OWNERS,
                kinds={"python", "duckdb"},
                description=table.description,
                code_version=version,
                metadata={
                    "dagster/column_schema": dg.TableSchema(
                        [dg.TableColumn(name, kind, description) for name, kind, description in table.columns]
                    )
                },
            )
            for table in TABLES
        ],
        pool=WAREHOUSE_POOL,
    )
    def analysis(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from orchestration.analysis.run import analyse, method

        at_the_workbench(context, settings)
        assert_built(settings, sorted((key.path[0], key.path[1]) for key in marts), "The analysis")
        made = analyse(settings, report=context.log.info)
        note_built(settings, [("marts", table.name) for table in TABLES])
        for table in TABLES:
            frame = made.frames[table.name]
            metadata: dict[str, dg.MetadataValue | int | str] = {
                "dagster/row_count": len(frame),
                "replications": settings.replications,
                "sensitivity_samples": settings.sensitivity_samples,
                "seed": settings.seed,
                "years_of_definitions_computed": made.computed,
                "years_of_definitions_taken_from_an_earlier_run": made.taken,
                "method": dg.MetadataValue.md(method(made)),
            }
            if table.name == "rank_uncertainty":
                metadata |= {name: dg.MetadataValue.md(picture) for name, picture in pictures_of_the_latest(settings).items()}
            if table.name == "uncertainty_convergence":
                shown = frame[frame["definition_id"] == "default"]
                metadata["convergence"] = dg.MetadataValue.table(
                    records=[dg.TableRecord({str(k): str(v) for k, v in row.items()}) for row in shown.to_dict("records")],
                    schema=dg.TableSchema([dg.TableColumn(name, kind) for name, kind, _ in table.columns]),
                )
            yield dg.MaterializeResult(asset_key=["marts", table.name], metadata=metadata)

    return [analysis]
