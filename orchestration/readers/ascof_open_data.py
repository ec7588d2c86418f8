"""NHS Digital, NHS England and DHSC, Measures from the Adult Social Care Outcomes Framework: the long open-data table, CSV or workbook.

One row a value: an area, a measure's code, a group of people, and which statistic it is. Headings differ by year in case, spaces and words
(`ONS Area Code`, `ONS Code`, `ONSAreaCode`), and so does the code (`2A(1)_1415`, `2A(1)`, `2A1`); descriptions mislead and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pandas as pd

from orchestration.figures import figures_frame
from orchestration.readers.cells import LayoutError, cell_name, csv_rows, open_workbook, value_or_mark

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
SCORES = {"ascof_2014": ("1A", "1D", "1J"), "ascof_2023": ("1A", "1B", "1C")}
RATES = {"ascof_2014": ("2A1", "2A2", "2C1", "2C2", "2C3"), "ascof_2023": ("2B", "2C")}
AREAS = re.compile(r"^E(06|08|09|10|12|92)\d{6}$")


def read_ascof_open_data(
    content: bytes, financial_year: str, framework: str = "ascof_2014", encoding: str = "cp1252"
) -> pd.DataFrame:
    """Every statistic of councils, regions and England: item is the code, with `_numerator`, `_base` and so on for all but outcomes.

    Types of council have no ONS code and are left out. LayoutError names a missing column, a group or statistic that is not known, a
    code that does not end as its group's should, and a cell that is neither a number nor a mark.
    """
    figures: list[dict[str, object]] = []
    table = _rows(content, encoding)
    header = [re.sub(r"[^a-z]", "", str(c).lower()) for c in next(table)[1]]
    at = {name: _column(header, names) for name, names in COLUMNS.items()}
    last = max(at.values())
    for where, row in table:
        if len(row) <= last:
            raise LayoutError(f"{where}: {len(row)} cells, expected {last + 1} or more: {[str(c) for c in row]}")
        area = str(row[at["area"]]).strip()
        if not AREAS.match(area):
            continue
        group = " ".join(re.split(r"[\s\-–]+|\bto\b", str(row[at["group"]]).strip().lower())).replace("  ", " ").strip()
        statistic = str(row[at["statistic"]]).strip().lower()
        if group not in GROUPS or statistic not in STATISTICS:
            raise LayoutError(f"{where}: group {row[at['group']]!r} or statistic {row[at['statistic']]!r} is not known")
        breakdown, suffix = GROUPS[group]
        code = _code(str(row[at["code"]]), suffix, where)
        value, mark = value_or_mark(row[at["value"]], where)
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
    return figures_frame(figures)


def unit(framework: str, code: str) -> str:
    """The unit of a measure's outcome: a score, a rate per 100,000, else a percentage."""
    return "score" if code in SCORES[framework] else "per_100k" if code in RATES[framework] else "pct"


def _code(text: str, suffix: str, where: str) -> str:
    """'2A(1)_1415' -> '2A1'; '1A65OV' with the suffix of its group -> '1A'."""
    code = re.sub(r"_\d{4}$", "", re.sub(r"[()\s]", "", text)).upper()
    if suffix and code.endswith(suffix):
        code = code.removesuffix(suffix)
    elif suffix and not re.fullmatch(r"\d[A-Z](\d[A-Z]?)?", code):
        raise LayoutError(f"{where}: measure {text!r} does not end in {suffix!r}, as its group says")
    if not re.fullmatch(r"\d[A-Z](\d[A-Z]?)?", code):
        raise LayoutError(f"{where}: {text!r} is no code of a measure")
    return code


def _column(header: Sequence[str], names: Sequence[str]) -> int:
    for name in names:
        if name in header:
            return header.index(name)
    raise LayoutError(f"no column {' or '.join(names)} (letters only); found {', '.join(header)}")


def _rows(content: bytes, encoding: str) -> Iterator[tuple[str, Sequence[object]]]:
    """(where, cells) of each row, the header first: of a workbook's first sheet, or of a CSV. `where` is the value's cell or the line."""
    if content[:2] == b"PK" or content[:4] == b"\xd0\xcf\x11\xe0":
        book = open_workbook(content)
        sheet = book.sheet_names[0]
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
