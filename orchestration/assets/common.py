"""What the stages share: whose they are, their pools, and how a stage takes its place at the workbench."""

from __future__ import annotations

import dagster as dg

from orchestration.settings import Settings
from orchestration.warehouse.workbench import BusyError, hold

OWNERS = ["team:index-maintainers"]
WAREHOUSE_POOL = "warehouse"
"""One DuckDB file, one writer: a second run that needs the workbench waits in Dagster's queue (`pools` in dagster.yaml)."""
DOWNLOADS_POOL = "downloads"
"""One run fetches at a time: publishers' servers are asked politely however many partitions are backfilled."""


def at_the_workbench(context: dg.AssetExecutionContext, settings: Settings) -> None:
    """Have the workbench to the end of this process. Dagster's queue keeps its own runs apart; a run started at a terminal it does not
    know of, so this waits for it to end, and says so.
    """
    try:
        hold(settings)
    except BusyError as busy:
        context.log.warning(f"{busy} This one waits.")
        hold(settings, wait=True)
