"""Jobs, the yearly schedule, a look for new editions, and word of a run that failed. All but the jobs are off until switched on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import dagster as dg

from orchestration.assets.acquire import DATA_TAG
from orchestration.assets.downloads import DOWNLOADS, YEARS, fetcher
from orchestration.settings import Settings
from orchestration.sources.model import sources

STAGES = ("acquire", "raw", "staging", "intermediate", "marts", "analysis", "publication")
WHOLE_RUN = "rank_councils"
DOWNLOAD_RUN = "download_year"
FROM_PUBLISHERS = {DATA_TAG: "publishers"}
LOOK_EVERY_SECONDS = 24 * 60 * 60


def jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """The whole run, each stage by itself, and the downloads of a year. All run in one process: one file, one writer."""
    downloads = dg.AssetSelection.groups(DOWNLOADS)
    whole = dg.define_asset_job(
        WHOLE_RUN,
        selection=dg.AssetSelection.all() - downloads,
        executor_def=dg.in_process_executor,
        description="From published figures to a release: acquire, raw, staging, intermediate, marts, analysis, publication. "
        f"Tag {DATA_TAG}=publishers fetches publishers' files first.",
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
    year = dg.define_asset_job(
        DOWNLOAD_RUN,
        selection=downloads,
        partitions_def=YEARS,
        executor_def=dg.in_process_executor,
        description="Publishers' files of one financial year, of every source.",
    )
    return [whole, *stages, year]


def schedules() -> list[dg.ScheduleDefinition]:
    """Outcomes and finance of a year are published by the end of the calendar year after it: run in January."""
    return [
        dg.ScheduleDefinition(
            name="yearly",
            job_name=WHOLE_RUN,
            cron_schedule="0 6 15 1 *",
            execution_timezone="Europe/London",
            tags=FROM_PUBLISHERS,
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description="Every year on 15 January at six in London, once the outcomes and finance of the year before are out: "
            "fetches publishers' files, then ranks.",
        )
    ]


def sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """A daily look for new editions, and word of a run that failed."""

    @dg.sensor(
        name="new_editions", job_name=WHOLE_RUN, minimum_interval_seconds=LOOK_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Looks at publishers' pages once a day; a file that was not listed before asks for a run from publishers' files. "
        "A page that could not be looked at is said, and is not taken for no change.",
    )  # fmt: skip
    def new_editions(context: dg.SensorEvaluationContext) -> Iterator[dg.SkipReason | dg.RunRequest]:
        from orchestration.acquisition.new_editions import look, remembered

        before = json.loads(context.cursor) if context.cursor else {}
        looked = look(sources(), before, fetcher(settings))
        context.update_cursor(json.dumps(remembered(before, looked), sort_keys=True))
        context.log.info(looked.sentence)
        if looked.new:
            key = hashlib.sha256(json.dumps(looked.new, sort_keys=True).encode()).hexdigest()[:16]
            yield dg.RunRequest(
                run_key=f"new-editions-{key}", tags={**FROM_PUBLISHERS, "asc/new_files": str(sum(map(len, looked.new.values())))}
            )
        else:
            yield dg.SkipReason(looked.sentence)

    @dg.run_failure_sensor(
        name="run_failed", default_status=dg.DefaultSensorStatus.STOPPED,
        description="Writes a run that failed, with the sentence of each step, to failures.jsonl beside the releases, and tells ASC_NOTIFY.",
    )  # fmt: skip
    def run_failed(context: dg.RunFailureSensorContext) -> None:
        from orchestration.assets.notification import tell_of_failure

        steps = {event.step_key or "run": event.message or "" for event in context.get_step_failure_events()}
        tell_of_failure(
            settings, context.dagster_run.run_id, context.dagster_run.job_name, context.failure_event.message or "", steps
        )

    return [new_editions, run_failed]
