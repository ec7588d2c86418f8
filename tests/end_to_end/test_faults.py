"""Ordinary faults, each tried with the command a user types: the disk is full, a folder is read-only or another's, links stand where folders
should, a run is going on. A sentence that says where and what to do, no traceback, and the release before answers as it did.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from orchestration.publication.release import publish
from orchestration.settings import PROJECT_ROOT
from orchestration.warehouse.workbench import LOCK
from tests.conftest import Released

ASC = Path(sys.executable).parent / "asc"


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own in `folder`, for as long as the block."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"file systems cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def places(released: Released, tmp_path: Path) -> dict[str, str]:
    """Folders of a user with a release: the build is to come, `current` is the whole run's."""
    releases = tmp_path / "releases"
    releases.mkdir()
    name = released.release.name
    subprocess.run(["cp", "-r", "--preserve", str(released.release), str(releases / name)], check=True)
    (releases / "current").symlink_to(name, target_is_directory=True)
    return {
        "ASC_BUILD_DIR": str(tmp_path / "build"),
        "ASC_RELEASES_DIR": str(releases),
        "DAGSTER_HOME": str(tmp_path / "dagster"),
        "ASC_REPLICATIONS": "200",
        "ASC_SENSITIVITY_SAMPLES": "256",
    }


def run(places: dict[str, str], *words: str, as_nobody: bool = False) -> subprocess.CompletedProcess[str]:
    """`asc` as a user would; `as_nobody` as one who owns nothing here."""
    who = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if as_nobody and os.geteuid() == 0 else []
    return subprocess.run(
        [*who, str(ASC), *words],
        env={**os.environ, **places, "HOME": str(Path(places["DAGSTER_HOME"]).parent)},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def first_ten(places: dict[str, str]) -> list[tuple[object, ...]]:
    with duckdb.connect(str(Path(places["ASC_RELEASES_DIR"]) / "current" / "asc.duckdb"), read_only=True) as db:
        return db.execute("select area_code, rank from marts.latest_ranking order by rank limit 10").fetchall()


def is_a_sentence(done: subprocess.CompletedProcess[str], *said: str) -> None:
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1, told[-2000:]
    assert "Traceback" not in told, told[-3000:]
    for words in said:
        assert words in told, told[-2000:]


@pytest.mark.parametrize("megabytes", [4, 40])
def test_a_full_disk_under_the_build(places: dict[str, str], megabytes: int) -> None:
    """Too small for dbt's project; large enough for that and too small for the figures."""
    before = first_ten(places)
    with mounted(Path(places["ASC_BUILD_DIR"]), f"size={megabytes}m"):
        done = run(places, "run", "--again")
    is_a_sentence(done, "disk is full", "make room")
    assert first_ten(places) == before


def test_a_full_disk_under_the_releases(released: Released, places: dict[str, str], tmp_path: Path) -> None:
    """Room for the release that is there and not for another: it stays, whole, and nothing of the other is left."""
    taken = int(
        subprocess.run(["du", "-sm", places["ASC_RELEASES_DIR"]], capture_output=True, text=True, check=True).stdout.split()[0]
    )
    with mounted(tmp_path / "small", f"size={taken + 60}m"):
        subprocess.run(["cp", "-r", "--preserve", places["ASC_RELEASES_DIR"], str(tmp_path / "small")], check=True)
        small = {**places, "ASC_RELEASES_DIR": str(tmp_path / "small" / "releases")}
        held = released.settings.model_copy(update={"releases_dir": Path(small["ASC_RELEASES_DIR"])})
        before = first_ten(small)
        manifest = held.releases_dir / "current" / "manifest.json"
        manifest.write_text(
            manifest.read_text().replace('"content_sha256": "', '"content_sha256": "0')
        )  # so that it is made anew
        manifest.write_text(manifest.read_text().replace('"descriptions_sha256": "', '"descriptions_sha256": "0'))
        with pytest.raises((OSError, duckdb.Error)) as stopped:
            publish(held)
        assert "space" in str(stopped.value).lower()
        assert first_ten(small) == before
        assert not list(held.releases_dir.glob(".part-*"))


@pytest.mark.parametrize("which", ["ASC_BUILD_DIR", "ASC_RELEASES_DIR", "DAGSTER_HOME"])
def test_a_folder_that_is_read_only(places: dict[str, str], tmp_path: Path, which: str) -> None:
    with mounted(tmp_path / "other", "size=900m"):
        if which == "ASC_RELEASES_DIR":
            subprocess.run(["cp", "-r", "--preserve", places[which], str(tmp_path / "other")], check=True)
            places |= {which: str(tmp_path / "other" / "releases")}
        else:
            places |= {which: str(tmp_path / "other")}
        before = first_ten(places)
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "other")], check=True)
        is_a_sentence(run(places, "run", "--again"), "read-only", "name a folder that is not")
        assert first_ten(places) == before


@pytest.mark.parametrize("which", ["ASC_BUILD_DIR", "DAGSTER_HOME"])
def test_a_folder_that_belongs_to_somebody_else(places: dict[str, str], tmp_path: Path, which: str) -> None:
    """All other folders may be written to; this one may not."""
    for part in (tmp_path, *tmp_path.parents):
        if part.stat().st_uid == os.geteuid() and part != Path("/"):
            part.chmod(part.stat().st_mode | 0o755)
    for name in ("ASC_BUILD_DIR", "ASC_RELEASES_DIR", "DAGSTER_HOME"):
        folder = Path(places[name])
        folder.mkdir(exist_ok=True)
        folder.chmod(0o555 if name == which else 0o777)
    before = first_ten(places)
    is_a_sentence(run(places, "run", "--again", as_nobody=True), "You may not write there", "name another folder")
    assert first_ten(places) == before


def test_a_second_run_is_told_and_may_wait(places: dict[str, str]) -> None:
    lock = Path(places["ASC_BUILD_DIR"]) / LOCK
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("process 1 since 14:05\n")
        file.flush()
        is_a_sentence(run(places, "run", "--again"), "A run is going on: process 1 since 14:05", "asc run --wait")


@pytest.mark.parametrize("what", ["a folder", "a link to nowhere", "a link out of the folder"])
def test_a_pointer_that_is_not_the_projects_own(places: dict[str, str], tmp_path: Path, what: str) -> None:
    """`current` leads to a release of this folder or nowhere: else a sentence, for those who read and for those who publish."""
    pointer = Path(places["ASC_RELEASES_DIR"]) / "current"
    target = pointer.resolve()
    pointer.unlink()
    if what == "a folder":
        pointer.mkdir()
    else:
        elsewhere = tmp_path / "elsewhere"
        if what == "a link out of the folder":
            subprocess.run(["cp", "-r", str(target), str(elsewhere)], check=True)
        pointer.symlink_to(elsewhere, target_is_directory=True)
    done = run(places, "ranking", "--top", "3")
    is_a_sentence(done, "release")
