"""How quick the command line is, as ratios: whole processes, the command beside the least that could do the same, turn by turn.

python -m tests.benchmarks.terminal     # needs a release
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from orchestration.publication.release import current_release
from orchestration.settings import PROJECT_ROOT, get_settings

TURNS = 11
ASC = str(Path(sys.executable).parent / "asc")


def seconds(command: list[str]) -> float:
    """Of one whole process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=PROJECT_ROOT)
    return time.perf_counter() - began


def pair(command: list[str], least: list[str]) -> tuple[float, float, float]:
    """Medians of both and the median of the ratios of each turn; the first turn is not counted."""
    turns = [(seconds(command), seconds(least)) for _ in range(TURNS + 1)][1:]
    own, other = zip(*turns, strict=True)
    return statistics.median(own), statistics.median(other), statistics.median(a / b for a, b in turns)


def main() -> None:
    release = current_release(get_settings())
    query = (
        "select r.*, u.rank_p05, u.rank_p95 from marts.productivity_ranking r left join marts.rank_uncertainty u "
        "on r.definition_id = u.definition_id and r.financial_year = u.financial_year and r.area_code = u.area_code "
        "and u.uncertainty_of = 'both' where r.definition_id = 'default' and r.financial_year = '2024-25' order by r.rank"
    )
    least_query = f"import duckdb, rich.table; duckdb.connect({str(release / 'asc.duckdb')!r}, read_only=True).execute({query!r}).fetchall()"
    python = [sys.executable, "-c"]
    rows = [
        ("asc --help", "import typer, rich", 3.0, pair([ASC, "--help"], [*python, "import typer, rich.console"])),
        ("asc ranking", "duckdb and rich, the same query", 2.0, pair([ASC, "ranking"], [*python, least_query])),
        ("asc council Leeds", "duckdb and rich, one query", None, pair([ASC, "council", "Leeds"], [*python, least_query])),
        ("asc --help", "python -c pass", None, pair([ASC, "--help"], [*python, "pass"])),
    ]
    print(f"{'command':<20}{'beside':<34}{'s':>7}{'s':>7}{'ratio':>8}  bar")
    for command, beside, bar, (own, other, ratio) in rows:
        print(f"{command:<20}{beside:<34}{own:>7.2f}{other:>7.2f}{ratio:>8.2f}  {'' if bar is None else f'at most {bar:g}'}")


if __name__ == "__main__":
    main()
