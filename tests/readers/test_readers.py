"""Readers: spot values written down from publishers' files by hand, totals, and layouts that are not the expected ones."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from orchestration.acquisition.embed import compile_figures, council_counts
from orchestration.figures import FIGURE_COLUMNS, figure_files, read_figures
from orchestration.readers.activity_and_finance import read_finance_tables, read_finance_totals_2016_17
from orchestration.readers.cells import LayoutError, cell_name
from orchestration.readers.deflators import read_deflators
from orchestration.readers.delayed_transfers import financial_year_of, read_delayed_transfers
from orchestration.readers.deprivation import read_deprivation
from orchestration.readers.fingertips import read_fingertips
from orchestration.readers.ledger import Ledger
from orchestration.readers.population import read_population
from orchestration.settings import Settings
from orchestration.sources.model import sources
from tests.conftest import one


@pytest.mark.parametrize(
    ("row", "column", "name"), [(0, 0, "A1"), (13, 5, "F14"), (0, 25, "Z1"), (9, 26, "AA10"), (0, 701, "ZZ1"), (0, 702, "AAA1")]
)
def test_cell_names(row: int, column: int, name: str) -> None:
    assert cell_name(row, column) == name


@pytest.mark.parametrize("mark", ["", "-", "[x]", "[c]", ":", "*", "NA"])
def test_a_mark_is_never_zero(mark: str) -> None:
    assert Ledger().value(mark, "A1") == (None, mark)


def test_numbers_with_commas_are_read_and_other_text_is_refused() -> None:
    assert Ledger().value(" 1,234.5 ", "A1") == (1234.5, "")
    assert Ledger().value(0, "A1") == (0.0, "")
    with pytest.raises(LayoutError, match=r"Sheet!B7: 'about ten' is neither"):
        Ledger().value("about ten", "Sheet!B7")
    for text, value in (("-3", -3), ("12.", 12), (".5", 0.5), ("1,234,567", 1234567), ("2.1e3", 2100), ("0", 0)):
        assert Ledger().value(text, "A1") == (value, "")
    for text in (
        "nan",
        "inf",
        "1_000",
        "12,34",
        "1,2345",
        "1e999",
        "£5",
        "5%",
        "1 234",
        "#REF!",
        "١٢",
        float("nan"),
        True,
        "e5",
        "+",
    ):
        with pytest.raises(LayoutError, match="is neither a number"):
            Ledger().value(text, "A1")


def test_months_fall_in_financial_years() -> None:
    assert financial_year_of(2018, 3) == "2017-18"
    assert financial_year_of(2018, 4) == "2018-19"
    assert financial_year_of(2099, 12) == "2099-00"


def delayed_transfers_workbook(**changes: object) -> bytes:
    """A workbook laid out as the publisher's, small enough to see through."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = str(changes.get("sheet", "LA - by responsible org"))
    sheet["C5"] = str(changes.get("period", "June 2016"))
    header = [
        "Region",
        str(changes.get("ons", "")),
        "Code",
        "Name",
        *changes.get("columns", ["NHS", "Social Care", "Both", "Total"]),
    ]
    for column, heading in enumerate(header, start=2):
        sheet.cell(14, column, heading)
    rows = [
        ["-", "-", "-", "England", 13, 6, 3, 22],
        [None] * 8,
        ["North East", "E06000001", "111", "Hartlepool UA", 10, 5, 2, 17],
        ["North East", "", "112", "Middlesbrough UA", 3, "-", 1, 4],
        ["-", "-", "9900", "Resident In Wales", 0, 1, 0, 1],
        ["", "", "", "Notes: see the website", None, None, None, None],
    ]
    for number, row in enumerate(rows, start=15):
        for column, value in enumerate(row, start=2):
            sheet.cell(number, column, value)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_delayed_transfers_small_workbook() -> None:
    frame = read_delayed_transfers(delayed_transfers_workbook())
    assert list(frame.columns) == list(FIGURE_COLUMNS)
    assert len(frame) == 16
    hartlepool = one(frame, area_code="E06000001", breakdown="social_care")
    assert (hartlepool["value"], hartlepool["financial_year"], hartlepool["period"]) == (5, "2016-17", "2016-06")
    assert hartlepool["locator"] == "LA - by responsible org!G17"
    without_ons = one(frame, area_code="cassr:112", breakdown="social_care")
    assert pd.isna(without_ons["value"])
    assert without_ons["mark"] == "-"
    assert one(frame, area_code="non_resident:9900", breakdown="total")["value"] == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sheet": "Something else"}, "no sheet named 'LA - by responsible org'; found 'Something else'"),
        (
            {"columns": ["NHS", "Both", "Total", "Other"]},
            "expected headings Region, ONS Geography, Code, Name, NHS, Social Care, Both, Total",
        ),
        ({"ons": "ONS Geography"}, r"E18: neither '' is a code of ONS nor '112' one of a council|D18: neither"),
        ({"period": "Spring"}, "cell C5: expected a month such as 'June 2016', found 'Spring'"),
    ],
)
def test_another_layout_is_refused_and_named(changes: dict[str, object], says: str) -> None:
    with pytest.raises(LayoutError, match=says):
        read_delayed_transfers(delayed_transfers_workbook(**changes))


