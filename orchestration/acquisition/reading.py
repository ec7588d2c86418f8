"""From a file of an edition to figures: the reader its source names, what it is told, and the checks every edition goes through.

The border between bytes of unknown origin and figures: whatever is wrong with a file ends in a LayoutError that names it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd

from orchestration.acquisition.councils import (
    MAY_BE_ABSENT,
    as_ons_code,
    councils_of,
    every_council,
    with_other_codes,
    year_of_councils,
)
from orchestration.acquisition.known_errors import known_differences, known_errors, put_right
from orchestration.figures import BLANK, FIGURE_COLUMNS, FIGURE_KEY, read_table
from orchestration.readers.activity_and_finance import read_finance_tables, read_finance_totals_2016_17
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
from orchestration.readers.ledger import COUNCIL, Ledger, mark_pattern
from orchestration.readers.population import read_nomis_population, read_population
from orchestration.readers.revenue_outturn import read_form, read_many_years, read_summary
from orchestration.readers.salt import Count, read_salt
from orchestration.sources.model import Source

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
    "finance_tables": read_finance_tables,
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

NOT_NEGATIVE: Final = ("count", "per_100k", "persons", "days")
ROUNDED: Final = 0.05
MANY: Final = 50
MOST_NOTHING: Final = 0.2
"""Some lines of a return are nothing everywhere; a file in which a fifth of all figures are is not that file."""
COUNTS_FILE: Final = "counts.csv"


@dataclass(frozen=True)
class Reading:
    """What came of reading a file: its figures (or, of a reference source, its table), and the account of what was passed over and why."""

    figures: pd.DataFrame
    account: dict[str, Any]


def read_edition(source: Source, edition: str, content: bytes, name: str, beside: Path | None = None) -> pd.DataFrame:
    """The figures of `read`, without the account."""
    return read(source, edition, content, name, beside).figures


def read(source: Source, edition: str, content: bytes, name: str, beside: Path | None = None) -> Reading:
    """The figures of one edition under its source and name, known errors put right; of a reference source, its table; and the account.

    `name` is the file's, for errors; `beside` a folder that may hold what a reader needs besides the file (`counts.csv` of SALT). LayoutError
    names the file and says what was expected and found: another layout, month, year or set of councils, a heading, sheet, row or mark the
    layout does not know, a total its parts do not make, a figure twice, a council without a figure, a file cut short.
    """
    described = source.editions[edition]
    layout = source.layouts[described.layout]
    try:
        _whole(content)
        if layout.reader in TABLE_READERS:
            table = TABLE_READERS[layout.reader](content)
            _enough(len(table), source, edition)
            return Reading(table, {"rows_read": len(table)})
        reader = READERS[layout.reader]
        ledger = ledger_of(source, edition)
        figures = reader(content, ledger=ledger, **_told(reader, source, edition, beside))
        mended = set(ledger.known_differences) - ledger.differences_met
        if mended:
            raise LayoutError(
                f"a known difference is no longer there: {', '.join(sorted(mended))}: delete its row from known_differences.csv"
            )
        _of_its_month(figures, source, edition)
        _marks(figures, list(layout.marks))
        figures = figures.assign(source=source.source, edition=edition)[list(FIGURE_COLUMNS)]
        if described.sheet:
            figures["locator"] = figures["locator"].str.removeprefix(f"{described.sheet}!")
        figures = put_right(figures, [e for e in known_errors() if (e.source, e.edition) == (source.source, edition)])
        _each_once(figures)
        _within_their_unit(figures)
        _varied(figures)
        _councils(figures, source, edition)
        _enough(len(figures), source, edition)
    except LayoutError as error:
        raise LayoutError(f"{name}: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise LayoutError(f"{name}: not laid out as {layout.reader} expects ({type(error).__name__}: {error})") from error
    return Reading(figures.reset_index(drop=True), ledger.account() | {"figures": len(figures)})


def ledger_of(source: Source, edition: str) -> Ledger:
    """What a reading of the edition is held to: its layout's marks and what may stand beside figures, and its known differences."""
    layout = source.layouts[source.editions[edition].layout]
    return Ledger(
        marks=[m for m in layout.marks if m != BLANK],
        unused_headings=layout.unused_headings,
        unused_sheets=layout.unused_sheets,
        unused_rows=layout.unused_rows,
        known_differences=known_differences(source.source, edition),
    )


def _whole(content: bytes) -> None:
    """LayoutError for a text file that stops within a line: a download or a copy cut it short.

    A cut at the end of a line leaves councils or lines out; that is for the readers and `_councils` to see.
    """
    packed = content[:2] == b"PK" or content[:4] == b"\xd0\xcf\x11\xe0" or content.lstrip()[:1] in (b"{", b"<")
    if not packed and content and content[-1:] not in (b"\n", b"\r"):
        last = content[-200:].decode("utf-8", errors="replace").splitlines()[-1]
        raise LayoutError(f"the last line has no end ({last[-60:]!r}): the file is cut short. Fetch or copy it again")


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


