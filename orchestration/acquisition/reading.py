"""From a file of an edition to figures: the reader its source names, what it is told, and the checks every edition goes through.

The border between bytes of unknown origin and figures: whatever is wrong with a file ends in a LayoutError that names it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd

from orchestration.acquisition.known_errors import known_errors, put_right
from orchestration.figures import FIGURE_COLUMNS, FIGURE_KEY, read_table
from orchestration.readers.activity_and_finance import (
    read_finance_totals_2016_17,
    read_gross_by_year,
    read_tables,
    tables_2021_22,
)
from orchestration.readers.ascof_annex import read_ascof_annex
from orchestration.readers.ascof_open_data import read_ascof_open_data
from orchestration.readers.ascof_time_series import read_index_series
from orchestration.readers.cells import LayoutError
from orchestration.readers.council_table import read_council_table
from orchestration.readers.deflators import read_deflators
from orchestration.readers.delayed_transfers import read_delayed_transfers
from orchestration.readers.deprivation import read_deprivation
from orchestration.readers.discharge_ready_date import read_discharge_ready_date
from orchestration.readers.finance_lines import read_finance_lines
from orchestration.readers.fingertips import read_fingertips
from orchestration.readers.geography import read_area_lookup, read_boundaries, read_code_changes
from orchestration.readers.population import read_nomis_population, read_population
from orchestration.readers.revenue_outturn import read_form, read_many_years, read_summary
from orchestration.readers.salt import Count, read_salt
from orchestration.sources.model import Source


def _read_tables_2021_22(content: bytes) -> pd.DataFrame:
    return pd.concat([read_tables(content, tables_2021_22()), read_gross_by_year(content)], ignore_index=True)


READERS: Final[dict[str, Callable[..., pd.DataFrame]]] = {
    "ascof_annex": read_ascof_annex,
    "ascof_index_series": read_index_series,
    "ascof_open_data": read_ascof_open_data,
    "council_table": read_council_table,
    "deflators": read_deflators,
    "delayed_transfers": read_delayed_transfers,
    "deprivation": read_deprivation,
    "discharge_ready_date": read_discharge_ready_date,
    "finance_lines": read_finance_lines,
    "finance_tables_2021_22": _read_tables_2021_22,
    "finance_totals_2016_17": read_finance_totals_2016_17,
    "fingertips": read_fingertips,
    "nomis_population": read_nomis_population,
    "population": read_population,
    "revenue_outturn_form": read_form,
    "revenue_outturn_many_years": read_many_years,
    "revenue_outturn_summary": read_summary,
    "salt": read_salt,
}
"""Readers of figures by the names that source files use."""

TABLE_READERS: Final[dict[str, Callable[..., pd.DataFrame]]] = {
    "area_lookup": read_area_lookup,
    "boundaries": read_boundaries,
    "code_changes": read_code_changes,
}
"""Readers of reference tables, which hold no figures."""

COUNTS_FILE: Final = "counts.csv"


def read_edition(source: Source, edition: str, content: bytes, name: str, beside: Path | None = None) -> pd.DataFrame:
    """The figures of one edition under its source and name, known errors put right; of a reference source, its table.

    `name` is the file's, for errors; `beside` a folder that may hold what a reader needs besides the file (`counts.csv` of SALT). LayoutError
    names the file and says what was expected and found: another layout, month or year, a mark the layout does not use, a figure twice,
    too few figures.
    """
    described, errors = source.editions[edition], known_errors()
    layout = source.layouts[described.layout]
    try:
        if layout.reader in TABLE_READERS:
            table = TABLE_READERS[layout.reader](content)
            _enough(len(table), source, edition)
            return table
        reader = READERS[layout.reader]
        figures = reader(content, **_told(reader, source, edition, beside))
        _of_its_month(figures, source, edition)
        _marks(figures, layout.marks)
        figures = figures.assign(source=source.source, edition=edition)[list(FIGURE_COLUMNS)]
        if described.sheet:
            figures["locator"] = figures["locator"].str.removeprefix(f"{described.sheet}!")
        figures = put_right(figures, [e for e in errors if (e.source, e.edition) == (source.source, edition)])
        _each_once(figures)
        _enough(len(figures), source, edition)
    except LayoutError as error:
        raise LayoutError(f"{name}: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise LayoutError(f"{name}: not laid out as {layout.reader} expects ({type(error).__name__}: {error})") from error
    return figures.reset_index(drop=True)


def is_table(source: Source, edition: str) -> bool:
    """Whether the edition is a reference table, without figures."""
    return source.layouts[source.editions[edition].layout].reader in TABLE_READERS


@cache
def _parameters(reader: Callable[..., pd.DataFrame]) -> frozenset[str]:
    return frozenset(inspect.signature(reader).parameters)


def _told(reader: Callable[..., pd.DataFrame], source: Source, edition: str, beside: Path | None) -> dict[str, Any]:
    """What the reader is told: options of the layout, then of the edition, and what is known of it anyway (its year, its month)."""
    described, takes = source.editions[edition], _parameters(reader)
    told: dict[str, Any] = {**source.layouts[described.layout].options, **described.options}
    if "financial_year" in takes:
        told.setdefault("financial_year", described.financial_year)
    if source.monthly and "month" in takes:
        told |= {"year": int(edition[:4]), "month": int(edition[5:])}
    if "counts" in takes and reader is read_salt:
        told["counts"] = _salt_counts(beside, edition)
    return told


def _salt_counts(beside: Path | None, edition: str) -> list[Count]:
    """The counts to take of an edition: rows of `counts.csv` that name it in column `edition`, or no edition at all."""
    path = beside / COUNTS_FILE if beside else None
    if path is None or not path.exists():
        raise LayoutError(
            f"{path or COUNTS_FILE} is absent: it says which keys of the edition make which count (columns item, column, value, and edition "
            "where keys differ by edition). Write it from the publisher's dictionary."
        )
    table = read_table(path)
    absent = [c for c in ("item", "column", "value") if c not in table.columns]
    if absent:
        raise LayoutError(f"{path}: no column {', '.join(absent)}; found {', '.join(table.columns)}")
    if "edition" in table.columns:
        table = table[table["edition"].isin(["", edition])]
    if table.empty:
        raise LayoutError(f"{path} has no row for edition {edition}. Write it from the publisher's dictionary.")
    return [
        Count(str(item), {str(column): tuple(cells["value"]) for column, cells in rows.groupby("column")})
        for item, rows in table.groupby("item")
    ]


def _of_its_month(figures: pd.DataFrame, source: Source, edition: str) -> None:
    held = sorted(set(figures["period"]))
    if source.monthly and held != [edition]:
        raise LayoutError(f"it is of {', '.join(held)}, not of {edition}")


def _marks(figures: pd.DataFrame, known: list[str] | None) -> None:
    unknown = figures[(figures["mark"] != "") & ~figures["mark"].isin(known)] if known is not None else figures.iloc[:0]
    if len(unknown):
        row = unknown.iloc[0]
        raise LayoutError(
            f"{row['locator']}: mark {row['mark']!r} is not among those this layout uses: {', '.join(known or []) or 'none'}"
        )


def _each_once(figures: pd.DataFrame) -> None:
    twice = figures[figures.duplicated(list(FIGURE_KEY), keep=False)]
    if len(twice):
        same = twice[(twice[list(FIGURE_KEY)] == twice.iloc[0][list(FIGURE_KEY)]).all(axis=1)]
        places = " and ".join(same["locator"].head(3))
        key = ", ".join(str(twice.iloc[0][c]) for c in ("item", "breakdown", "area_code", "period"))
        raise LayoutError(f"{places}: the same figure ({key}) stands more than once")


def _enough(found: int, source: Source, edition: str) -> None:
    expected = source.editions[edition].expected_figures
    if found < expected:
        raise LayoutError(
            f"{found:,} figures; {source.source} {edition} should have at least {expected:,}. Is it another edition, or cut short?"
        )
