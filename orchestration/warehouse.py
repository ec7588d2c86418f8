"""The warehouse's raw schema: published figures, editions and reference tables loaded into the DuckDB file that dbt builds on.

What belongs here: moving tables into DuckDB unchanged. What does not: any rule about what a figure means.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pandas as pd

from orchestration.figures import REFERENCE_TABLES, figure_files, read_figures, read_table
from orchestration.settings import Settings


def load_raw(settings: Settings) -> Mapping[str, int]:
    """Begin a new warehouse that holds the raw schema and nothing else; return rows by table.

    The file is built aside and renamed, so a failure leaves the last build as it was. Raises what `read_figures` raises, and
    FileNotFoundError for a missing table.
    """
    figures = pd.concat([read_figures(path) for path in figure_files(settings.figures_dir)], ignore_index=True)
    tables: dict[str, pd.DataFrame] = {"figures": figures.assign(provenance="embedded")}
    for name in ("editions", *REFERENCE_TABLES):
        tables[name] = read_table(settings.figures_dir / f"{name}.csv")

    settings.build_dir.mkdir(parents=True, exist_ok=True)
    aside = settings.warehouse_path.with_suffix(".part")
    aside.unlink(missing_ok=True)
    with duckdb.connect(str(aside)) as connection:
        connection.execute("create schema raw")
        for name, frame in tables.items():
            connection.register("frame", frame)
            connection.execute(f'create table raw."{name}" as select * from frame')
            connection.unregister("frame")
    aside.replace(settings.warehouse_path)
    return {name: len(frame) for name, frame in tables.items()}
