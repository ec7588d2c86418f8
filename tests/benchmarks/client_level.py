"""Made-up events of persons in the shape of client-level records, and how long they take to roll up."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import duckdb

from orchestration.client_level.roll_up import in_duckdb

AREAS = 153
EVENTS_A_PERSON = 10
"""What a person has on average: requests, assessments, services, reviews."""


def make_events(place: Path, events: int, areas: int = AREAS) -> Path:
    """A Parquet file of that many events over three years; the same each time. About a tenth are open, and a person has one council."""
    place.mkdir(parents=True, exist_ok=True)
    file = place / "events.parquet"
    persons = max(events // EVENTS_A_PERSON, 1)

    def chosen(name: str, salt: int, choices: tuple[str | None, ...], of: str = "i") -> str:
        listed = ", ".join("null" if choice is None else f"'{choice}'" for choice in choices)
        return f"list_extract([{listed}], 1 + (hash({of} * 31 + {salt}) % {len(choices)})::int) as {name}"

    with duckdb.connect() as db:
        db.execute(
            f"""
            copy (
                with numbered as (select i, (hash(i * 31 + 1) % {persons})::bigint as person_id from range({events}) t(i))
                select 'E' || lpad((hash(person_id * 7) % {areas})::varchar, 8, '0') as area_code, person_id,
                    {chosen("age_band", 2, ("18_to_64", "65_and_over", "65_and_over"), "person_id")},
                    {chosen("event_type", 3, ("service", "service", "assessment", "review", "request"))},
                    {chosen("service_type", 4, ("long_term_community", "long_term_community", "long_term_care_home", "short_term_to_maximise_independence"))},
                    {chosen("delivery_mechanism", 5, ("direct_payment", "personal_budget", "commissioned", None))},
                    {chosen("accommodation_status", 6, ("own_home", "care_home", None))},
                    {chosen("outcome", 7, ("no_further_support", "lower_support", "long_term_support", None))},
                    date '2022-04-01' + (hash(i * 31 + 8) % 1095)::int as event_start,
                    case when hash(i * 31 + 9) % 10 > 0 then date '2022-04-01' + (hash(i * 31 + 8) % 1095)::int + (hash(i * 31 + 10) % 400)::int end as event_end
                from numbered
            ) to '{file}' (format parquet, row_group_size 1000000)
            """
        )
    return file


def seconds_of_duckdb(events: int) -> float:
    """Of rolling that many events up. RuntimeError if nothing came of it."""
    with tempfile.TemporaryDirectory() as made:
        file = make_events(Path(made), events)
        began = time.perf_counter()
        rolled = in_duckdb(file, "2024-25")
        took = time.perf_counter() - began
    if len(rolled) != 6 * AREAS:
        raise RuntimeError(f"{len(rolled)} rows of {6 * AREAS}: the time would be of something else")
    return took
