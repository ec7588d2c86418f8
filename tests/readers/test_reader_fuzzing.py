"""Readers on files that went wrong: an error of ours or the right figures, never another error, a hang, or a wrong figure."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Callable

import openpyxl
import openpyxl.utils
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.figures import FIGURE_KEY
from orchestration.readers import cells
from orchestration.readers.ascof_annex import read_ascof_annex
from orchestration.readers.ascof_open_data import read_ascof_open_data
from orchestration.readers.ascof_time_series import read_ascof_time_series
from orchestration.readers.cells import LayoutError, open_workbook
from orchestration.readers.deflators import read_deflators
from orchestration.readers.delayed_transfers import read_delayed_transfers
from orchestration.readers.discharge_ready_date import read_discharge_ready_date
from orchestration.readers.finance_lines import read_finance_lines
from orchestration.readers.fingertips import read_fingertips
from orchestration.readers.geography import read_code_changes
from orchestration.readers.population import read_nomis_population
from orchestration.readers.revenue_outturn import read_form, read_many_years
from orchestration.readers.salt import Count, read_salt
from tests.conftest import one

Reader = Callable[[bytes], pd.DataFrame]
KEY = [c for c in FIGURE_KEY if c not in {"source", "edition"}]
AREAS = ("E06000001", "E08000016", "E10000003")


def as_csv(rows: list[list[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def nomis() -> list[list[object]]:
    """Each single year of age has its own number, so that a cell under another heading is noticed."""
    ages = [200, *range(119, 166), 209]
    return [["GEOGRAPHY_CODE", "DATE_NAME", "C_AGE", "OBS_VALUE"]] + [
        [area, 2024, age, 1000 * n + age] for n, area in enumerate(AREAS, start=1) for age in ages
    ]


TABLES: dict[str, tuple[Reader, list[list[object]]]] = {
    "fingertips": (
        read_fingertips,
        [
            [
                "Indicator ID",
                "Indicator Name",
                "Parent Code",
                "Area Code",
                "Area Name",
                "Sex",
                "Age",
                "Category Type",
                "Category",
                "Time period",
                "Value",
                "Value note",
            ],
            *[["41401", "Hip", "p", area, "n", "Persons", "65+", "", "", "2019/20", 500 + n, ""] for n, area in enumerate(AREAS)],
        ],
    ),
    "salt": (
        lambda content: read_salt(content, [Count("reviews", {"SHEET": ("LTS002a",)})]),
        [
            ["SHEET", "FY_Ending", "GEOGRAPHY_CODE", "AgeBand_Key", "ITEMVALUE"],
            *[["LTS002a", "2019", area, "99", 40 + n] for n, area in enumerate(AREAS)],
        ],
    ),
    "discharge ready date": (
        lambda content: read_discharge_ready_date(content, 2024, 4),
        [
            ["Data Type", "Upper Tier Local Authority Code", "Region", "Measure", "Value"],
            *[
                ["UTLA Aggregate", area, "North", measure, 10 * n + len(measure)]
                for n, area in enumerate(AREAS)
                for measure in ("Total days", "Discharges")
            ],
        ],
    ),
    "revenue outturn of many years": (
        lambda content: read_many_years(content, lines=("asctot", "ascphyold")),
        [
            ["year_ending", "ONS_code", "LA_name", "status", "RO3_asctot_net_cur_exp", "RO3_ascphyold_net_cur_exp"],
            *[["201803", area, "n", "submitted", 900 + n, 300 + n] for n, area in enumerate(AREAS)],
        ],
    ),
    "nomis": (read_nomis_population, nomis()),
    "deflators": (
        read_deflators,
        [
            ["", "x", "", ""],
            ["", "Financial year", "2022-23 = 100", "per cent change"],
            *[["", f"{y}-{(y + 1) % 100:02d}", y - 1922, ""] for y in range(2011, 2024)],
        ],
    ),
}


def agree(reader: Reader, content: bytes, right: pd.DataFrame, names_changed: bool = False) -> None:
    """An error of ours, or figures of which each is one of the right ones.

    With `names_changed` a cell that names an area or a measure may have been turned into another name: those figures are of something else.
    """
    try:
        found = reader(content)
    except LayoutError as error:
        assert str(error)
        return
    assert (found["value"].notna() == (found["mark"] == "")).all()
    known = right.set_index(KEY)["value"].to_dict()
    for row in found.itertuples(index=False):
        key = tuple(getattr(row, c) for c in KEY)
        assert names_changed or key in known, key
        assert key not in known or row.mark or row.value == known[key], (key, row.value, known[key])


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_read_as_they_are(name: str) -> None:
    reader, rows = TABLES[name]
    figures = reader(as_csv(rows))
    assert len(figures) >= 3
    assert figures["value"].notna().all()


JUNK = [
    "",
    "-",
    "*",
    "[c]",
    ":",
    "nan",
    "inf",
    "1_000",
    "#REF!",
    "=A1",
    "about ten",
    "\u0661\u0662",
    "1e999",
    "0x10",
    " ",
    "E06000099",
]
CHANGES = (
    "rename a heading",
    "drop a column",
    "shift a row",
    "shift all rows",
    "blank rows above",
    "drop cells",
    "a heading twice",
    "junk in a cell",
    "swap columns",
    "turn rows round",
    "cut off",
)


def changed(rows: list[list[object]], change: str, rng: random.Random) -> list[list[object]]:
    rows = [list(row) for row in rows]
    column, line = rng.randrange(len(rows[0])), rng.randrange(1, len(rows))
    match change:
        case "rename a heading":
            rows[0][column] = rng.choice(["Wert", "", str(rows[0][column]).upper() + "x"])
        case "drop a column":
            rows = [row[:column] + row[column + 1 :] for row in rows]
        case "shift a row":
            rows[line] = ["", *rows[line]] if rng.random() < 0.5 else rows[line][1:]
        case "shift all rows":
            rows[1:] = [["0", *row] for row in rows[1:]] if rng.random() < 0.5 else [row[1:] for row in rows[1:]]
        case "blank rows above":
            rows = [[""] * len(rows[0])] * rng.randrange(1, 4) + rows
        case "drop cells":
            rows[line] = rows[line][: rng.randrange(len(rows[line]))]
        case "a heading twice":
            rows[0][column] = rows[0][rng.randrange(len(rows[0]))]
        case "junk in a cell":
            rows[line][column] = rng.choice(JUNK)
        case "swap columns":
            other = rng.randrange(len(rows[0]))
            for row in rows:
                row[column], row[other] = row[other], row[column]
        case "turn rows round":
            rows[1:] = rows[:0:-1]
        case _:
            rows = rows[:line]
    return rows


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    change=st.sampled_from(CHANGES),
    seed=st.integers(0, 10**6),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
)
def test_a_mangled_table_is_an_error_of_ours_or_gives_right_figures(name: str, change: str, seed: int, encoding: str) -> None:
    reader, rows = TABLES[name]
    right = reader(as_csv(rows))
    text = as_csv(changed(rows, change, random.Random(seed))).decode()
    agree(reader, text.encode(encoding, errors="replace"), right, names_changed=change == "junk in a cell")


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(noise=st.binary(max_size=400), at=st.floats(0, 1))
def test_bytes_thrown_into_a_table_end_in_no_other_error(name: str, noise: bytes, at: float) -> None:
    reader, rows = TABLES[name]
    content = as_csv(rows)
    place = int(at * len(content))
    for broken in (noise, content[:place] + noise + content[place:]):
        try:
            reader(broken)
        except LayoutError as error:
            assert str(error)


# Workbooks


def workbook(rows: list[list[object]], sheet: str) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for row in rows:
        page.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


LINES = ("asctot", "ascphyold")
BOOKS: dict[str, tuple[Reader, list[list[object]], str]] = {
    "form": (
        lambda content: read_form(content, "2024-25", lines=LINES),
        [
            ["Revenue outturn 2024-25", None, None, None, None, None],
            ["E-code", "ONS Code", "Local authority", "Class", "Total - Net (C7)", "Physical support 65+ - Net (C7)"],
            *[["E1001", area, "n", "UA", 900 + n, 300 + n] for n, area in enumerate(AREAS)],
            ["", "", "", "", *[f"RO3-{n}-net-cur-exp" for n in LINES]],
        ],
        "RO3_LA_Data_202425",
    ),
    "delayed transfers": (
        read_delayed_transfers,
        [
            *[[None] * 9] * 4,
            [None, None, "June 2016"],
            *[[None] * 9] * 8,
            [None, "Region", "ONS Geography", "Code", "Name", "NHS", "Social Care", "Both", "Total"],
            [None, "-", "-", "-", "England", 33, 18, 6, 57],
            *[[None, "N", area, str(101 + n), "n", 10 + n, 5 + n, 2, 17 + 2 * n] for n, area in enumerate(AREAS)],
        ],
        "LA - by responsible org",
    ),
    "series": (
        read_ascof_time_series,
        [
            ["Table 3d(1a): self-directed support"],
            ["Local authority code", "Local authority", "ONS area code", "2022 to 2023 - outcome", "2023 to 2024 - outcome"],
            ["E", "England", "E92000001", 33.5, 63.5],
            *[["r", "n", f"E1200000{n}", 29.5 + n, 59.5 + n] for n in range(1, 10)],
            *[["1", "n", area, 30.5 + n, 60.5 + n] for n, area in enumerate(AREAS)],
        ],
        "Table_3d(1a)",
    ),
    "annex": (
        read_ascof_annex,
        [
            ["2B(1)"],
            [None, None, "2015-16", None, None, "2016-17", None, None],
            ["Code", "Area", "Numerator", "Denominator", "Outcome", "Numerator", "Denominator", "Outcome"],
            *[[area, "n", 10 + n, 20 + n, 50.5 + n, 11 + n, 22 + n, 51.5 + n] for n, area in enumerate(AREAS)],
        ],
        "2B(1)",
    ),
}


@pytest.mark.parametrize("name", BOOKS)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6), what=st.sampled_from(["cell", "row", "sheet", "formula", "bytes"]))
def test_a_mangled_workbook_is_an_error_of_ours_or_gives_right_figures(name: str, seed: int, what: str) -> None:
    reader, rows, sheet = BOOKS[name]
    right = reader(workbook(rows, sheet))
    assert len(right) >= 6
    rng = random.Random(seed)
    mangled = [list(row) for row in rows]
    line = rng.randrange(len(mangled))
    content = workbook(rows, sheet)
    if what == "bytes":
        place = rng.randrange(len(content))
        content = content[:place] + rng.randbytes(rng.randrange(1, 50)) + content[place + rng.randrange(50) :]
    elif what == "sheet":
        content = workbook(rows, rng.choice(["Sheet1", sheet.lower(), sheet[:-1]]))
    elif what == "row":
        mangled.insert(line, [None] * 9)
        content = workbook(mangled, sheet)
    else:
        column = rng.randrange(len(mangled[line]))
        junk = [j for j in JUNK if j != "E06000099" and not j.startswith("=")]
        mangled[line][column] = "=1+1" if what == "formula" else rng.choice(junk)
        content = workbook(mangled, sheet)
    agree(reader, content, right, names_changed=what in {"cell", "formula"})


def repacked(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry)))
    return packed.getvalue()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MOST_UNPACKED_BYTES", 5_000_000)
    bomb = repacked(workbook([[1]], "s"), lambda name, body: body + b" " * 6_000_000 if name.endswith("sheet1.xml") else body)
    assert len(bomb) < 50_000
    with pytest.raises(LayoutError, match=r"it unpacks to 6,\d{3},\d{3} bytes; the limit is 5,000,000"):
        open_workbook(bomb)


def test_two_cells_far_apart_do_not_ask_for_more_memory_than_there_is() -> None:
    far = repacked(
        workbook([[1]], "s"),
        lambda name, body: (
            body.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
            if name.endswith("sheet1.xml")
            else body
        ),
    )
    with pytest.raises(LayoutError, match=r"spans 17,179,869,184 cells; the limit is 20,000,000"):
        open_workbook(far)


PLACES = st.tuples(
    st.sampled_from([1, 26, 27, 702, 703, 16384]), st.sampled_from([1, 9_999, 10_000, 28_490, 28_491, 99_999, 100_000, 1_048_576])
)


@given(st.lists(PLACES, min_size=1, max_size=4), st.booleans(), st.booleans(), st.sampled_from(["", "x:"]))
@settings(deadline=None)
def test_a_sheet_is_refused_for_its_extent_just_when_it_is_too_large(
    places: list[tuple[int, int]], rows_say_where: bool, single_quotes: bool, prefix: str
) -> None:
    """The quick looks hold sheets that are near, and leave the others to the count; here both are held against the places themselves."""

    def at(column: int, row: int) -> str:
        return openpyxl.utils.get_column_letter(column) + str(row)

    lines = [
        f'<{prefix}row spans="1:9"'
        + (f' r="{row}"' if rows_say_where else "")
        + f'><{prefix}c s="1" r="{at(column, row)}"/></{prefix}row>'
        for column, row in places
    ]
    sheet = "".join(lines).replace('"', "'" if single_quotes else '"').encode()
    # a cell alone says its row only from 100,000 on, and then no more than how many figures the number has
    rows = max(row if rows_say_where else 10 ** (len(str(row)) - 1) if row > 99_999 else 0 for _, row in places)
    columns = max(column for column, _ in places)
    assert (cells._extent(sheet) > cells.MOST_CELLS) == (rows * columns > cells.MOST_CELLS)


@pytest.mark.parametrize(
    "part",
    [
        b'<c r="A1" t="e"><v>#REF!</v></c>',
        b"<c r='A1' t = 'e'><f>1/0</f><v>#DIV/0!</v></c>",
        b'<x:c t="e" r="A1"><x:v>#N/A</x:v></x:c>',
        b'<table:table-cell calcext:value-type="error"><text:p>Err:502</text:p>',
        b"<text:p>#REF!</text:p>",
        b"<text:p>Err:509</text:p>",
    ],
)
def test_the_quick_look_for_an_error_misses_none(part: bytes) -> None:
    assert cells.ERROR_CELL.search(part)
    assert cells._error(b"<sheetData>" + part)
    assert cells._error(b'<c r="A1" t="s"><v>1</v></c><text:p>an error</text:p>') is None


def test_links_and_entities_in_the_xml_lead_nowhere() -> None:
    reader, rows, sheet = BOOKS["series"]
    doctype = b'<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/hostname"><!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'

    def poison(name: str, body: bytes) -> bytes:
        if not name.endswith("sheet1.xml"):
            return body
        start = body.index(b"<worksheet")
        return body[:start] + doctype + body[start:].replace(b"<v>30.5</v>", b"<v>&x;&b;</v>")

    content = repacked(workbook(rows, sheet), poison)
    try:
        figures = reader(content)
    except LayoutError:
        return
    assert figures[(figures["area_code"] == AREAS[0]) & (figures["financial_year"] == "2016-17")]["value"].isna().all()


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x03\x04" + b"x" * 100, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, b"<html>"]
)
def test_what_is_no_workbook_is_an_error_of_ours(content: bytes) -> None:
    for reader, _, _ in BOOKS.values():
        with pytest.raises(LayoutError):
            reader(content)


# Layouts known from their description


def test_nomis_sums_single_years_and_takes_nothing_that_is_missing() -> None:
    figures = read_nomis_population(as_csv(nomis()))
    assert one(figures, area_code=AREAS[0], breakdown="18_to_64")["value"] == sum(1000 + age for age in range(119, 166))
    assert one(figures, area_code=AREAS[0], breakdown="65_and_over")[["value", "financial_year", "period"]].tolist() == [
        1209,
        "2024-25",
        "mid-2024",
    ]
    with pytest.raises(LayoutError, match="18_to_64 needs C_AGE 119 to 165, and not all are there"):
        read_nomis_population(as_csv([row for row in nomis() if row[2] != 140]))
    with pytest.raises(LayoutError, match="population of E06000001 is '', expected a number"):
        read_nomis_population(as_csv([[*row[:3], "" if row[2] == 209 else row[3]] for row in nomis()]))


def test_the_annex_has_its_years_above_its_headings() -> None:
    reader, rows, sheet = BOOKS["annex"]
    figures = reader(workbook(rows, sheet))
    outcome = one(figures, item="2B1", financial_year="2016-17", area_code=AREAS[2])
    assert (outcome["value"], outcome["locator"], outcome["framework"]) == (53.5, "2B(1)!H6", "ascof_2014")
    assert one(figures, item="2B1_denominator", financial_year="2015-16", area_code=AREAS[0])["value"] == 20
    with pytest.raises(LayoutError, match="no sheet named after a measure"):
        read_ascof_annex(workbook(rows, "Contents"))


@pytest.mark.parametrize(
    "reader",
    [
        read_code_changes,
        lambda content: read_finance_lines(content, "2017-18", "gbp_thousand"),
        lambda content: read_ascof_open_data(content, "2019-20"),
    ],
)
def test_tables_with_other_columns_are_refused(reader: Reader) -> None:
    with pytest.raises(LayoutError):
        reader(b"a,b\n1,2\n")
