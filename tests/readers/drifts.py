"""Drifts of real publishers' files, and what a reading makes of each: right, refused, or wrong. `python -m tests.readers.drifts` prints the table.

A drift is what a publisher, a spreadsheet or a network does to a file between one year and the next. It may be read right or be refused
with a reason. Wrong is a figure with another value, one that is not in the file, and one that is gone without a word.
"""

from __future__ import annotations

import csv
import io
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd

from orchestration.acquisition.reading import read_edition
from orchestration.figures import FIGURE_KEY
from orchestration.readers import cells
from orchestration.readers.cells import LayoutError, open_workbook
from orchestration.settings import get_settings
from orchestration.sources.model import sources

Rows = list[list[Any]]
Sheets = dict[str, Rows]
"""A file as sheets of rows; a CSV is one sheet named ''."""
COUNCIL = re.compile(r"E(06|08|09|10)\d{6}")


@dataclass(frozen=True)
class Sample:
    """A real file, the sheet its figures stand in, the row of its headings, and columns that hold figures (0-based)."""

    source: str
    edition: str
    file: str
    sheet: str
    head: int
    columns: tuple[int, ...]
    code: int

    @property
    def name(self) -> str:
        return f"{self.source} {self.edition}"


SAMPLES = (
    Sample("ascof", "2020-21", "ascof/meas-from-asc-of-eng-2021-open-data-csv_v2.xlsx", "in", 0, (7,), 3),
    Sample("ascof", "2024-25", "ascof/ascof_2024_25.ods", "Table_2b", 6, (3, 4, 5), 2),
    Sample("population", "mid-2023", "population/mye23tablesew.xlsx", "MYE2 - Persons", 7, (22, 40, 94), 0),
    Sample("population", "mid-2016", "population/ukmidyearestimates2016.xls", "MYE2 - All", 4, (21, 40, 93), 0),
    Sample(
        "revenue_outturn", "2024-25 all services", "revenue_outturn/RSX_2024-25.ods", "RSX_LA_Data_202425", 6, (28, 29, 34), 1
    ),
    Sample(
        "revenue_outturn",
        "2022-23 all services",
        "revenue_outturn/RSX_2022-23_data_by_LA.ods",
        "RSX_LA_Data_2022-23",
        10,
        (28, 29, 34),
        1,
    ),
    Sample("revenue_outturn", "2017-18 summary", "revenue_outturn/RS_2017-18_data_by_LA.xlsx", "RS LA Data 2017-18", 6, (8,), 1),
    Sample("delayed_transfers", "2017-04", "delayed_transfers/April_17.xls", "LA - by responsible org", 13, (5, 6, 8), 2),
    Sample("delayed_transfers", "2016-04", "delayed_transfers/April_16.xls", "LA - by responsible org", 13, (5, 6, 8), 2),
    Sample("activity_and_finance", "2016-17", "activity_and_finance/CSV ASCFR Totals.csv", "", 0, (11, 16), 2),
    Sample("activity_and_finance", "2016-17 activity", "activity_and_finance/CSV ASCFR Activity.csv", "", 0, (12,), 3),
    Sample(
        "activity_and_finance", "2015-16 additional", "activity_and_finance/pss-exp-eng-15-16-fin-add-data.csv", "", 0, (8,), 1
    ),
    Sample(
        "activity_and_finance", "2021-22", "activity_and_finance/ASCFR and SALT Data Tables 2021-22.xlsx", "T16", 6, (6, 9), 0
    ),
    Sample(
        "deprivation",
        "2019",
        "deprivation/File_11_-_IoD2019_Local_Authority_District_Summaries__upper-tier__.xlsx",
        "IMD",
        0,
        (2, 4),
        0,
    ),
    Sample("deflators", "2023-12", "prices/GDP_Deflators_Qtrly_National_Accounts_December_2023_update.csv", "", 6, (2,), 1),
)


def load(sample: Sample) -> Sheets:
    """The file as sheets."""
    content = (get_settings().given_data_dir / "publisher" / sample.file).read_bytes()
    if sample.sheet:
        book = open_workbook(content)
        return {name: book.rows(name) for name in book.sheet_names}
    return {"": list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))}


