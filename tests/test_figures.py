"""Figures as files: read back what was written, and say what is wrong with a file that is not one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.figures import FIGURE_COLUMNS, figure_files, figures_frame, format_value, read_figures, write_figures

ROW = {
    "source": "ascof",
    "edition": "2017-18",
    "framework": "ascof_2014",
    "financial_year": "2017-18",
    "period": "2017-18",
    "area_code": "E06000001",
    "item": "1A",
    "breakdown": "total",
    "unit": "score",
    "value": 19.7,
    "mark": "",
    "locator": "row: 1A",
}


def test_figures_survive_the_round_trip_and_a_mark_stays_a_mark(tmp_path: Path) -> None:
    frame = figures_frame([ROW, {**ROW, "area_code": "E06000002", "value": None, "mark": "[c]"}])
    write_figures(frame, tmp_path / "2017-18.csv")
    back = read_figures(tmp_path / "2017-18.csv")
    pd.testing.assert_frame_equal(back, frame)
    assert back["value"].isna().tolist() == [False, True]
    assert back["mark"].tolist() == ["", "[c]"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_reads_back_as_the_same_number(value: float) -> None:
    assert float(format_value(value)) == value


def test_a_missing_column_is_named_with_its_file(tmp_path: Path) -> None:
    pd.DataFrame([ROW]).drop(columns="mark").to_csv(tmp_path / "2017-18.csv", index=False)
    with pytest.raises(ValueError, match=r"2017-18\.csv: column mark is missing"):
        read_figures(tmp_path / "2017-18.csv")


def test_a_mark_in_the_value_column_is_refused_with_line_and_figure(tmp_path: Path) -> None:
    pd.DataFrame([ROW, {**ROW, "value": ":"}]).to_csv(tmp_path / "2017-18.csv", index=False)
    with pytest.raises(ValueError, match=r"line 3: value ':' of ascof_2014 1A for E06000001 in 2017-18 is not a number"):
        read_figures(tmp_path / "2017-18.csv")


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="git checkout data/figures"):
        figure_files(tmp_path)


def test_columns_are_the_contract() -> None:
    assert tuple(ROW) == FIGURE_COLUMNS
