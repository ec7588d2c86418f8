"""Shared fixtures: settings in a temporary folder, one whole run for all tests that look at its result, and the given data."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from orchestration.cli.run import RunOutcome, run_everything
from orchestration.publication.release import current_release
from orchestration.settings import PROJECT_ROOT, Settings

# Fewer than a release has: tests look at what comes out, and the simulations have tests of their own.
os.environ.setdefault("ASC_REPLICATIONS", "1024")
os.environ.setdefault("ASC_SENSITIVITY_SAMPLES", "256")
GIVEN = Settings().given_data_dir


@pytest.fixture(scope="session")
def given_data() -> Path:
    """Publishers' files; a test that needs them skips where they are not."""
    if not (GIVEN / "publisher").exists():
        pytest.skip(
            f"publishers' files are not here ({GIVEN}); set ASC_GIVEN_DATA_DIR to a folder that holds publisher/ and figures/"
        )
    return GIVEN


LONGEST = (
    "test_wrong_figures.py",
    "test_adding_a_year.py",
    "test_browser.py",
    "test_publishers_run.py",
    "test_publications_at_hand.py",
    "test_publishers_files.py",
)
"""Files that take minutes: they begin first, so that no worker is left alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files in another order; within each nothing moves."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def one(frame: pd.DataFrame, **key: str) -> pd.Series:
    """The single figure with these columns."""
    for column, value in key.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, key
    return frame.iloc[0]


@pytest.fixture(scope="session", autouse=True)
def dagster_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Dagster's history of the tests goes to a folder of its own."""
    home = tmp_path_factory.mktemp("dagster_home")
    shutil.copy(PROJECT_ROOT / ".dagster" / "dagster.yaml", home)
    os.environ["DAGSTER_HOME"] = str(home)
    yield home


@dataclass(frozen=True)
class Released:
    """A whole run on the embedded figures."""

    settings: Settings
    outcome: RunOutcome
    stages_seen: list[str]

    @property
    def release(self) -> Path:
        return current_release(self.settings)

    def connect(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.release / "asc.duckdb"), read_only=True)


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """One run of everything, shared: tests must not change what it made."""
    folder = tmp_path_factory.mktemp("whole_run")
    settings = Settings(build_dir=folder / "build", releases_dir=folder / "releases")
    seen: list[str] = []
    outcome = run_everything(settings, on_stage=lambda s: seen.append(s.name), on_start=lambda _: None)
    assert outcome.succeeded, [f"{s.name}: {s.failure}" for s in outcome.failures]
    return Released(settings, outcome, seen)


@pytest.fixture(scope="session")
def with_user_definitions(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """One run in which a user put definitions and weights of their own beside the project's."""
    folder = tmp_path_factory.mktemp("user_definitions")
    settings = Settings(
        build_dir=folder / "build",
        releases_dir=folder / "releases",
        definitions_dir=PROJECT_ROOT / "tests" / "fixtures" / "definitions",
    )
    seen: list[str] = []
    outcome = run_everything(settings, on_stage=lambda s: seen.append(s.name), on_start=lambda _: None)
    assert outcome.succeeded, [f"{s.name}: {s.failure}" for s in outcome.failures]
    return Released(settings, outcome, seen)
