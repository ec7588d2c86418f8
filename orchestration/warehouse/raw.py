"""The warehouse's raw schema: published figures, editions and reference tables loaded into the DuckDB file that dbt builds on.

What belongs here: moving tables into DuckDB unchanged. What does not: any rule about what a figure means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from orchestration.figures import EDITION_COLUMNS, FIGURE_COLUMNS, REFERENCE_TABLES, header_of, read_table
from orchestration.settings import Settings
from orchestration.warehouse.connection import connect
from orchestration.warehouse.quarantine import QUARANTINE_COLUMNS, set_aside
from orchestration.warehouse.workbench import new_build, put_in_work

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from orchestration.acquisition.gather import Gathered

FINGERPRINT: Final = (
    "select count(*) as figures, coalesce(sum(hash(f)::hugeint), 0)::varchar as fingerprint from raw.figures as f"
)
"""Number of raw figures and a sum of hashes of whole rows: the same in any order, another when one cell changes."""


class ChangedError(RuntimeError):
    """The figures in the workbench are not those that were gathered."""


USER_TABLES: Final = {
    "index_definitions": (
        "definition_id",
        "definition_name",
        "weight_set",
        "normalisation",
        "winsorise_lower",
        "winsorise_upper",
        "scale_low",
        "scale_high",
        "scale_centre",
        "scale_spread",
        "domain_aggregation",
        "outcome_aggregation",
        "min_domain_coverage",
        "min_year_coverage",
        "min_comparable_weight",
        "spend_basis",
        "k",
        "window_years",
        "description",
        "min_domain_measures",
        "combination",
        "doubtful_figures",
    ),
    "domain_weights": ("weight_set", "domain_id", "weight"),
    "measure_weights": ("weight_set", "measure_id", "weight"),
}
"""Files a user may keep in ASC_DEFINITIONS_DIR, with the columns of the seeds of the same name."""

USER_DEFAULTS: Final = {"min_domain_measures": "4", "combination": "ratio", "doubtful_figures": "withhold"}
"""Columns of index_definitions that a user may leave out: what the definition `default` has."""


def user_definitions(settings: Settings) -> dict[str, pd.DataFrame]:
    """A user's own definitions and weights as text, empty where there are none; what they mean is judged in the warehouse.

    FileNotFoundError if the folder is set and holds no definitions; ValueError names a file and the columns it lacks.
    """
    import pandas as pd

    tables = {}
    for name, columns in USER_TABLES.items():
        frame = pd.DataFrame(columns=list(columns), dtype=str)
        path = settings.definitions_dir / f"{name}.csv" if settings.definitions_dir else None
        if path is not None and path.exists():
            frame = read_table(path)
            left_out = {c: value for c, value in USER_DEFAULTS.items() if c in columns and c not in frame.columns}
            frame = frame.assign(**left_out)
            missing = [c for c in columns if c not in frame.columns]
            if missing:
                raise ValueError(f"{path}: column {', '.join(missing)} is missing; expected {', '.join(columns)}.")
        elif path is not None and name == "index_definitions":
            raise FileNotFoundError(f"ASC_DEFINITIONS_DIR is set, but {path} does not exist.")
        tables[f"user_{name.removeprefix('index_')}"] = frame[list(columns)]
    return tables


def raw_columns(settings: Settings) -> dict[str, list[str]]:
    """Columns of each table of schema raw, in order, as `load_raw` makes them."""
    return {
        "figures": [*FIGURE_COLUMNS, "provenance"],
        "editions": list(EDITION_COLUMNS),
        "quarantine": list(QUARANTINE_COLUMNS),
        **{name: header_of(settings.figures_dir / f"{name}.csv") for name in REFERENCE_TABLES},
        **{f"user_{name.removeprefix('index_')}": list(columns) for name, columns in USER_TABLES.items()},
    }


def load_raw(settings: Settings, gathered: Gathered | None = None) -> Mapping[str, int]:
    """Begin a new warehouse that holds the raw schema and nothing else; return rows by table. Without `gathered`, of the embedded figures.

    The build has a folder of its own and is put in work when whole, so a failure leaves the last build as it was. `raw.load` keeps the
    fingerprint of the figures, `raw.quarantine` those that break a rule. Raises what `read_figures` and `set_aside` raise, and
    FileNotFoundError for a missing table.
    """
    from orchestration.acquisition.gather import embedded

    gathered = gathered or embedded(settings.figures_dir)
    tables: dict[str, pd.DataFrame] = {"figures": gathered.figures, "editions": gathered.editions}
    for name in REFERENCE_TABLES:
        tables[name] = read_table(settings.figures_dir / f"{name}.csv")

    tables |= user_definitions(settings)

    folder = new_build(settings)
    with connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("create schema raw")
        for name, frame in tables.items():
            connection.register("frame", frame)
            connection.execute(f'create table raw."{name}" as select * from frame')
            connection.unregister("frame")
        connection.execute(f"create table raw.load as {FINGERPRINT}")
        results = set_aside(settings, connection, folder)
    put_in_work(settings, folder)
    return {name: len(frame) for name, frame in tables.items()} | {
        "quarantine": sum(len(failure.rows) for result in results for failure in result.set_aside)
    }


def fingerprints(settings: Settings) -> dict[str, str]:
    """A fingerprint of the rows of each raw table of the build in work, whatever their order."""
    with connect(str(settings.warehouse_path), read_only=True) as connection:
        found = {
            table: connection.execute(f'select count(*), coalesce(sum(hash(t)::hugeint), 0) from raw."{table}" as t').fetchone()
            for table in raw_columns(settings)
        }
    return {table: f"{row[0]}-{row[1]:x}" for table, row in found.items() if row}


def assert_unchanged(connection: duckdb.DuckDBPyConnection) -> None:
    """ChangedError unless the raw figures are those that `load_raw` wrote: somebody else may have written to the workbench."""
    then, now = (connection.execute(sql).fetchone() for sql in ("select figures, fingerprint from raw.load", FINGERPRINT))
    if then != now:
        raise ChangedError(
            f"The figures in the workbench are not those that were gathered: {then[0] if then else 0:,} were loaded, {now[0] if now else 0:,} "
            "are there, and their fingerprints differ. Another program wrote to it; run again."
        )
