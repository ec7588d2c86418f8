"""Errors that publishers made and that are known, as data: `sources/known_errors.csv`, one row a wrong figure.

Each row says what stands in the file (`published`), what to do, and why: `leave_out`, `mark` (the number goes, a mark stands in its place), or
`recode` (the area's code is `instead`). When the file no longer says so the row has done its work, and reading stops until it is deleted:
a correction must not outlive the error. No row puts a number of ours in place of a published one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pandas as pd

from orchestration.figures import format_value, read_table
from orchestration.readers.cells import LayoutError
from orchestration.sources.model import FOLDER

COLUMNS: Final = ("source", "edition", "area_code", "item", "breakdown", "period", "published", "action", "instead", "reason")
DIFFERENCE_COLUMNS: Final = ("source", "edition", "place", "stated", "found", "reason")
ACTIONS: Final = ("leave_out", "mark", "recode")
ANY: Final = "*"
MARK: Final = "[error]"
"""What stands in place of a number that is known to be wrong."""


@dataclass(frozen=True)
class KnownError:
    """One wrong figure, or with `*` for item, breakdown, period and value all of an area."""

    source: str
    edition: str
    area_code: str
    item: str
    breakdown: str
    period: str
    published: str
    action: str
    instead: str
    reason: str


@cache
def known_errors(path: Path = FOLDER / "known_errors.csv") -> tuple[KnownError, ...]:
    """Every known error. ValueError names the file, the line and what is wrong with it."""
    table = read_table(path)
    if list(table.columns) != list(COLUMNS):
        raise ValueError(f"{path.name}: columns are {', '.join(table.columns)}; expected {', '.join(COLUMNS)}")
    for line, row in enumerate(table.to_dict("records"), start=2):
        if row["action"] not in ACTIONS or not row["reason"] or (row["action"] == "recode") != bool(row["instead"]):
            raise ValueError(
                f"{path.name}, line {line}: action {row['action']!r} should be {' or '.join(ACTIONS)}, with a reason; "
                "recode, and nothing else, has a code in `instead`"
            )
    return tuple(KnownError(*row) for row in table.itertuples(index=False, name=None))


@cache
def known_differences(source: str, edition: str, path: Path = FOLDER / "known_differences.csv") -> dict[str, tuple[float, float]]:
    """Totals of an edition that its publisher got wrong: place -> (stated, found). ValueError names the line of the file that is wrong."""
    table = read_table(path)
    if list(table.columns) != list(DIFFERENCE_COLUMNS):
        raise ValueError(f"{path.name}: columns are {', '.join(table.columns)}; expected {', '.join(DIFFERENCE_COLUMNS)}")
    for line, row in enumerate(table.to_dict("records"), start=2):
        if not row["place"] or not row["reason"]:
            raise ValueError(f"{path.name}, line {line}: a difference needs its place and a reason")
    own = table[(table["source"] == source) & (table["edition"] == edition)]
    return {row["place"]: (float(row["stated"]), float(row["found"])) for row in own.to_dict("records")}


def put_right(figures: pd.DataFrame, errors: Sequence[KnownError]) -> pd.DataFrame:
    """The figures with those errors left out or marked. LayoutError when a figure no longer says what the error says it does."""
    for error in errors:
        hit = figures["area_code"] == error.area_code
        for column in ("item", "breakdown", "period"):
            wanted = getattr(error, column)
            if wanted != ANY:
                hit &= figures[column] == wanted
        stands = {format_value(v) or m for v, m in zip(figures.loc[hit, "value"], figures.loc[hit, "mark"], strict=True)}
        if not stands or (error.published != ANY and stands != {error.published}):
            raise LayoutError(
                f"a known error is no longer there: {error.item} of {error.area_code} ({error.period}) was {error.published}, and is "
                f"{', '.join(sorted(stands)) or 'absent'}. The publisher has mended it: delete its row from known_errors.csv ({error.reason})"
            )
        if error.action == "leave_out":
            figures = figures[~hit]
        elif error.action == "recode":
            figures = figures.assign(area_code=figures["area_code"].mask(hit, error.instead))
        else:
            figures = figures.assign(value=figures["value"].mask(hit), mark=figures["mark"].mask(hit, MARK))
    return figures
