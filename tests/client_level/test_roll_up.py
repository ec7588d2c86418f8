"""Events of persons rolled up to measures: against an independent calculation, and by Spark exactly as by DuckDB."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from orchestration.client_level.roll_up import Rolled, RollUpError, in_duckdb, statement
from orchestration.settings import PROJECT_ROOT
from tests.benchmarks.client_level import make_events

YEAR, BEGINS, ENDS = "2024-25", pd.Timestamp("2024-04-01"), pd.Timestamp("2025-03-31")
EVENTS = int(os.environ.get("ASC_EVENTS", "300000"))
"""How many events Spark and DuckDB are held against each other on; 50,000,000 is what was tried by hand."""


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_events(tmp_path_factory.mktemp("events"), EVENTS)


def by_hand(frame: pd.DataFrame) -> Rolled:
    """The measures in pandas, person by person."""
    frame = frame.assign(event_start=pd.to_datetime(frame["event_start"]), event_end=pd.to_datetime(frame["event_end"]))
    services = frame[frame["event_type"] == "service"]
    lasting = services[services["service_type"].isin(["long_term_community", "long_term_care_home"])]
    now = lasting[(lasting["event_start"] <= ENDS) & (lasting["event_end"].isna() | (lasting["event_end"] > ENDS))]
    found: list[tuple[str, str, int, int | None]] = []
    for area, rows in now.groupby("area_code"):
        persons = [person for _, person in rows.groupby("person_id")]
        young = [p for p in persons if (p["age_band"] == "18_to_64").any()]
        old = [p for p in persons if not (p["age_band"] == "18_to_64").any()]
        outside = [p for p in persons if (p["service_type"] == "long_term_community").any()]
        direct = sum((p["delivery_mechanism"] == "direct_payment").any() for p in outside)
        own = sum(p["delivery_mechanism"].isin(["direct_payment", "personal_budget"]).any() for p in outside)
        found += [
            (str(area), "direct_payments", int(direct), len(outside)),
            (str(area), "self_directed", int(own), len(outside)),
            (str(area), "settled_home_18", int(sum((p["accommodation_status"] == "own_home").any() for p in young)), len(young)),
            (
                str(area),
                "community_support_65",
                int(sum((p["service_type"] == "long_term_community").any() for p in old)),
                len(old),
            ),
        ]
    short = services[
        (services["service_type"] == "short_term_to_maximise_independence") & services["event_end"].between(BEGINS, ENDS)
    ]
    last = short.sort_values(["event_end", "event_start"], ascending=False, kind="stable")
    for area, rows in last.groupby("area_code"):
        outcomes = []
        for _, person in rows.groupby("person_id", sort=False):
            top = person[
                (person["event_end"] == person["event_end"].iloc[0]) & (person["event_start"] == person["event_start"].iloc[0])
            ]
            outcomes.append(min((o for o in top["outcome"] if isinstance(o, str)), default=None))
        found.append(
            (
                str(area),
                "independent_after_short_term",
                sum(o in ("no_further_support", "lower_support") for o in outcomes),
                len(outcomes),
            )
        )
    admitted = services[(services["service_type"] == "long_term_care_home") & services["event_start"].between(BEGINS, ENDS)]
    for area, rows in admitted.groupby("area_code"):
        older = sum((person["age_band"] == "65_and_over").any() for _, person in rows.groupby("person_id"))
        found.append((str(area), "care_home_admissions_65", int(older), None))
    return sorted(found)


def test_measures_are_those_of_an_independent_calculation(tmp_path: Path) -> None:
    file = make_events(tmp_path, 30_000, areas=7)
    with duckdb.connect() as db:
        frame = db.execute(f"from read_parquet('{file}')").df()
    rolled = in_duckdb(file, YEAR)
    assert len(rolled) == 6 * 7
    assert rolled == by_hand(frame)


def test_a_person_counts_once_and_only_while_support_lasts(tmp_path: Path) -> None:
    """Two services of one person are one person; what ended on the last day is over; another year's and a request are none."""
    columns = (
        "area_code",
        "person_id",
        "age_band",
        "event_type",
        "service_type",
        "delivery_mechanism",
        "accommodation_status",
        "outcome",
        "event_start",
        "event_end",
    )
    lasting = ("long_term_community", "direct_payment", "own_home", None)
    rows = [
        ("E1", 1, "18_to_64", "service", *lasting, dt.date(2024, 5, 1), None),
        (
            "E1",
            1,
            "18_to_64",
            "service",
            "long_term_community",
            "commissioned",
            "own_home",
            None,
            dt.date(2023, 5, 1),
            dt.date(2026, 1, 1),
        ),
        ("E1", 2, "18_to_64", "service", *lasting, dt.date(2024, 5, 1), dt.date(2025, 3, 31)),
        ("E1", 3, "18_to_64", "service", *lasting, dt.date(2025, 4, 1), None),
        ("E1", 4, "18_to_64", "request", *lasting, dt.date(2024, 5, 1), None),
        ("E1", 5, "65_and_over", "service", "long_term_care_home", None, "care_home", None, dt.date(2024, 4, 1), None),
    ]
    pd.DataFrame(rows, columns=columns).to_parquet(tmp_path / "events.parquet")
    rolled = {measure: (n, d) for _, measure, n, d in in_duckdb(tmp_path / "events.parquet", YEAR)}
    assert rolled == {
        "direct_payments": (1, 1), "self_directed": (1, 1), "settled_home_18": (1, 1), "community_support_65": (0, 1),
        "care_home_admissions_65": (1, None),
    }  # fmt: skip


def test_a_missing_column_and_a_wrong_year_are_sentences(tmp_path: Path) -> None:
    pd.DataFrame({"area_code": ["E1"]}).to_parquet(tmp_path / "events.parquet")
    with pytest.raises(RollUpError, match=r"the events have no column person_id, age_band.*; they have area_code"):
        in_duckdb(tmp_path / "events.parquet", YEAR)
    with pytest.raises(ValueError, match="'2024' is no financial year such as 2024-25"):
        statement("events", "2024")


SPARK = PROJECT_ROOT / ".venv-spark" / "bin" / "python"


def on_spark(*words: str) -> subprocess.CompletedProcess[str]:
    """A cluster of two workers in processes of their own, on this machine; its own Python, as `make spark` installs it."""
    if not SPARK.exists() or shutil.which("java") is None:
        pytest.skip("Spark, or Java that it runs on, is not installed: make spark")
    return subprocess.run(
        [str(SPARK), "-m", "orchestration.client_level.spark", *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT_ROOT,
    )


@pytest.mark.slow
def test_spark_gives_what_duckdb_gives(events: Path) -> None:
    ours = in_duckdb(events, YEAR)
    assert len(ours) == 6 * 153
    done = on_spark(str(events), YEAR)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [tuple(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("[")] == ours


@pytest.mark.slow
def test_events_without_a_column_are_a_sentence_on_spark_too(tmp_path: Path) -> None:
    pd.DataFrame({"area_code": ["E1"]}).to_parquet(tmp_path / "events.parquet")
    done = on_spark(str(tmp_path / "events.parquet"), YEAR)
    assert done.returncode == 1
    assert "the events have no column person_id" in done.stderr
