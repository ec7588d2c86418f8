"""Stage `publication`: the release, made only when the marts' gates are open."""

import dagster as dg

from orchestration.publication.release import publish
from orchestration.settings import Settings
from orchestration.warehouse.workbench import hold

RELEASE = dg.AssetKey(["publication", "release"])


def publication_assets(settings: Settings, marts: list[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    @dg.asset(
        key=RELEASE, deps=marts, group_name="publication", owners=["team:index-maintainers"], kinds={"duckdb", "parquet", "csv"},
        description="A release: asc.duckdb, a Parquet and a CSV for each mart, a manifest; `current` points to the newest.",
    )  # fmt: skip
    def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        hold(settings)
        made = publish(settings, report=context.log.info)
        return dg.MaterializeResult(
            metadata={
                "release_id": made.release_id,
                "path": dg.MetadataValue.path(str(made.path)),
                "tables": made.tables,
                "dagster/row_count": made.rows,
                "content_sha256": made.content_sha256,
            }
        )

    return [release]