def _within_their_unit(figures: pd.DataFrame) -> None:
    """LayoutError for a share outside 0 to 100 %, and for a count, rate or number of people below nothing."""
    value, unit = figures["value"], figures["unit"]
    wrong = figures[((unit == "pct") & ((value < 0) | (value > 100 + ROUNDED))) | (unit.isin(NOT_NEGATIVE) & (value < 0))]
    if len(wrong):
        row = wrong.iloc[0]
        raise LayoutError(
            f"{row['locator']}: {row['item']} of {row['area_code']} is {row['value']:g}, which no {row['unit']} can be"
        )


def _varied(figures: pd.DataFrame) -> None:
    """LayoutError when many figures, or all, are the same number for every council: a column of another kind stands in their place."""
    is_council = figures["area_code"].map(as_ons_code).str.fullmatch(COUNCIL.pattern).astype(bool)
    held = figures[figures["value"].notna() & is_council]
    blocks = held.groupby(["period", "item", "breakdown"])["value"].agg(["nunique", "size", "first"])
    same = blocks[(blocks["nunique"] == 1) & (blocks["size"] >= MANY)]
    nothing = same[same["first"] == 0]
    if len(nothing) > MOST_NOTHING * len(blocks) or (len(same) and len(same) == len(blocks)):
        period, item, breakdown = same.index[0]
        raise LayoutError(
            f"{item} ({breakdown}, {period}) is {same['first'].iloc[0]:g} for each of {int(same['size'].iloc[0])} councils"
        )


def _councils(figures: pd.DataFrame, source: Source, edition: str) -> None:
    """Every figure of the edition's own period stands for every council of its year. LayoutError names the year whose councils they are.

    A compiled table, and a layout of `some` councils, may leave councils out; codes that no year knows are refused all the same.
    """
    described, layout = source.editions[edition], source.layouts[source.editions[edition].layout]
    codes = figures["area_code"].map(as_ons_code)
    is_council = codes.map(lambda code: COUNCIL.fullmatch(code) is not None).astype(bool)
    unknown = sorted(set(codes[is_council]) - every_council())
    if unknown:
        raise LayoutError(
            f"{', '.join(unknown[:5])}: no council ever had that code (data/figures/councils.csv, code_changes.csv)"
        )
    if layout.councils == "some" or described.obtained == "compiled_table":
        return
    own = is_council & (figures["financial_year"] == described.financial_year)
    if not own.any():
        raise LayoutError(
            f"no figure of a council in {described.financial_year}; years are {', '.join(sorted(set(figures['financial_year'])))}"
        )
    years = described.areas_of or [described.financial_year]
    found = set(codes[own])
    foreign = sorted(found - set().union(*(councils_of(year) for year in years)))
    missing = sorted(councils_of(years[0]) - found - with_other_codes(found) - set(described.absent) - MAY_BE_ABSENT)
    if foreign or missing:
        theirs = year_of_councils(found)
        whose = f"; its councils are those of {theirs}" if theirs and theirs not in years else ""
        said = [
            f"{', '.join(foreign[:5])} ended or began in another year" if foreign else "",
            f"no {', '.join(missing[:5])}" if missing else "",
        ]
        raise LayoutError(
            f"its councils are not those of {years[0]}: {'; '.join(filter(None, said))}{whose}. Is it another year's file, or cut short?"
        )
    sizes = codes[own].groupby([figures["period"], figures["item"], figures["breakdown"]]).agg(frozenset)
    expected = (found & councils_of(years[0])) - MAY_BE_ABSENT
    short = sizes[sizes.map(lambda held: bool(expected - held))]
    if len(short):
        period, item, breakdown = short.index[0]
        lacks = sorted(expected - short.iloc[0])
        raise LayoutError(
            f"{item} ({breakdown}, {period}) stands for {len(short.iloc[0])} councils of {len(found)}: no {', '.join(lacks[:5])}. Lines or "
            "columns are missing; a value that is not known has a mark"
        )


def _of_its_month(figures: pd.DataFrame, source: Source, edition: str) -> None:
    held = sorted(set(figures["period"]))
    if source.monthly and held != [edition]:
        raise LayoutError(f"it is of {', '.join(held)}, not of {edition}")


def _marks(figures: pd.DataFrame, known: list[str]) -> None:
    marks = figures["mark"]
    pattern = "|".join(mark_pattern(m) for m in known) or r"(?!)"
    unknown = figures[(marks != "") & ~marks.str.fullmatch(pattern)]
    if len(unknown):
        row = unknown.iloc[0]
        raise LayoutError(
            f"{row['locator']}: mark {row['mark']!r} is not among those this layout uses: {', '.join(known) or 'none'}. "
            "If the publisher's notes say what it means, add it with its meaning to `marks` of the layout in the source's YAML"
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
