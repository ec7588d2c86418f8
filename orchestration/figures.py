"""The atom of the project: a published figure, one row for each value taken from a publication.

What belongs here: the columns of a figure, the editions they come from, writing and reading both. What does not: how a
publisher lays out a file (`readers/`) and what a figure means (`dbt_project/`).

Embedded figures are CSV files under `data/figures/<source>/<financial year>.csv`; `editions.csv` holds what is true of a whole edition
(publisher, title, file, hash, address, licence), so that a figure repeats none of it.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

FIGURE_COLUMNS: Final = (
    "source",  # the series of publications, e.g. ascof
    "edition",  # one issue of it, e.g. 2017-18; with source it names a row of editions.csv
    "framework",  # the code system `item` belongs to: a code identifies nothing without it
    "financial_year",  # label such as 2017-18
    "period",  # the published period inside or under the year: 2017-04, mid-2017, 2019; else the year
    "area_code",  # as published: an ONS code, or cassr:<code> where the publication has no ONS code
    "item",  # the publisher's code or our name of the line
    "breakdown",  # total, 18_to_64, 65_and_over, ...
    "unit",  # gbp_thousand, pct, days, persons, per_100k, score, index, count
    "value",  # the number, or empty
    "mark",  # the publisher's mark where there is no number: [x], [c], :, *
    "locator",  # where in the publication: sheet and cell, or the keys of a row
)
"""Columns of a published figure, in order. `value` is a float or missing; every other column is text."""

FIGURE_KEY: Final = ("source", "edition", "framework", "financial_year", "period", "area_code", "item", "breakdown")
"""What must be unique: two figures with one key are a duplicated cell."""

EDITION_COLUMNS: Final = (
    "source",
    "edition",
    "publisher",
    "title",
    "file",
    "sheet",
    "sha256",
    "url",
    "licence",
    "maturity",
    "obtained",  # publishers_file, copy (of it, in another form) or compiled_table
    "superseded_by",  # the edition of the same source that revised this one; its figures are kept and not used
    "note",
)

REFERENCE_TABLES: Final = ("councils", "code_changes", "cassr_codes", "hex_layout")
"""Tables beside the figures that hold no figures: areas, their history, and where to draw them."""


BLANK: Final = "(blank)"
"""The mark of a cell that was published empty."""


def figures_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows as a frame with FIGURE_COLUMNS, value as float64 and all else as text, missing text as ''. No value and no mark is `(blank)`."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(FIGURE_COLUMNS))
    frame["value"] = pd.to_numeric(frame["value"])
    text = [c for c in FIGURE_COLUMNS if c != "value"]
    frame[text] = frame[text].fillna("").astype(str)
    frame["mark"] = frame["mark"].mask(frame["value"].isna() & (frame["mark"] == ""), BLANK)
    return frame


def format_value(value: float | None) -> str:
    """The shortest text that reads back as the same number: 32.0 -> '32', 0.1 -> '0.1', missing -> ''."""
    import pandas as pd

    if value is None or pd.isna(value):
        return ""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write aside and rename, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    frame.to_csv(aside, index=False, lineterminator="\n")
    aside.replace(path)


def write_figures(frame: pd.DataFrame, path: Path) -> None:
    """One source's figures of a year, sorted by key so that a second compilation is byte-identical."""
    ordered = frame[list(FIGURE_COLUMNS)].sort_values(list(FIGURE_KEY), kind="stable")
    write_csv(ordered.assign(value=[format_value(v) for v in ordered["value"]]), path)


def figure_files(figures_dir: Path) -> list[Path]:
    """The CSV files of figures, one for each source and year. FileNotFoundError if there are none."""
    files = sorted(figures_dir.glob("*/*.csv"))
    if not files:
        raise FileNotFoundError(
            f"No figures in {figures_dir}: it should hold a folder for each source and in it a CSV for each year. "
            "They are tracked, so `git checkout data/figures` brings them back; ASC_FIGURES_DIR points elsewhere."
        )
    return files


def read_all_figures(figures_dir: Path) -> pd.DataFrame:
    """Every embedded figure. Raises what `figure_files` and `read_figures` raise."""
    import pandas as pd

    return pd.concat([read_figures(path) for path in figure_files(figures_dir)], ignore_index=True)


def read_table(path: Path) -> pd.DataFrame:
    """A CSV with every column as text; nothing is guessed and an empty cell stays empty text. ValueError for a file without a header."""
    import pandas as pd

    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except pd.errors.EmptyDataError:
        raise ValueError(f"{path}: the file is empty; it needs at least a header row with the names of its columns.") from None


def header_of(path: Path) -> list[str]:
    """The names of a CSV's columns, without reading the rest."""
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file), [])


def read_figures(path: Path) -> pd.DataFrame:
    """The figures of one file. ValueError names the file and the columns when they are not the expected ones."""
    import pandas as pd

    frame = read_table(path)
    missing = [c for c in FIGURE_COLUMNS if c not in frame.columns]
    if missing:
        raise ValueError(
            f"{path.name}: column {', '.join(missing)} is missing; expected {', '.join(FIGURE_COLUMNS)}; "
            f"found {', '.join(frame.columns)}. Compile the figures again, or restore the file from version control."
        )
    values = pd.to_numeric(frame["value"], errors="coerce")
    unreadable = frame[values.isna() & (frame["value"] != "")]
    if len(unreadable):
        row = unreadable.iloc[0]
        raise ValueError(
            f"{path.name}, line {unreadable.index[0] + 2}: value {row['value']!r} of {row['framework']} {row['item']} for "
            f"{row['area_code']} in {row['financial_year']} is not a number; a publisher's mark belongs in column `mark`."
        )
    return frame[list(FIGURE_COLUMNS)].assign(value=values)