class _Book:
    def __init__(self, sheets: Sheets) -> None:
        self.sheets, self.sheet_names = sheets, list(sheets)

    def get_sheet_by_name(self, name: str) -> Any:
        return mock.Mock(to_python=lambda **_: self.sheets[name])


@contextmanager
def as_bytes(sheets: Sheets) -> Iterator[bytes]:
    """Content that a reader opens as those sheets. Workbooks are handed over behind calamine, so that what drifts is what is read."""
    if list(sheets) == [""]:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(sheets[""])
        yield text.getvalue().encode()
        return
    with (
        mock.patch.object(cells, "_bear", lambda _: None),
        mock.patch.object(cells.CalamineWorkbook, "from_filelike", lambda _: _Book(sheets)),
    ):
        yield b"PK drifted"


def outcome(sample: Sample, content: bytes, right: pd.DataFrame) -> tuple[str, str]:
    """right, refused or wrong; and the reason."""
    try:
        found = read_edition(sources()[sample.source], sample.edition, content, Path(sample.file).name)
    except LayoutError as error:
        return "refused", str(error)
    except Exception as error:
        return "wrong", f"{type(error).__name__}: {error}"
    key = [c for c in FIGURE_KEY if c not in {"source", "edition"}]
    both = right.merge(found, on=key, how="outer", suffixes=("", "_found"), indicator=True)
    if (both["_merge"] != "both").any():
        lost = both[both["_merge"] != "both"]
        return "wrong", f"{len(lost)} figures are gone or new: {lost.iloc[0][[*key, '_merge']].tolist()}"
    other = both[~((both["value"] == both["value_found"]) | (both["value"].isna() & both["value_found"].isna()))]
    if len(other):
        first = other.iloc[0]
        return "wrong", f"{len(other)} figures differ: {first[key].tolist()}: {first['value']} read as {first['value_found']}"
    return "right", ""


# What happens to files. Each takes the sheets (to be changed in place), the sample and a source of chance.

Drift = Callable[[Sheets, Sample, random.Random], None]


def _body(sheets: Sheets, sample: Sample) -> list[int]:
    """Numbers of rows of councils, or in a table without codes of rows with a number."""
    rows = sheets[sample.sheet]
    found = [
        n for n, row in enumerate(rows) if n > sample.head and len(row) > sample.code and COUNCIL.fullmatch(str(row[sample.code]))
    ]
    return found or [
        n
        for n, row in enumerate(rows)
        if n > sample.head + 1 and len(row) > sample.columns[0] and _number(row[sample.columns[0]])
    ]


def _number(cell: Any) -> bool:
    return bool(re.fullmatch(r"-?\d+(\.\d+)?", str(cell)))


def _a_figure(sheets: Sheets, sample: Sample, rng: random.Random) -> tuple[list[Any], int]:
    """A row and a column that hold a number."""
    rows = sheets[sample.sheet]
    column = rng.choice(sample.columns)
    candidates = [n for n in _body(sheets, sample) if _number(rows[n][column]) and float(rows[n][column]) != 0]
    return rows[rng.choice(candidates)], column


