"""A new year, as docs/adding_a_year.md has it: two blocks of YAML, three files, two runs. Outcomes come first and spend later, as every autumn.

The files are made from the newest real ones, moved on by a year. All is done in a copy of the project, by its own commands.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from orchestration.readers.cells import open_workbook
from orchestration.settings import PROJECT_ROOT

ASCOF = """  2025-26:
    financial_year: 2025-26
    title: Measures from the Adult Social Care Outcomes Framework, England, 2025 to 2026
    content_path: /government/statistics/measures-from-the-adult-social-care-outcomes-framework-england-2025-to-2026
    title_pattern: (?i)outcome.and.demographic.data.*\\.ods
    file: ascof_2025_26.ods
    layout: index_series
    expected_figures: 5000
"""
POPULATION = """  mid-2025:
    financial_year: 2025-26
    title: Estimates of the population for England and Wales, mid-2025
    file: mye25tablesew.xlsx
    layout: single_years_of_age
    options:
      year: 2025
    expected_figures: 300
"""
NEW_CODES = {"E08000016": "E08000038", "E08000019": "E08000039"}
Rows = list[list[Any]]
GREW = 1.02
"""Numbers that are another year's own are refused as that year's file, so those of the new year differ."""


def moved_on(path: Path, target: Path, change: Callable[[str, Rows], Rows], sheet_name: Callable[[str], str] = str) -> None:
    """The workbook with the rows of each sheet as `change` makes them, as xlsx."""
    book, made = open_workbook(path.read_bytes()), openpyxl.Workbook(write_only=True)
    for name in book.sheet_names:
        sheet = made.create_sheet(sheet_name(name))
        for row in change(name, book.rows(name)):
            sheet.append([NEW_CODES.get(c, c) if isinstance(c, str) else c for c in row])
    made.save(target)


def _grown(cell: Any) -> Any:
    return cell * GREW if isinstance(cell, float) else cell


def outcomes(name: str, rows: Rows) -> Rows:
    """A year more in each table: its columns after the last, outcomes and numerators a little less; Dorset under its own code alone."""
    if not name.startswith("Table_"):
        return rows
    head = next(n for n, row in enumerate(rows) if str(row[0]).lower() == "local authority code")
    last = [c for c, heading in enumerate(rows[head]) if str(heading).startswith("2024 to 2025")]
    has_dorset = any("E06000059" in row for row in rows)
    moved = []
    for n, row in enumerate(rows):
        new = [row[c].replace("2024 to 2025", "2025 to 2026") if isinstance(row[c], str) else row[c] for c in last]
        if n > head:
            lower = [str(rows[head][c]).endswith(("outcome", "numerator")) for c in last]
            new = [c / GREW if low and isinstance(c, float) else c for c, low in zip(new, lower, strict=True)]
        cells = row
        if "E10000009" in row and has_dorset:
            new = ["[z]" for _ in new]
        elif "E10000009" in row:
            cells = ["E06000059" if c == "E10000009" else c for c in row]
        # the one total of the real file that its regions do not make
        moved.append([30785.0 if c == 32015 else c for c in [*cells, *(new if n >= head else [])]])
    return moved


def residents(name: str, rows: Rows) -> Rows:
    said = [[re.sub(r"(?i)(mid)-2023", r"\1-2025", c) if isinstance(c, str) else c for c in row] for row in rows]
    return [[_grown(c) for c in row] for row in said] if name.startswith("MYE2") else said


def spend(_: str, rows: Rows) -> Rows:
    said = [
        [c.replace("2024-25", "2025-26").replace("202425", "202526") if isinstance(c, str) else c for c in row] for row in rows
    ]
    return [[_grown(c) for c in row] for row in said]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in a folder of its own, without what it built."""
    folder = tmp_path_factory.mktemp("next_year") / "project"
    left_out = shutil.ignore_patterns(
        ".git", ".venv", "build", "releases", "raw", ".dagster", "__pycache__", ".*_cache", ".hypothesis"
    )
    shutil.copytree(PROJECT_ROOT, folder, ignore=left_out)
    (folder / ".dagster").mkdir()
    if (PROJECT_ROOT / ".dagster" / "dagster.yaml").exists():
        shutil.copy(PROJECT_ROOT / ".dagster" / "dagster.yaml", folder / ".dagster")
    return folder


