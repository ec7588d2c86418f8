"""Stage `pages`: the static site of the current release, beside its tables."""

import dagster as dg

from orchestration.assets.common import OWNERS, WAREHOUSE_POOL, at_the_workbench
from orchestration.assets.publication import RELEASE
from orchestration.settings import Settings
from orchestration.warehouse.inputs import code_version

SITE = dg.AssetKey(["pages", "site"])


def pages_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    @dg.asset(
        key=SITE,
        deps=[RELEASE],
        group_name="pages",
        owners=OWNERS,
        kinds={"html", "jinja"},
        code_version=code_version("pages"),
        pool=WAREHOUSE_POOL,
        description="The pages of the current release: overview, league tables, a profile for each council, measures, own weights, downloads. "
        "Open `data/releases/current/site/index.html`, or `asc open`. Pages that are made already from the same release are not made again.",
    )
    def site(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from orchestration.pages.site import build_site
        from orchestration.publication.release import current_release

        at_the_workbench(context, settings)  # nobody publishes or prunes meanwhile
        made = build_site(current_release(settings), report=context.log.info, processes=settings.threads)
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(made.path / "index.html")),
                "pages": made.pages,
                "megabytes": round(made.bytes / 1e6, 1),
                "is_new": made.is_new,
            }
        )

    return [site]
