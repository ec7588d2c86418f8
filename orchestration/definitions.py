"""The Dagster code location. No logic: `build_defs(settings)` puts the stages together, and tests call it with other settings."""

from __future__ import annotations

import gc
import warnings

import dagster as dg

from orchestration.assets.acquire import acquire_assets
from orchestration.assets.analysis import RANK_UNCERTAINTY, analysis_assets, analysis_keys
from orchestration.assets.downloads import download_assets
from orchestration.assets.pages import pages_assets
from orchestration.assets.publication import publication_assets
from orchestration.assets.raw import RAW_FIGURES, raw_assets
from orchestration.assets.warehouse import warehouse_assets
from orchestration.assets.years import reported, year_asset, year_checks
from orchestration.automation import jobs, schedules, sensors
from orchestration.settings import Settings, get_settings
from orchestration.warehouse.gates import gate_checks


def build_defs(settings: Settings) -> dg.Definitions:
    """All assets, gates, jobs and schedules for `settings`."""
    # Half of the time went into looking through all that Dagster has imported for what nobody needs: definitions stay to the end.
    gc.disable()
    try:
        with warnings.catch_warnings():
            # Links to code and checks by year may still change in Dagster; its version is pinned, and tests hold what is used of them.
            warnings.simplefilter("ignore", dg.BetaWarning)
            warnings.simplefilter("ignore", dg.PreviewWarning)
            return _build_defs(settings)
    finally:
        gc.enable()


def _build_defs(settings: Settings) -> dg.Definitions:
    warehouse = warehouse_assets(settings)
    marts = sorted(key for layer in warehouse for key in layer.keys if key.path[0] == "marts")
    ranking = dg.AssetKey(["marts", "productivity_ranking"])
    assets = [
        *download_assets(settings),
        *acquire_assets(settings),
        *raw_assets(settings),
        *warehouse,
        *analysis_assets(settings, marts),
        *publication_assets(settings, [*marts, *analysis_keys()]),
        *pages_assets(settings),
    ]
    return dg.Definitions(
        assets=[*dg.with_source_code_references(assets), year_asset(settings)],
        asset_checks=[
            *gate_checks(settings, "raw_", RAW_FIGURES),
            *gate_checks(settings, "staging_", dg.AssetKey(["staging", "stg_definitions"])),
            *gate_checks(settings, "marts_", ranking, reported),
            *gate_checks(settings, "analysis_", RANK_UNCERTAINTY, reported),
            *year_checks(settings),
        ],
        jobs=jobs(settings),
        schedules=schedules(),
        sensors=sensors(settings),
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads. A function, so that importing `build_defs` does not need a prepared manifest at the usual place."""
    return build_defs(get_settings())
