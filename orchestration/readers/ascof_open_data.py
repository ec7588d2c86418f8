"""NHS Digital, NHS England and DHSC, Measures from the Adult Social Care Outcomes Framework: the long open-data table, CSV or workbook.

One row a value: an area, a measure's code, a group of people, and which statistic it is. Headings differ by year in case, spaces and words
(`ONS Area Code`, `ONS Code`, `ONSAreaCode`), and so does the code (`2A(1)_1415`, `2A(1)`, `2A1`); descriptions mislead and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, csv_rows, open_workbook
from orchestration.readers.ledger import ENGLAND, Ledger, as_code, visible

COLUMNS = {
    "area": ("onscode", "onsareacode"),
    "code": ("ascofmeasurecode",),
    "group": ("disaggregationlevel",),
    "statistic": ("measuretype",),
    "value": ("measurevalue",),
}
GROUPS = {
    "total": ("total", ""),
    "male": ("male", "M"),
    "female": ("female", "F"),
    "18 64": ("18_to_64", "1864"),
    "65 and over": ("65_and_over", "65OV"),
    "65 74": ("65_to_74", "6574"),
    "75 84": ("75_to_84", "7584"),
    "65 84": ("65_to_84", "6584"),
    "85 and over": ("85_and_over", "85OV"),
    "64 and under": ("64_and_under", "64U"),
}
"""Words of the disaggregation level -> our breakdown, and what the publisher appends to the measure's code for it."""
STATISTICS = {
    "outcome": "",
    "numerator": "_numerator",
    "denominator": "_denominator",
    "base": "_base",
    "margin of error": "_margin_of_error",
}
OPTIONAL = {"level": ("geographicallevel",), "name": ("geographicaldescription",)}
TYPES = ("[Z]", "[X]", "N/A")
"""What stands for the code of a type of council, where it is not blank."""
REGIONS = 9
ROUNDED_TO = 5
MOST_OFF = 0.05
FAR_OFF = 0.5
FEW = 50
"""An outcome that is off by half is another number, where its denominator is not so small that rounding makes it so."""
SCORES = {"ascof_2014": ("1A", "1D", "1J"), "ascof_2023": ("1A", "1B", "1C")}
RATES = {"ascof_2014": ("2A1", "2A2", "2C1", "2C2", "2C3"), "ascof_2023": ("2B", "2C")}
AREAS = re.compile(r"^E(06|08|09|10|12|92)\d{6}$")


def read_ascof_open_data(
    content: bytes,
    financial_year: str,
    framework: str = "ascof_2014",
    encoding: str = "cp1252",
    *,
    ledger: Ledger | None = None,
) -> pd.DataFrame:
    """Every statistic of councils, regions and England: item is the code, with `_numerator`, `_base` and so on for all but outcomes.

    Types of council have no ONS code and are passed over. LayoutError names a heading that is missing, new or said twice, a group or
    statistic that is not known, a code that does not end as its group's or its year's should, a cell that is neither a number nor a mark,
    regions that do not make England, and outcomes that do not follow from their numerators and denominators.
    """
    ledger = ledger or Ledger()
    figures: list[dict[str, object]] = []
    table = _rows(content, encoding, ledger)
    header_where, header = next(table)
    at = _columns(header, header_where.split("!")[0], ledger)
    last = max(at.values())
    for _, (place, *row) in ledger.each([[where, *row] for where, row in table], 1, "the table"):
        where = str(place)
        if len(row) <= last:
            raise LayoutError(f"{where}: {len(row)} cells, expected {last + 1} or more: {[str(c) for c in row]}")
        area = _area(row, at, where, ledger)
        if area is None:
            continue
        group = " ".join(re.split(r"[\s\-–]+|\bto\b", visible(row[at["group"]]).lower())).replace("  ", " ").strip()
        statistic = visible(row[at["statistic"]]).lower()
        if group not in GROUPS or statistic not in STATISTICS:
            raise LayoutError(f"{where}: group {row[at['group']]!r} or statistic {row[at['statistic']]!r} is not known")
        breakdown, suffix = GROUPS[group]
        code = _code(str(row[at["code"]]), suffix, financial_year, where)
        value, mark = ledger.value(row[at["value"]], where)
        ledger.read()
        figures.append(
            {
                "framework": framework,
                "financial_year": financial_year,
                "period": financial_year,
                "area_code": area,
                "item": code + STATISTICS[statistic],
                "breakdown": breakdown,
                "unit": unit(framework, code) if statistic in ("outcome", "margin of error") else "count",
                "value": value,
                "mark": mark,
                "locator": where,
            }
        )
    if not figures:
        raise LayoutError("no row of a council, a region or England")
    found = figures_frame(figures)
    regions_make_england(found, ledger)
    outcomes_follow(found, ledger)
    return found


def regions_make_england(figures: pd.DataFrame, ledger: Ledger) -> None:
    """Numerators and denominators of the nine regions add up to England's, exactly where both are given."""
    counts = figures[figures["item"].str.endswith(("_numerator", "_denominator"))]
    for _, rows in counts.groupby(["item", "breakdown"]):
        england = rows[rows["area_code"] == ENGLAND]
        regions = rows.loc[rows["area_code"].str.startswith("E12"), "value"]
        if len(england) == 1 and len(regions) == REGIONS:
            stated = england["value"].iloc[0]
            parts = [None if pd.isna(v) else float(v) for v in regions]
            within = ROUNDED_TO / 2 * (REGIONS + 1) if stated % ROUNDED_TO == 0 else 0.5
            ledger.total(
                str(england["locator"].iloc[0]), None if pd.isna(stated) else stated, parts, within, "the sum of the regions"
            )