def heading_respelled(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    row, column = sheets[sample.sheet][sample.head], rng.choice(sample.columns)
    text = str(row[column]) or "x"
    row[column] = rng.choice([text[:-1] + "e", f"{text} (revised)", text.replace(" ", "-") + "s", "Wert"])


def heading_twice(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    column, at = rng.choice(sample.columns), rng.choice(["before", "after"])
    for n, row in enumerate(sheets[sample.sheet]):
        if len(row) > column:
            cell = float(row[column]) + 7 if n > sample.head and _number(row[column]) else row[column]
            row.insert(column + (at == "after"), cell)


def heading_missing(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    sheets[sample.sheet][sample.head][rng.choice(sample.columns)] = ""


def column_gone(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    column = rng.choice(sample.columns)
    for row in sheets[sample.sheet]:
        del row[column : column + 1]


def foreign_column(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    column = rng.choice(sample.columns)
    heading = rng.choice(["Per head", f"{sheets[sample.sheet][sample.head][column]} 2019-20", "Provisional", "85+"])
    for n, row in enumerate(sheets[sample.sheet]):
        row.insert(column, heading if n == sample.head else round(rng.random() * 90, 1) if n > sample.head else "")


def numbers_under_another_heading(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    a = rng.choice(sample.columns)
    b = rng.choice([c for c in (*sample.columns, a + 1, a - 1) if c != a])
    for row in sheets[sample.sheet][sample.head + 1 :]:
        if max(a, b) < len(row):
            row[a], row[b] = row[b], row[a]


def columns_shifted_by_one(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    start = rng.choice(sample.columns)
    for row in sheets[sample.sheet][sample.head + 1 :]:
        if len(row) > start:
            row[start:] = [0.0, *row[start:-1]]


def columns_moved_with_headings(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    a, width = rng.choice(sample.columns), min(len(r) for r in sheets[sample.sheet] if len(r) > max(sample.columns))
    b = rng.randrange(max(sample.code + 1, 1), width)
    for row in sheets[sample.sheet]:
        if max(a, b) < len(row):
            row[a], row[b] = row[b], row[a]


def row_twice(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    n = rng.choice(_body(sheets, sample))
    sheets[sample.sheet].insert(n, list(sheets[sample.sheet][n]))


def row_gone(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    del sheets[sample.sheet][rng.choice(_body(sheets, sample))]


def rows_in_another_order(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    rows, body = sheets[sample.sheet], _body(sheets, sample)
    shuffled = rng.sample(body, len(body))
    rows[:] = [rows[shuffled[body.index(n)]] if n in set(body) else row for n, row in enumerate(rows)]


def code_with_a_letter_more(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    rows = sheets[sample.sheet]
    row = rows[rng.choice(_body(sheets, sample))]
    row[sample.code] = f"{row[sample.code]}x"


def sheet_renamed(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    if not sample.sheet:
        return
    names = [sample.sheet.replace("_", " "), sample.sheet + " v2", sample.sheet.upper(), "Sheet1", f" {sample.sheet} "]
    new = rng.choice([n for n in names if n != sample.sheet])
    renamed = {new if name == sample.sheet else name: rows for name, rows in sheets.items()}
    sheets.clear()
    sheets.update(renamed)


def sheets_swapped(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    others = [name for name in sheets if name != sample.sheet and len(sheets[name]) > 20]
    if others:
        near = [name for name in others if name[:4] == sample.sheet[:4]] or others
        other = rng.choice(near)
        sheets[sample.sheet], sheets[other] = sheets[other], sheets[sample.sheet]


def sheet_added(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    if sample.sheet:
        sheets[rng.choice([f"{sample.sheet} (2)", "Corrections", f"{sample.sheet} 2026"])] = [
            list(r) for r in sheets[sample.sheet]
        ]


def sheet_gone(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    if sample.sheet and len(sheets) > 1:
        del sheets[sample.sheet]


def units_of_one_council(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    row, _ = _a_figure(sheets, sample, rng)
    factor = rng.choice([1000, 0.001, 100])
    for column in sample.columns:
        if _number(row[column]):
            row[column] = float(row[column]) * factor


def locale_number(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    row, column = _a_figure(sheets, sample, rng)
    row[column] = rng.choice(["1.234,5", "12,5", "1 234", "£1,234", "12.5%", "1,23", "0,5"])


def mark_that_is_new(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    row, column = _a_figure(sheets, sample, rng)
    row[column] = rng.choice(["[u]", "n/k", "#REF!", "not yet", "~", "0 [p]"])


def code_badly_written(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    row = sheets[sample.sheet][rng.choice(_body(sheets, sample))]
    code = str(row[sample.code])
    row[sample.code] = rng.choice([code.lower(), f"{code}\u200b", f" {code} ", f"\u00a0{code}", code.replace("0", "O", 1)])


def code_blank(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    sheets[sample.sheet][rng.choice(_body(sheets, sample))][sample.code] = rng.choice(["", " ", "-", "None"])


def code_of_nobody(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    row = sheets[sample.sheet][rng.choice(_body(sheets, sample))]
    row[sample.code] = rng.choice(["E06000099", "W06000001", "E07000001", "E0600000", "E120000010"])


def cut_off(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    rows, body = sheets[sample.sheet], _body(sheets, sample)
    del rows[rng.choice(body[1:]) :]


def cells_emptied(sheets: Sheets, sample: Sample, rng: random.Random) -> None:
    """From a place on, a column is empty: as when a formula was not filled down."""
    body, column = _body(sheets, sample), rng.choice(sample.columns)
    for n in body[rng.randrange(len(body)) :]:
        sheets[sample.sheet][n][column] = ""


DRIFTS: tuple[Drift, ...] = (
    heading_respelled,
    heading_twice,
    heading_missing,
    column_gone,
    foreign_column,
    numbers_under_another_heading,
    columns_shifted_by_one,
    columns_moved_with_headings,
    row_twice,
    row_gone,
    rows_in_another_order,
    code_with_a_letter_more,
    sheet_renamed,
    sheets_swapped,
    sheet_added,
    sheet_gone,
    units_of_one_council,
    locale_number,
    mark_that_is_new,
    code_badly_written,
    code_blank,
    code_of_nobody,
    cut_off,
    cells_emptied,
)


@dataclass(frozen=True)
class Tried:
    """What one drift of one file came to."""

    sample: Sample
    drift: str
    seed: int
    result: str
    reason: str


UNSEEN = {("activity_and_finance 2015-16 additional", "units_of_one_council")}
"""What no reading can see: this file states nothing twice. What the index makes of such a figure is doubted later, by the years around it."""


def tried(sample: Sample, seeds: range, drifts: Sequence[Drift] = DRIFTS) -> Iterator[Tried]:
    """Every drift of one file, with each seed; a drift that leaves the file as it was (a CSV has no sheets) is passed over."""
    whole = load(sample)
    with as_bytes(whole) as content:
        right = read_edition(sources()[sample.source], sample.edition, content, Path(sample.file).name)
    for drift in drifts:
        for seed in seeds:
            sheets = {name: [list(r) for r in rows] if name == sample.sheet else rows for name, rows in whole.items()}
            drift(sheets, sample, random.Random(f"{sample.name} {seed}"))
            if list(sheets) == list(whole) and sheets[sample.sheet] == whole[sample.sheet]:
                continue
            with as_bytes(sheets) as content:
                yield Tried(sample, drift.__name__, seed, *outcome(sample, content, right))


def truncations(sample: Sample, seeds: range) -> Iterator[Tried]:
    """A CSV cut at any byte."""
    content = (get_settings().given_data_dir / "publisher" / sample.file).read_bytes()
    right = read_edition(sources()[sample.source], sample.edition, content, Path(sample.file).name)
    for seed in seeds:
        rng = random.Random(seed)
        # most cuts near the end, where least is missing
        cut = len(content) - (rng.randrange(1, 200) if seed % 3 else rng.randrange(1, len(content)))
        yield Tried(sample, "cut_at_a_byte", cut, *outcome(sample, content[:cut], right))


def main() -> None:
    """Print the table of drifts by what came of them, and each that is wrong."""
    from rich.console import Console
    from rich.table import Table

    done = [t for sample in SAMPLES for t in tried(sample, range(2))]
    done += [t for sample in SAMPLES if not sample.sheet for t in truncations(sample, range(15))]
    counts = Counter((t.drift, t.result) for t in done)
    table = Table("drift", "right", "refused", "wrong", title=f"{len(done)} drifts of {len(SAMPLES)} real files")
    for name in dict.fromkeys(t.drift for t in done):
        table.add_row(name.replace("_", " "), *(str(counts[name, r]) for r in ("right", "refused", "wrong")))
    table.add_row("all", *(str(sum(t.result == r for t in done)) for r in ("right", "refused", "wrong")))
    console = Console(width=120)
    console.print(table)
    for t in done:
        if t.result == "wrong":
            console.print(f"{t.sample.name}: {t.drift} (seed {t.seed}): {t.reason}", soft_wrap=True, markup=False)


if __name__ == "__main__":
    main()
