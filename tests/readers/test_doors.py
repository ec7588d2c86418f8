"""Doors that stood open once, each tried on the real file that went through it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from orchestration.acquisition.likeness import prove_year
from orchestration.acquisition.reading import read_edition
from orchestration.readers.cells import LayoutError
from orchestration.settings import get_settings
from orchestration.sources.model import sources
from tests.readers.drifts import SAMPLES, Sample, Sheets, as_bytes, load

BY_NAME = {sample.name: sample for sample in SAMPLES}
Change = Callable[[Sheets], Any]


def reread(name: str, change: Change, edition: str | None = None, sample: Sample | None = None) -> pd.DataFrame:
    """The figures of a sample's file after a change, as its own edition or as another."""
    sample = sample or BY_NAME[name]
    sheets = load(sample)
    change(sheets)
    with as_bytes(sheets) as content:
        return read_edition(sources()[sample.source], edition or sample.edition, content, "a file")


def renamed(sheets: Sheets) -> None:
    for name in list(sheets):
        sheets[name.replace("Table_", "Table ")] = sheets.pop(name)


def replaced(sheet: str, row: int, column: int, text: object) -> Change:
    def change(sheets: Sheets) -> None:
        sheets[sheet][row][column] = text

    return change


def doubled(sheet: str, column: int, beside: Callable[[Any], Any], heading: str | None = None, head: int = 0) -> Change:
    """A column once more at the end, its numbers changed."""

    def change(sheets: Sheets) -> None:
        for n, row in enumerate(sheets[sheet]):
            if len(row) > column:
                row.append(heading or row[column] if n == head else beside(row[column]) if n > head else "")

    return change


def other(cell: Any) -> Any:
    return float(cell) + 1 if isinstance(cell, int | float) or str(cell).replace(".", "").isdigit() else cell


def males_beside(sheets: Sheets) -> None:
    males = sheets["MYE2 - Males"]
    for n, row in enumerate(sheets["MYE2 - Persons"]):
        row.extend(males[n])


def names_one_cell_off(sheets: Sheets) -> None:
    rows = sheets["RSX_LA_Data_202425"]
    machine = next(row for row in rows if any(str(c).startswith("RSX-") for c in row))
    machine[:] = ["", *machine[:-1]]


def test_a_newer_workbook_of_outcomes_with_other_sheet_names_is_read_whole(given_data: Path) -> None:
    right = reread("ascof 2024-25", lambda _: None)
    found = reread("ascof 2024-25", renamed)
    assert len(found) == len(right)
    assert found["value"].equals(right["value"])


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("ascof 2024-25", replaced("Table_2b", 6, 5, "2024 to 2025 - rate"), "heading '2024 to 2025 - rate' is not"),
        ("ascof 2024-25", replaced("Table_2b", 6, 2, "Area"), "no header row local authority code"),
        ("population mid-2023", doubled("MYE2 - Persons", 94, other, "85+", 7), "heading '85\\+' is not one this layout knows"),
        ("population mid-2023", doubled("MYE2 - Persons", 94, other, head=7), "heading '90' or '90\\+' stands 2 times"),
        ("population mid-2023", males_beside, "stands 2 times"),
        ("activity_and_finance 2015-16 additional", doubled("", 8, other), "heading 'ITEMVALUE' or 'Value' stands 2 times"),
        ("deprivation 2019", doubled("IMD", 4, other), "heading 'IMD - Average score' stands 2 times"),
        (
            "ascof 2020-21",
            doubled("in", 7, other, "Measure Value 2019-20"),
            "heading 'measurevalue201920' is not one this layout knows",
        ),
        (
            "delayed_transfers 2017-04",
            replaced("LA - by responsible org", 13, 6, "Soc Care"),
            "expected headings Region, ONS Geography",
        ),
        ("revenue_outturn 2024-25 all services", names_one_cell_off, "the machine's name RSX-"),
        ("activity_and_finance 2016-17", lambda s: s[""].insert(9, list(s[""][8])), "the same line stands twice"),
        ("activity_and_finance 2016-17", lambda s: s[""].pop(9), "its councils are"),
    ],
)
def test_a_layout_that_drifted_a_little_is_refused(given_data: Path, name: str, change: Change, says: str) -> None:
    with pytest.raises(LayoutError, match=says):
        reread(name, change)