def outcomes_follow(figures: pd.DataFrame, ledger: Ledger) -> None:
    """An outcome is its numerator by its denominator, to its one decimal; outcomes of surveys (with a base) are weighted and do not follow.

    One that is far off, or more than a few of a measure that are off, are numbers of something else: LayoutError.
    """
    key = ["area_code", "breakdown"]
    based = ("_base", "_respondents")
    surveys = {item.removesuffix(b) for item in figures["item"].unique() for b in based if item.endswith(b)}
    for measure in sorted(set(figures["item"]) - surveys):
        parts = [
            figures.loc[figures["item"] == measure + part, [*key, "value", "unit", "locator"]].set_index(key)
            for part in ("", "_numerator", "_denominator")
        ]
        if (
            measure in surveys
            or measure.endswith(tuple(v for v in STATISTICS.values() if v))
            or any(p.empty or p.index.duplicated().any() for p in parts)
        ):
            continue
        outcome = parts[0]
        scale = 100_000 if outcome["unit"].iloc[0] == "per_100k" else 100
        numerator, denominator = (p["value"].reindex(outcome.index) for p in parts[1:])
        expected = (numerator / denominator.where(denominator > 0) * scale).astype(float)
        # numerators may be rounded to five while outcomes are not
        allowed = 0.06 + (ROUNDED_TO / 2 * (scale + expected) / denominator.where(denominator > 0))
        given = (expected - outcome["value"]).abs()
        off = given > allowed
        ledger.totals_compared += int(given.notna().sum())
        ledger.rows_that_do_not_add_up += int(off.sum())
        far = off & (given > FAR_OFF * np.maximum(expected, outcome["value"])) & (denominator >= FEW)
        if far.any() or off.sum() > max(3, MOST_OFF * given.notna().sum()):
            off = far if far.any() else off
            first = outcome[off].iloc[0]
            raise LayoutError(
                f"{first['locator']}: {measure} is {first['value']:g}; its numerator by its denominator is {expected[off].iloc[0]:g}, and so "
                f"{int(off.sum())} of {int(given.notna().sum())} outcomes do not follow"
            )


def unit(framework: str, code: str) -> str:
    """The unit of a measure's outcome: a score, a rate per 100,000, else a percentage."""
    return "score" if code in SCORES[framework] else "per_100k" if code in RATES[framework] else "pct"


def _area(row: Sequence[object], at: Mapping[str, int], where: str, ledger: Ledger) -> str | None:
    """The code of a council, region or England, else None. LayoutError for a code that is none of a row that is not of a type of council."""
    code = as_code(row[at["area"]])
    if re.fullmatch(r"E12\d{6}", code):
        return code
    level = visible(row[at["level"]]).casefold() if "level" in at else ""
    if level == "council type" and code in ("", *TYPES):
        ledger.skip("types of council")
        return None
    return ledger.area(row[at["area"]], where, row[at["name"]] if "name" in at and level in ("", "council type") else "")


def _code(text: str, suffix: str, financial_year: str, where: str) -> str:
    """'2A(1)_1415' -> '2A1'; '1A65OV' with the suffix of its group -> '1A'. LayoutError for a year that is another."""
    bare = re.sub(r"[()\s]", "", text)
    stated = re.search(r"_(\d{2})(\d{2})$", bare)
    if stated and f"20{stated[1]}-{stated[2]}" != financial_year:
        raise LayoutError(f"{where}: measure {text!r} is of 20{stated[1]}-{stated[2]}; expected {financial_year}")
    code = re.sub(r"_\d{4}$", "", bare).upper()
    if suffix and code.endswith(suffix):
        code = code.removesuffix(suffix)
    elif suffix and not re.fullmatch(r"\d[A-Z](\d[A-Z]?)?", code):
        raise LayoutError(f"{where}: measure {text!r} does not end in {suffix!r}, as its group says")
    if not re.fullmatch(r"\d[A-Z](\d[A-Z]?)?", code):
        raise LayoutError(f"{where}: {text!r} is no code of a measure")
    return code


def _columns(header: Sequence[object], where: str, ledger: Ledger) -> dict[str, int]:
    """Role -> column, by the letters of the headings alone. The level and the name of the area are optional."""
    bare = [re.sub(r"[^a-z0-9]", "", visible(c).lower()) for c in header]
    optional = {role: names for role, names in OPTIONAL.items() if any(n in bare for n in names)}
    spoken = Ledger(unused_headings=tuple(re.sub(r"[^a-z0-9.*|()]", "", p.lower()) for p in ledger.unused_headings))
    at = spoken.headings(bare, {**COLUMNS, **optional}, f"{where}, headings")
    ledger.headings_unused.update(spoken.headings_unused)
    return at


def _rows(content: bytes, encoding: str, ledger: Ledger) -> Iterator[tuple[str, Sequence[object]]]:
    """(where, cells) of each row, the header first: of a workbook's first sheet, or of a CSV. `where` is the value's cell or the line."""
    if content[:2] == b"PK" or content[:4] == b"\xd0\xcf\x11\xe0":
        book = open_workbook(content)
        sheet = book.sheet_names[0]
        ledger.sheets(book.sheet_names, [sheet])
        column = None
        for number, cells in enumerate(book.rows(sheet)):
            if column is None:
                names = [re.sub(r"[^a-z]", "", str(c).lower()) for c in cells]
                column = names.index("measurevalue") if "measurevalue" in names else 0
            yield f"{sheet}!{cell_name(number, column)}", cells
        if column is None:
            raise LayoutError(f"sheet {sheet!r} is empty")
        return
    for line, row in csv_rows(content, encoding):
        yield f"line {line}", row
