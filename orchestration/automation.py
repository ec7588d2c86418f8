"""Jobs, the yearly schedule, a look for new editions, and word of a run that failed. All but the jobs are off until switched on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import dagster as dg

from orchestration.assets.downloads import DATA_TAG, DOWNLOADS, FETCH, YEARS
from orchestration.assets.years import CHECK_YEAR, RANKED_YEAR, years_of
from orchestration.settings import Settings
from orchestration.sources.model import sources

STAGES = ("downloads", "acquire", "raw", "staging", "intermediate", "marts", "analysis", "publication", "pages")
WHOLE_RUN = "rank_councils"
DOWNLOAD_RUN = "download_year"
FROM_PUBLISHERS = {DATA_TAG: "publishers"}
STAGE_WORDS = {
    "downloads": "Fetches publishers' files, all years of all sources, and keeps what is new.",
    "acquire": "Says which figures are at hand: embedded ones, and publishers' files that are held.",
    "raw": "Begins a new build and loads the figures as they were published. The gate on raw figures closes it if they cannot be right.",
    "staging": "One shape for all sources: dbt's seeds and staging models, with their tests.",
    "intermediate": "Values, spend and scores of every council and year: dbt's intermediate models, with their tests.",
    "marts": "Domain scores and rankings as people query them: dbt's marts, with their tests and gates.",
    "analysis": "How sure each rank is: simulations on the marts.",
    "publication": "Publishes a release of the marts, if every gate is open and the workbench is of one piece.",
    "pages": "Makes the static site of the current release: pages that open from a folder.",
}


def jobs(settings: Settings) -> list[dg.UnresolvedAssetJobDefinition]:
    """The whole run, each stage by itself, the downloads of a year, the gates of a year. All run in one process: one file, one writer."""
    of_years = dg.AssetSelection.checks_for_assets(RANKED_YEAR)
    whole = dg.define_asset_job(
        WHOLE_RUN,
        selection=dg.AssetSelection.all() - of_years,
        executor_def=dg.in_process_executor,
        description="Ranks the councils: from published figures to a release, in two minutes. It needs no network: it reads the figures "
        f"that come with the project. With the tag `{DATA_TAG}: publishers` it fetches publishers' files first. A closed gate stops it, "
        "and the release before stays current.",
    )
    stages = [
        dg.define_asset_job(
            f"stage_{stage}",
            selection=dg.AssetSelection.groups(stage) - of_years,
            executor_def=dg.in_process_executor,
            description=f"{STAGE_WORDS[stage]} By itself, on what the stages before it last made.",
        )
        for stage in STAGES
    ]

    @dg.static_partitioned_config(partition_keys=YEARS.get_partition_keys())
    def one_year(year: str) -> dict[str, object]:
        return {"ops": {FETCH: {"config": {"financial_year": year}}}}

    year = dg.define_asset_job(
        DOWNLOAD_RUN,
        selection=dg.AssetSelection.groups(DOWNLOADS),
        config=one_year,
        executor_def=dg.in_process_executor,
        description="Fetches publishers' files of one financial year, of every source. A file that does not come fails the year; those that "
        "came are kept. Launch a backfill for several years.",
    )
    checks = dg.define_asset_job(
        CHECK_YEAR,
        selection=of_years,
        partitions_def=years_of(settings),
        executor_def=dg.in_process_executor,
        description="Asks the gates again about one financial year of what the workbench holds. A whole run does it for every year.",
    )
    return [whole, *stages, year, checks]


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
        name="new_editions",
        job_name=WHOLE_RUN,
        minimum_interval_seconds=settings.look_every_seconds,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Looks at publishers' pages once a day, for at most 9 seconds; a file that was not listed before asks for a run from "
        "publishers' files. A page that could not be looked at is said, and is not taken for no change; when none could, people are told.",
    )
    def new_editions(context: dg.SensorEvaluationContext) -> Iterator[dg.SkipReason | dg.RunRequest]:
        from orchestration.acquisition.fetch import Fetcher
        from orchestration.acquisition.new_editions import LOOK_LIMITS, look, remembered
        from orchestration.assets.notification import tell

        before = json.loads(context.cursor) if context.cursor else {}
        looked = look(
            sources(),
            before,
            Fetcher(settings.raw_dir, limits=LOOK_LIMITS, mirror=settings.mirror, private=settings.private_addresses),
        )
        context.update_cursor(json.dumps(remembered(before, looked), sort_keys=True))
        context.log.info(looked.sentence)
        if looked.saw_nothing:
            tell(settings, {"sensor": "new_editions", "message": looked.sentence})
        if looked.new:
            key = hashlib.sha256(json.dumps(looked.new, sort_keys=True).encode()).hexdigest()[:16]
            yield dg.RunRequest(
                run_key=f"new-editions-{key}", tags={**FROM_PUBLISHERS, "asc/new_files": str(sum(map(len, looked.new.values())))}
            )
        else:
            yield dg.SkipReason(looked.sentence)

    @dg.run_failure_sensor(
        name="run_failed",
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Writes a run that failed, with the sentence of each step and of each gate that closed, to failures.jsonl beside the "
        "releases, and tells ASC_NOTIFY.",
    )
    def run_failed(context: dg.RunFailureSensorContext) -> None:
        from orchestration.assets.notification import reasons, tell

        run = context.dagster_run
        steps = reasons(context.instance, run.run_id)
        tell(
            settings,
            {"run_id": run.run_id, "job": run.job_name, "message": context.failure_event.message or "", "steps": steps},
        )

    return [new_editions, run_failed]