def test_a_web_page_is_not_a_workbook() -> None:
    with pytest.raises(LayoutError, match="not a workbook that can be read"):
        read_delayed_transfers(b"<!doctype html><title>Not found</title>")


def test_deflators_keep_the_mark_of_forecast_years() -> None:
    content = b'\xef\xbb\xbf,x\n,Financial year,2022-23 = 100,per cent change on previous year\n,2020-21,75.164,\n,2021-22,93.629,\n,2022-23,100.000,\n,"2023-24 (1), (2)",-,\n'
    frame = read_deflators(content, "2021-22")
    assert frame["financial_year"].tolist() == ["2021-22", "2022-23", "2023-24"]
    assert frame["locator"].tolist() == ["C4", "C5", "C6"]
    assert frame["mark"].tolist() == ["", "", "-"]
    assert frame["value"].isna().tolist() == [False, False, True]
    with pytest.raises(LayoutError, match="= 100"):
        read_deflators(b",,\n")


def fingertips_csv(*rows: str) -> bytes:
    header = (
        "Indicator ID,Indicator Name,Parent Code,Area Code,Area Name,Sex,Age,Category Type,Category,Time period,Value,Value note"
    )
    return ("\ufeff" + "\n".join([header, *rows]) + "\n").encode()


def test_fingertips_takes_each_area_once_and_leaves_inequalities_out() -> None:
    frame = read_fingertips(
        fingertips_csv(
            "41401,Hip fractures,E12000001,E92000001,England,Persons,65+,,,2019/20,572.3,",
            "41401,Hip fractures,E12000002,E92000001,England,Persons,65+,,,2019/20,572.3,",
            "41401,Hip fractures,E12000001,E06000001,Hartlepool,Persons,65+,,,2019/20,601.0,",
            "41401,Hip fractures,E12000001,E06000001,Hartlepool,Female,65+,,,2019/20,700.0,",
            "41401,Hip fractures,E12000001,E06000001,Hartlepool,Persons,65+,Deprivation deciles,Most deprived,2019/20,900.0,",
            "41401,Hip fractures,E12000001,E06000053,Isles of Scilly,Persons,65+,,,2019/20,,Value suppressed",
        )
    )
    assert frame["area_code"].tolist() == ["E92000001", "E06000001", "E06000053"]
    assert one(frame, area_code="E06000001")["value"] == 601.0
    assert (one(frame, area_code="E06000053")["mark"], one(frame, area_code="E06000001")["financial_year"]) == (
        "Value suppressed",
        "2019-20",
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,b\n1,2\n", "heading 'Indicator ID' is missing"),
        (fingertips_csv("1,x,p,E06000001,n,Persons,65+,,,2019,5,"), "expected a financial year such as 2017/18"),
        (
            fingertips_csv("1,x,p,E06000001,n,Persons,65+,,,2019/20,5,", "1,x,p,E06000001,n,Persons,65+,,,2019/20,6,"),
            "two values for",
        ),
    ],
)
def test_another_fingertips_layout_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(LayoutError, match=says):
        read_fingertips(content)


# --- on publishers' own files -------------------------------------------------------------------------------------------


def test_every_delayed_transfer_month_adds_up_to_england(given_data: Path) -> None:
    files = sorted((given_data / "publisher" / "delayed_transfers").glob("*.xls"))
    assert len(files) == 66
    for path in files:
        frame = read_delayed_transfers(path.read_bytes())
        for organisation, rows in frame.groupby("breakdown"):
            england = rows.loc[rows["area_code"] == "E92000001", "value"].sum()
            assert england == rows.loc[rows["area_code"] != "E92000001", "value"].sum(), (path.name, organisation)


def test_spot_values_of_delayed_transfers(given_data: Path) -> None:
    folder = given_data / "publisher" / "delayed_transfers"
    december = read_delayed_transfers((folder / "Dec_17.xls").read_bytes())
    assert one(december, area_code="E06000015", breakdown="nhs")["value"] == 365
    assert one(december, area_code="E06000015", breakdown="social_care")["locator"] == "LA - by responsible org!G17"
    assert one(december, area_code="E92000001", breakdown="total")["value"] == 145040
    april = read_delayed_transfers((folder / "April_15.xls").read_bytes())
    assert one(april, area_code="cassr:506", breakdown="total")["value"] == 1617