@pytest.mark.parametrize(
    ("name", "edition", "says"),
    [
        ("ascof 2020-21", "2019-20", "its councils are not those of 2019-20: E06000060 .*; its councils are those of 2020-21"),
        ("ascof 2020-21", "2022-23", "its councils are not those of 2022-23: E10000021 .*; its councils are those of 2020-21"),
        ("activity_and_finance 2015-16 additional", "2017-18 lines", "heading 'Council Name' is not one this layout knows"),
        ("activity_and_finance 2016-17 activity", "2015-16 activity", "FY_Ending is '2017'; 2015-16 ends in 2016"),
        ("revenue_outturn 2024-25 all services", "2023-24 all services", "expected 2023-24; it is of 2024-25"),
        ("population mid-2023", "mid-2022", "expected estimates of mid-2022"),
        ("delayed_transfers 2017-04", "2017-05", "it is of 2017-04, not of 2017-05"),
        ("deprivation 2019", "2015", r"expected codes of \(2013\)"),
    ],
)
def test_another_years_file_is_refused_with_both_years(given_data: Path, name: str, edition: str, says: str) -> None:
    with pytest.raises(LayoutError, match=says):
        reread(name, lambda _: None, edition)


def test_figures_of_another_year_are_known_by_their_numbers(given_data: Path) -> None:
    """Two years with the same councils, in a layout that states no year: the numbers tell."""
    figures = reread("ascof 2020-21", lambda _: None)
    folder = get_settings().figures_dir
    prove_year(figures, "ascof", folder, "x.xlsx")
    with pytest.raises(LayoutError, match=r"its figures of 2021-22 are those of 2020-21: 100% are equal"):
        prove_year(figures.assign(financial_year="2021-22", period="2021-22"), "ascof", folder, "x.xlsx")


def test_a_mark_that_is_new_says_how_to_add_it(given_data: Path) -> None:
    change = replaced("RSX_LA_Data_202425", 7 + 20, 34, "[note 4]")
    found = reread("revenue_outturn 2024-25 all services", change)
    assert "[note 4]" in set(found["mark"]) or len(found) == 154
    with pytest.raises(
        LayoutError, match=r"'\[q\]' is neither a number nor a known mark .* add it with its meaning to `marks` of the layout"
    ):
        reread("revenue_outturn 2024-25 all services", replaced("RSX_LA_Data_202425", 7 + 20, 34, "[q]"))


@pytest.mark.parametrize("code", ["e06000001", "E06000001\u200b", "\u00a0E06000001 "])
def test_a_code_badly_written_is_still_that_council(given_data: Path, code: str) -> None:
    def change(sheets: Sheets) -> None:
        row = next(r for r in sheets["IMD"] if r[0] == "E06000001")
        row[0] = code

    assert "E06000001" in set(reread("deprivation 2019", change)["area_code"])


def test_a_cell_that_holds_an_error_is_not_an_empty_cell() -> None:
    """calamine gives the two alike."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"] = 1
    content, broken = io.BytesIO(), io.BytesIO()
    book.save(content)
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(broken, "w") as new:
        for name in old.namelist():
            number, error = b'<c r="A1" t="n"><v>1</v></c>', b'<c r="A1" t="e"><v>#REF!</v></c>'
            new.writestr(name, old.read(name).replace(number, error))
    with pytest.raises(LayoutError, match=r"a cell holds an error in place of a value \(#REF!\)"):
        read_edition(sources()["deprivation"], "2019", broken.getvalue(), "x.xlsx")


def test_a_cell_of_an_xls_workbook_that_holds_an_error_is_not_an_empty_cell(given_data: Path) -> None:
    """A number of a real file turned into an error, in the bytes of its record."""
    content = (given_data / "publisher" / "population" / "ukmidyearestimates2016.xls").read_bytes()
    number, error, unknown = b"\x03\x02\x0e\x00", b"\x05\x02\x08\x00", b"\xff\x0f\x02\x00\x00\x00"
    at = content.index(number)
    record = error + content[at + 4 : at + 10] + b"\x17\x01" + unknown  # row, column and format stay; #REF!; as long as before
    broken = content[:at] + record + content[at + len(record) :]
    assert len(broken) == len(content)
    with pytest.raises(LayoutError, match=r"the cell holds an error in place of a value \(#REF!\)"):
        read_edition(sources()["population"], "mid-2016", broken, "x.xls")


def test_first_and_second_release_of_a_form_are_read_by_one_layout(given_data: Path) -> None:
    """The first release of 2024-25's form had `[note 4]` in place of what one council could not give."""
    described = sources()["revenue_outturn"].editions
    assert described["2024-25, first release"].layout == described["2024-25"].layout == "social_care_form"
    sample = Sample("revenue_outturn", "2024-25", "revenue_outturn/RO3_2024-25.ods", "RO3_LA_Data_202425", 6, (301,), 1)

    def change(sheets: Sheets) -> None:
        row = next(r for r in sheets[sample.sheet] if r[1] == "E08000037")
        row[112] = "[note 4]"

    found = reread("", change, "2024-25, first release", sample)
    marked = found[(found["area_code"] == "E08000037") & (found["item"] == "ro3_ascphyold_net_current_expenditure")]
    assert marked[["mark", "edition"]].to_numpy().tolist() == [["[note 4]", "2024-25, first release"]]