def asc(project: Path, *words: str) -> str:
    """One command of the copy; its standard output."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ASC_", "DAGSTER_", "PYTEST_"))}
    environment = kept | {
        "PYTHONPATH": str(project),
        "DAGSTER_HOME": str(project / ".dagster"),
        "ASC_REPLICATIONS": "256",
        "ASC_SENSITIVITY_SAMPLES": "256",
        "ASC_MIRROR": str(project / "nothing"),
        "COLUMNS": "160",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from orchestration.cli.app import main; main()", *words],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def asked(project: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project / "data" / "releases" / "current" / "asc.duckdb"), read_only=True) as db:
        return db.execute(sql).fetchall()


RANKED = """
    select definition_id, count(rank) from marts.productivity_ranking
    where financial_year = '2025-26' and definition_id in ('default', 'outcomes_only') group by 1 order by 1
"""


@pytest.mark.slow
def test_a_year_is_added_piece_by_piece(copy: Path, given_data: Path) -> None:
    published = given_data / "publisher"
    for source, block in (("ascof", ASCOF), ("population", POPULATION)):
        path = copy / "orchestration" / "sources" / f"{source}.yaml"
        path.write_text(path.read_text(encoding="utf-8") + block, encoding="utf-8")
    moved_on(published / "ascof" / "ascof_2024_25.ods", copy / "ascof_2025_26.ods", outcomes)
    moved_on(published / "population" / "mye23tablesew.xlsx", copy / "mye25tablesew.xlsx", residents)
    moved_on(
        published / "revenue_outturn" / "RO3_2024-25.ods",
        copy / "RO3_2025-26.ods",
        spend,
        lambda name: name.replace("202425", "202526"),
    )
    (copy / "nothing").mkdir()

    assert "taken in as population mid-2025" in asc(
        copy, "import", "mye25tablesew.xlsx", "--source", "population", "--year", "2025-26"
    )
    assert "taken in as ascof 2025-26" in asc(copy, "import", "ascof_2025_26.ods", "--source", "ascof", "--year", "2025-26")
    asc(copy, "run", "--data", "publishers")
    ranked = dict(asked(copy, RANKED))
    assert ranked["default"] == 0
    assert ranked["outcomes_only"] >= 145
    assert dict(asked(copy, RANKED.replace("2025-26", "2024-25")))["default"] >= 140
    ((provisional, missing, by),) = asked(
        copy, "select is_provisional, what_is_missing, ranked_by from marts.dim_financial_year where financial_year = '2025-26'"
    )
    assert (provisional, by) == (True, "outcomes_only")
    assert "have spend on this basis" in missing
    assert "Provisional." in asc(copy, "ranking", "--year", "2025-26")

    assert "taken in as revenue_outturn 2025-26" in asc(
        copy, "import", "RO3_2025-26.ods", "--source", "revenue_outturn", "--year", "2025-26", "--edition", "2025-26"
    )
    asc(copy, "run", "--data", "publishers")
    ranked = dict(asked(copy, RANKED))
    assert ranked["default"] >= 140
    figures = asked(
        copy,
        "select value from marts.fct_published_figure where financial_year = '2025-26' and area_code = 'E08000035' "
        "and item = 'ro3_asctot_net_current_expenditure'",
    )
    last = asked(
        copy,
        "select value from marts.fct_published_figure where financial_year = '2024-25' and area_code = 'E08000035' "
        "and item = 'ro3_asctot_net_current_expenditure'",
    )
    assert len(figures) == 1
    assert figures[0][0] == pytest.approx(last[0][0] * GREW)
