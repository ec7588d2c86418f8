"""Jobs, one for the whole run and one for each stage, and the yearly schedule (off until somebody switches it on)."""

from __future__ import annotations

import dagster as dg

STAGES = ("acquire", "raw", "staging", "intermediate", "marts", "analysis", "publication")
WHOLE_RUN = "rank_councils"


def jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """The whole run and each stage by itself. All run in one process: one file, one writer."""
    whole = dg.define_asset_job(
        WHOLE_RUN,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        description="From published figures to a release: acquire, raw, staging, intermediate, marts, analysis, publication.",
    )
    stages = [
        dg.define_asset_job(
            f"stage_{stage}",
            selection=dg.AssetSelection.groups(stage),
            executor_def=dg.in_process_executor,
            description=f"Stage {stage} by itself, on what the stages before it last made.",
        )
        for stage in STAGES
    ]
    return [whole, *stages]


def schedules() -> list[dg.ScheduleDefinition]:
    """Outcomes and finance of a year are published by the end of the calendar year after it: run in January."""
    return [
        dg.ScheduleDefinition(
            name="yearly",
            job_name=WHOLE_RUN,
            cron_schedule="0 6 15 1 *",
            execution_timezone="Europe/London",
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description="Every year on 15 January at six in London, once the outcomes and finance of the year before are out.",
        )
    ]