def test_population_of_england_is_the_published_one_and_councils_add_up_to_it(given_data: Path) -> None:
    folder = given_data / "publisher" / "population"
    at_hand = {
        int(e.financial_year[:4]): folder / e.file_name
        for e in sources()["population"].editions.values()
        if (folder / e.file_name).exists()
    }
    assert set(at_hand) == set(range(2015, 2024))
    for year, path in at_hand.items():
        frame = read_population(path.read_bytes(), year)
        for _, rows in frame.groupby("breakdown"):
            england = rows.loc[rows["area_code"] == "E92000001", "value"].item()
            assert england == rows.loc[rows["area_code"] != "E92000001", "value"].sum(), year
        if year == 2015:
            # By hand: all ages less the single-year cells of those under 18 and of those 65 and over.
            assert one(frame, area_code="E06000001", breakdown="18_to_64")["value"] == 55360


def test_2016_17_finance_totals(given_data: Path) -> None:
    frame = read_finance_totals_2016_17((given_data / "publisher" / "activity_and_finance" / "CSV ASCFR Totals.csv").read_bytes())
    assert frame["area_code"].nunique() == 151
    once = frame[frame["item"] != "gross_current_expenditure_equipment"]  # equipment is one of the other lines, given again
    assert once["value"].sum() == pytest.approx(17_526_378.16, abs=0.01)  # GBP thousand: the published 17.53 billion


def test_2021_22_tables(given_data: Path) -> None:
    path = given_data / "publisher" / "activity_and_finance" / "ASCFR and SALT Data Tables 2021-22.xlsx"
    layout = sources()["activity_and_finance"].layouts["data_tables"]
    frame = read_finance_tables(path.read_bytes(), "2021-22", **layout.options, ledger=Ledger(marks=list(layout.marks)))
    england = frame[frame["area_code"] == "E92000001"]
    assert one(england, item="gross_current_expenditure", financial_year="2020-21")["value"] == pytest.approx(
        21_242_497.4985, abs=1e-3
    )
    assert one(england, item="gross_current_expenditure", financial_year="2021-22")["value"] == pytest.approx(
        21_958_360.1291, abs=1e-3
    )
    long_term = one(england, item="gross_current_expenditure_long_term", breakdown="65_and_over", financial_year="2021-22")
    assert long_term["value"] == pytest.approx(8_292_035.4832, abs=1e-3)
    # T38 by hand: England, 65 and over: 359,795 clients, of them 42,180 in nursing and 94,520 in residential care.
    community = one(england, item="long_term_clients_in_community")
    assert (community["value"], community["locator"]) == (359795 - 42180 - 94520, "T38!W10 less T38!O10 less T38!P10")
    assert one(england, item="long_term_clients")["value"] == 359795
    northumberland = one(frame, area_code="E06000057", item="st_max_completed_per_100k")
    assert (northumberland["value"], northumberland["unit"]) == (3200, "per_100k")
    assert set(frame.loc[frame["value"].isna(), "mark"]) == {"[x]", "[c]"}


def test_deprivation(given_data: Path) -> None:
    folder = given_data / "publisher" / "deprivation"
    frame = read_deprivation((folder / "File_11_ID_2015_Upper-tier_Local_Authority_Summaries.xlsx").read_bytes(), 2015, 2013)
    assert one(frame, area_code="E06000002", item="imd_average_score")["value"] == 40.216
    assert one(frame, area_code="E06000002", item="imd_average_score")["locator"] == "IMD!E3"


@pytest.mark.slow
def test_the_embedded_figures_are_what_the_command_compiles(given_data: Path, tmp_path: Path) -> None:
    compile_figures(given_data, tmp_path)
    embedded = Settings().figures_dir
    ours = {p.relative_to(embedded): p.read_bytes() for p in embedded.rglob("*.csv")}
    compiled = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*.csv")}
    assert ours.keys() == compiled.keys()
    assert [str(name) for name in ours if ours[name] != compiled[name]] == []
    assert sum(len(content) for content in ours.values()) < 25_000_000


def test_the_agreed_counts_are_those_of_the_embedded_figures() -> None:
    settings = Settings()
    figures = pd.concat([read_figures(path) for path in figure_files(settings.figures_dir)])
    agreed = pd.read_csv(settings.expectations_dir / "agreed_council_counts.csv", dtype=str)
    pd.testing.assert_frame_equal(council_counts(figures).astype(str).reset_index(drop=True), agreed)
