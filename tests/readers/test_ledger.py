"""What a reading is held to, by itself: headings, rows, areas, marks and totals."""

from __future__ import annotations

import pytest

from orchestration.readers.cells import LayoutError
from orchestration.readers.ledger import Ledger

WANTED = {"code": ["Code"], "value": ["Value"]}


def test_a_row_with_numbers_is_read_or_passed_over_for_a_reason() -> None:
    ledger = Ledger()
    rows: list[list[object]] = [["E06000001", 5], ["E12000001", 7], ["Notes", ""], ["?", 9]]
    with pytest.raises(LayoutError, match=r"sheet, row 4: it holds numbers and is no row this layout knows: \?, 9"):
        for _, row in ledger.each(rows, 0, "sheet"):
            if row[0] == "E06000001":
                ledger.read()
            elif row[0] == "E12000001":
                ledger.skip("regions")
    assert (ledger.rows_read, dict(ledger.skipped)) == (1, {"regions": 1, "rows without a number": 1})


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (["Code"], "heading 'Value' is missing; found Code"),
        (["Code", "Value", "value "], "heading 'Value' stands 2 times"),
        (["Code", "Value", "Rate"], "column C: heading 'Rate' is not one this layout knows"),
        (["Code", "Value", "Value 2019-20"], "heading 'Value 2019-20' is not one this layout knows, beside 'Value'"),
    ],
)
def test_headings_stand_once_and_are_all_known(found: list[str], says: str) -> None:
    with pytest.raises(LayoutError, match=says):
        Ledger(unused_headings=["name"]).headings(found, WANTED, "sheet")
    assert Ledger(unused_headings=["name"]).headings(["Name", "code", "VALUE"], WANTED, "sheet") == {"code": 1, "value": 2}


def test_where_a_layout_was_never_seen_whole_only_what_looks_like_a_wanted_heading_is_refused() -> None:
    ledger = Ledger()
    assert ledger.headings(["Code", "Value", "Rate"], WANTED, "sheet") == {"code": 0, "value": 1}
    assert dict(ledger.headings_unused) == {"rate": 1}
    with pytest.raises(LayoutError, match="beside 'Value'"):
        ledger.headings(["Code", "Value", "Value (revised)"], WANTED, "sheet")


def test_a_total_is_its_parts_and_a_marked_part_bounds_it() -> None:
    ledger = Ledger(known_differences={"T!A1": (10.0, 9.0)})
    ledger.total("T!B1", 9.0, [4.0, 5.0], 0.5)
    ledger.total("T_!x", 100.0, [40.0, 45.0, None], 0.5)
    ledger.total("t!a1", 10.0, [4.0, 5.0], 0.5)
    assert (ledger.totals_compared, ledger.totals_not_comparable, ledger.differences_met) == (2, 1, {"T!A1"})
    with pytest.raises(LayoutError, match=r"T!B2: the file says 10, the sum of 2 parts is 9"):
        ledger.total("T!B2", 10.0, [4.0, 5.0], 0.5)
    with pytest.raises(LayoutError, match="the file says 5,000"):
        ledger.total("T!B3", 5000.0, [40.0, 45.0, None], 0.5)


@pytest.mark.parametrize("code", ["", "E0600000", "E060000011", "Leeds", "None"])
def test_a_code_that_is_none_is_never_passed_over(code: str) -> None:
    with pytest.raises(LayoutError, match="is no code of an area"):
        Ledger().area(code, "T!A1")


def test_a_mark_may_have_a_number_in_it() -> None:
    ledger = Ledger(marks=["[note <number>]", "[x]"])
    assert ledger.value("[note 14]", "T!A1") == (None, "[note 14]")
    with pytest.raises(LayoutError, match=r"'\[note\]' is neither a number nor a known mark"):
        ledger.value("[note]", "T!A1")
