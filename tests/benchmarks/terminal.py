"""How quick the command line is, as ratios: whole processes, the command beside the least that could do the same, turn by turn.

python -m tests.benchmarks.terminal     # needs a release
"""

from __future__ import annotations

import sys
from pathlib import Path

from orchestration.publication.release import current_release
from orchestration.settings import get_settings
from tests.benchmarks.ratios import Ratio, paired, python, report, seconds

TURNS = 11
ASC = str(Path(sys.executable).parent / "asc")


def beside(name: str, what: str, command: list[str], least: list[str], bar: float | None = None) -> Ratio:
    """A command beside the least that could do the same."""
    return paired(name, what, lambda: seconds(command), lambda: seconds(least), bar, TURNS)


def main() -> None:
    release = current_release(get_settings())
    query = (
        "select r.*, u.rank_p05, u.rank_p95 from marts.productivity_ranking r left join marts.rank_uncertainty u "
        "on r.definition_id = u.definition_id and r.financial_year = u.financial_year and r.area_code = u.area_code "
        "and u.uncertainty_of = 'both' where r.definition_id = 'default' and r.financial_year = '2024-25' order by r.rank"
    )
    least_query = f"import duckdb, rich.table; duckdb.connect({str(release / 'asc.duckdb')!r}, read_only=True).execute({query!r}).fetchall()"
    in_a_table = (
        f"import duckdb; from rich.console import Console; from rich.table import Table; table = Table(); "
        f"rows = duckdb.connect({str(release / 'asc.duckdb')!r}, read_only=True).execute({query!r}).fetchall(); "
        "[table.add_column(str(n)) for n in range(9)]; [table.add_row(*map(str, row[:9])) for row in rows]; Console(width=140).print(table)"
    )
    report(
        [
            beside("asc --help", "import typer, rich", [ASC, "--help"], python("import typer, rich.console"), 3),
            beside("asc ranking", "duckdb and rich, the same query", [ASC, "ranking"], python(least_query), 2),
            beside("asc ranking", "the same, printed as a table", [ASC, "ranking"], python(in_a_table)),
            beside("asc council Leeds", "duckdb and rich, one query", [ASC, "council", "Leeds"], python(least_query)),
            beside("asc --help", "python -c pass", [ASC, "--help"], python("pass")),
        ],
        "terminal",
    )


if __name__ == "__main__":
    main()
