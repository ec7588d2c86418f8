"""The whole run as one Dagster run in this process, with a line for each stage as it ends.

What belongs here: starting the job and telling a person how it goes. What does not: anything a stage does.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse.dbt import manifest_path, prepare
from orchestration.warehouse.workbench import held

if TYPE_CHECKING:
    import dagster as dg

STAGE_NAMES = {
    "fetch_publishers_files": "downloads: publishers' files, if asked for",
    "acquire__figures_held": "acquire: which figures are held",
    "load_raw": "raw: figures as they were published",
    "dbt_staging": "staging: one shape for all sources",
    "dbt_intermediate": "intermediate: values, scores, spend",
    "dbt_marts": "marts: domain scores and rankings",
    "rank_uncertainty_and_sensitivity": "analysis: how sure the ranks are",
    "publication__release": "publication: a release",
    "publication__shared": "publication: where many read it, if asked for",
    "pages__site": "pages: a site that opens from a folder",
}


CODE_MODULE, CODE_LOCATION, REPOSITORY = "orchestration.definitions", "asc_index", "__repository__"
"""As `workspace.yaml` names the code location, and Dagster the repository of a module."""


@dataclass(frozen=True)
class StageDone:
    """One stage or gate that ended: its name for a person, seconds, why it failed if it did, and what is to be known if it did not."""

    name: str
    seconds: float
    failure: str = ""
    warnings: tuple[str, ...] = ()
    """Rules of a gate that do not hold and close nothing."""


@dataclass
class RunOutcome:
    """What came of the whole run."""

    succeeded: bool
    seconds: float
    run_id: str
    stages: list[StageDone] = field(default_factory=list)
    nothing_new: str = ""
    """The release that has all there is, where the run ended because of it."""

    @property
    def failures(self) -> list[StageDone]:
        return [s for s in self.stages if s.failure]


def dagster_home() -> Path:
    """Where Dagster keeps its history: DAGSTER_HOME, or the project's own folder. Made, with the project's settings of Dagster, if need be.

    ValueError for a relative DAGSTER_HOME; OSError where it cannot be written to.
    """
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(PROJECT_ROOT / ".dagster")))
    if not home.is_absolute():
        raise ValueError(f"DAGSTER_HOME is {home}: Dagster needs an absolute path, such as {home.resolve()}.")
    home.mkdir(parents=True, exist_ok=True)
    own = home / "dagster.yaml"
    if not own.exists():  # without it telemetry is on and nothing keeps two runs apart
        own.write_bytes((PROJECT_ROOT / ".dagster" / "dagster.yaml").read_bytes())
    if not os.access(home, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(home))
    return home


def run_everything(
    settings: Settings,
    on_stage: Callable[[StageDone], None],
    on_start: Callable[[str], None],
    wait: bool = False,
    again: bool = False,
) -> RunOutcome:
    """Prepare dbt, then run the job of the whole run; `on_start` and `on_stage` are told as each stage begins and ends.

    The workbench is held from the first step to the last. BusyError if another process has it, unless `wait`. A run whose inputs are those of
    the current release ends at once, unless `again`; one from publishers' files does not, because only the publishers know what is new.
    `again` also means that the analysis takes nothing from an earlier run.
    """
    on_start("wait for the run that is going on" if wait else "begin")
    began = time.monotonic()
    with held(settings, wait):
        if not again and settings.data == "embedded" and (release := _has_everything(settings)):
            return RunOutcome(True, time.monotonic() - began, "", nothing_new=release)
        return _run(settings.model_copy(update={"reuse": settings.reuse and not again}), on_stage, on_start)


def _has_everything(settings: Settings) -> str:
    """The current release, if it is whole, has its pages, and was made of what there is now; or else nothing."""
    from orchestration.publication.release import NoReleaseError, current_release, verify
    from orchestration.warehouse.inputs import differences

    try:
        release = current_release(settings)
    except NoReleaseError:
        return ""
    is_whole = (release / "site" / "index.html").exists() and not verify(release)
    return release.name if is_whole and differences(settings, release.name) == [] else ""


def _run(settings: Settings, on_stage: Callable[[StageDone], None], on_start: Callable[[str], None]) -> RunOutcome:
    began = time.monotonic()
    dagster_home()
    on_start("prepare: compile the dbt project" if not manifest_path(settings).exists() else "prepare")
    parsed = prepare(settings)
    outcome = RunOutcome(False, 0, "")
    done = StageDone("prepare: dbt project compiled" if parsed else "prepare: dbt project unchanged", time.monotonic() - began)
    outcome.stages.append(done)
    on_stage(done)

    on_start("load the code location")
    import dagster as dg

    from orchestration.assets.downloads import DATA_TAG
    from orchestration.automation import WHOLE_RUN
    from orchestration.definitions import build_defs

    def stage_ended(stage: StageDone) -> None:
        outcome.stages.append(stage)
        on_stage(stage)

    logger = _progress_logger(stage_ended, on_start)
    job = dg.Definitions.merge(build_defs(settings), dg.Definitions(loggers={"progress": logger})).resolve_job_def(WHOLE_RUN)
    with dg.DagsterInstance.get() as instance:
        result = _execute(job, instance, {DATA_TAG: settings.data})
    outcome.succeeded, outcome.run_id, outcome.seconds = result.is_success, result.run_id, time.monotonic() - began
    return outcome


def _execute(job: dg.JobDefinition, instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.DagsterRun:
    """The job in this process, as a run that says which code location it is of: so Dagster's pages have it among the job's runs.

    `execute_in_process` makes a run without that; the calls here are those that it is made of (pinned with dagster).
    """
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.execution.api import execute_run
    from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    target = LoadableTargetOrigin(module_name=CODE_MODULE, working_directory=str(PROJECT_ROOT))
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, location_name=CODE_LOCATION)
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, REPOSITORY), job.name)
    run = instance.create_run_for_job(
        job, run_config={"loggers": {"progress": {}}}, tags={**job.run_tags, **tags}, remote_job_origin=origin
    )
    execute_run(InMemoryJob(job), run, instance, raise_on_error=False)
    done = instance.get_run_by_id(run.run_id)
    if done is None:
        raise LookupError(f"run {run.run_id} is not in Dagster's history")
    return done


def _progress_logger(on_stage: Callable[[StageDone], None], on_start: Callable[[str], None]) -> dg.LoggerDefinition:
    import dagster as dg

    from orchestration.assets.notification import reason
    from orchestration.warehouse.gates import WARNINGS

    class Handler(logging.Handler):
        """Turns Dagster's events into lines for a person."""

        def __init__(self) -> None:
            super().__init__(logging.DEBUG)
            self.began: dict[str, float] = {}
            self.check_failures: dict[str, str] = {}
            self.warnings: dict[str, tuple[str, ...]] = {}

        def emit(self, record: logging.LogRecord) -> None:
            event = getattr(record, "dagster_meta", {}).get("dagster_event")
            if event is None or event.step_key is None:
                return
            step, kind = event.step_key, event.event_type_value
            if kind == "STEP_START":
                self.began[step] = time.monotonic()
                on_start(_stage_name(step))
            elif kind == "ASSET_CHECK_EVALUATION":
                evaluation = event.event_specific_data
                if warned := evaluation.metadata.get(WARNINGS):
                    self.warnings[step] = tuple(str(warned.value).splitlines())
                if not evaluation.passed:
                    self.check_failures[step] = evaluation.description or evaluation.check_name
            elif kind in {"STEP_SUCCESS", "STEP_FAILURE"}:
                failure = "" if kind == "STEP_SUCCESS" else self.check_failures.get(step) or reason(event)
                took = time.monotonic() - self.began.get(step, time.monotonic())
                on_stage(StageDone(_stage_name(step), took, failure, self.warnings.get(step, ())))

    def progress(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.getLogger("asc.progress")
        logger.handlers = [Handler()]
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        return logger

    return dg.LoggerDefinition(progress, description="Tells a person at the terminal how the run goes.")


def _stage_name(step: str) -> str:
    if "_gate_" in step:
        return "gate: " + step.split("_gate_")[1].replace("_", " ")
    return STAGE_NAMES.get(step, step)
