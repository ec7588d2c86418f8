"""The steps of the Dockerfile, taken one by one in a clean environment: without an engine that is all of the image that can be tried."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_ROOT

WHEELS = PROJECT_ROOT / "data" / "build" / "wheels"
NOT_TAKEN = ("FROM", "EXPOSE", "VOLUME", "USER")
"""Of the engine: the Python of this machine stands for the base image, and nobody changes who they are."""
OF_ROOT = ("useradd", "chown")


@dataclass
class Image:
    """A folder with /app and /data in it, an environment of its own, and what ENV and CMD said."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)

    def here(self, text: str) -> str:
        """A text of the image with its paths as they are on this machine."""
        return re.sub(r"(?<![\w.])/(app|data)(?=/|\s|$|\")", rf"{self.root}/\1", text)

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of this project's own environment, no index of packages, and root's commands that do nothing."""
        path = [self.root / "venv" / "bin", self.root / "nothing"]
        return {
            "PATH": os.pathsep.join([*map(str, path), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self.root),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(WHEELS),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        } | {name: self.here(value) for name, value in self.variables.items()}

    def run(self, command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-ec", self.here(command)],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.root / "app",
            env=self.environment | more,
        )


def instructions() -> Iterator[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", (PROJECT_ROOT / "deploy" / "Dockerfile").read_text())
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    if not WHEELS.exists():
        pytest.skip("what the image installs is not at hand: `make image` fetches it")
    made = Image(tmp_path_factory.mktemp("image"))
    for folder in ("app", "data", "nothing"):
        (made.root / folder).mkdir()
    for name in OF_ROOT:
        command = made.root / "nothing" / name
        command.write_text("#!/bin/sh\n")
        command.chmod(0o755)
    subprocess.run([sys.executable, "-m", "venv", str(made.root / "venv")], check=True)
    for word, rest in instructions():
        if word == "COPY":
            *sources, target = rest.split()
            copied(made.root / "app", sources, target)
        elif word == "ENV":
            made.variables |= dict(one.split("=", 1) for one in shlex.split(rest))
        elif word == "RUN":
            done = made.run(rest)
            assert done.returncode == 0, f"RUN {rest}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
        elif word == "CMD":
            made.command = shlex.split(rest.strip("[]").replace(",", " "))
        elif word == "WORKDIR":
            assert rest == "/app"
        else:
            assert word in NOT_TAKEN, word
    return made


def copied(app: Path, sources: list[str], target: str) -> None:
    """What git has of them: a build from a clean clone has no more."""
    for source in sources:
        tracked = subprocess.run(["git", "ls-files", source], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT).stdout
        assert tracked, source
        for file in tracked.splitlines():
            place = app / target / file.removeprefix(source).lstrip("/") if file != source else app / target
            if target.endswith("/"):
                place = app / file
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT_ROOT / file, place)


@pytest.mark.slow
def test_the_image_runs_the_whole_index_with_what_it_installs_and_nothing_else(image: Image) -> None:
    where = image.run("python -c 'import orchestration, dagster; print(orchestration.__file__, dagster.__file__)'").stdout.split()
    assert [Path(file).is_relative_to(image.root) for file in where] == [True, True]
    assert (image.root / "data" / "dagster" / "dagster.yaml").read_text() == (
        PROJECT_ROOT / "deploy" / "dagster.yaml"
    ).read_text()
    done = image.run("asc run", ASC_REPLICATIONS="200", ASC_SENSITIVITY_SAMPLES="256", DAGSTER_HOME=str(image.root / "history"))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert (image.root / "data" / "releases" / "current" / "site" / "index.html").exists()
    assert image.run("asc verify").returncode == 0
    assert sorted(p.name for p in (image.root / "app" / "data").iterdir()) == [
        "figures"
    ]  # nothing that a run writes lies in the image


@pytest.mark.slow
def test_its_command_answers_as_the_code_location(image: Image) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = str(held.getsockname()[1])
    assert image.command[:3] == ["dagster", "code-server", "start"]
    command = [{"0.0.0.0": "127.0.0.1", "4000": port}.get(word, word) for word in image.command]
    with subprocess.Popen(command, cwd=image.root / "app", env=image.environment, stderr=subprocess.DEVNULL) as server:
        try:
            end = time.monotonic() + 120
            while (asked := image.run(f"dagster api grpc-health-check -p {port}")).returncode and time.monotonic() < end:
                assert server.poll() is None
                time.sleep(1)
            assert asked.returncode == 0, asked.stderr[-2000:]
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:  # it waits a minute for calls that it has open
                server.kill()
