"""Stage `publication`: the release, made only when the marts' gates are open."""

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from orchestration.analysis.tables import TABLES
from orchestration.assets.common import OWNERS, WAREHOUSE_POOL, at_the_workbench
from orchestration.assets.page_metadata import pictures_of_the_latest, table, top_ten_by_year
from orchestration.assets.years import RANKED_YEAR
from orchestration.publication.release import current_release, publish
from orchestration.publication.sharing import share_release
from orchestration.settings import Settings
from orchestration.warehouse.dbt import assert_built, assert_in_order, made_of, read_manifest
from orchestration.warehouse.inputs import code_version, note_release

RELEASE = dg.AssetKey(["publication", "release"])
SHARED = dg.AssetKey(["publication", "shared"])
YEARLY = dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=400), warn_window=dt.timedelta(days=370))
"""The index is run yearly: a release is late after a year and a month."""


def publication_assets(settings: Settings, marts: list[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    @dg.asset(
        key=RELEASE,
        deps=marts,
        group_name="publication",
        owners=OWNERS,
        kinds={"duckdb", "parquet", "csv"},
        freshness_policy=YEARLY,
        code_version=code_version("publication"),
        pool=WAREHOUSE_POOL,
        description="A release: asc.duckdb, a Parquet and a CSV for each mart, a manifest; `current` points to the newest. What is "
        "already the current release to the last byte is not published again.",
    )
    def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        at_the_workbench(context, settings)
        tables = sorted((key.path[0], key.path[1]) for key in marts)
        assert_built(settings, tables, "The release")
        own = {("marts", table.name) for table in TABLES}
        built = made_of(read_manifest(settings))
        assert_in_order(settings, built | {table: set(tables) - own for table in own})
        made = publish(settings, report=context.log.info)
        note_release(settings, made.release_id)
        for event in _years(settings, made.release_id):
            context.log_event(event)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(made.content_sha256[:16]),
            metadata={
                "release_id": made.release_id,
                "is_new": made.is_new,
                "path": dg.MetadataValue.path(str(made.path)),
                "tables": made.tables,
                "dagster/row_count": made.rows,
                "content_sha256": made.content_sha256,
                **{name: dg.MetadataValue.md(picture) for name, picture in pictures_of_the_latest(settings).items()},
            },
        )

    @dg.asset(
        key=SHARED,
        deps=[RELEASE],
        group_name="publication",
        owners=OWNERS,
        kinds={"postgres", "ducklake"},
        code_version=code_version("publication"),
        pool=WAREHOUSE_POOL,
        description="The current release where many read it: the store of `ASC_STORE`, the DuckLake of `ASC_LAKE_CATALOGUE` and the database of "
        "`ASC_POSTGRES`, each in one step. Nowhere, where none is set.",
    )
    def shared(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        at_the_workbench(context, settings)  # nobody prunes it meanwhile
        taken = share_release(settings, current_release(settings))
        for place in taken:
            context.log.info(f"{place.tables} tables are in {place.place}" + ("" if place.is_new else ", as they were"))
        return dg.MaterializeResult(
            metadata={"places": len(taken), **{f"place_{n}": place.place for n, place in enumerate(taken, 1)}}
        )

    return [release, shared]


def _years(settings: Settings, release_id: str) -> Iterator[dg.AssetMaterialization]:
    """Each ranked year of the default definition as a partition: how many are ranked, and its top ten with intervals."""
    for year, top in top_ten_by_year(settings).items():
        yield dg.AssetMaterialization(
            RANKED_YEAR,
            partition=year,
            metadata={
                "release_id": release_id,
                "councils_ranked": int(top["councils_ranked"].iloc[0]),
                "top_ten": table(top),
            },
        )
