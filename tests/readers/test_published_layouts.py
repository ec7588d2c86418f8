"""Readers of layouts: revenue outturn, SALT, discharge ready date, the ASCOF series. Small files of the published layout, and real ones."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from orchestration.acquisition.reading import ledger_of
from orchestration.readers.ascof_time_series import read_ascof_time_series
from orchestration.readers.cells import LayoutError
from orchestration.readers.discharge_ready_date import item_name, read_discharge_ready_date, year_sums
from orchestration.readers.ledger import Ledger
from orchestration.readers.revenue_outturn import ADULT_SOCIAL_CARE, read_form, read_many_years
from orchestration.readers.salt import Count, label, read_salt
from orchestration.sources.model import sources
from tests.conftest import one

COUNCILS = ("E06000001", "E08000016")


# Revenue outturn


def form(lines: tuple[str, ...] = ADULT_SOCIAL_CARE, sheet_name: str = "RO3_LA_Data_202526", gap: int = 2) -> bytes:
    """A form with `gap` columns before the first line, a council that had not submitted, and a class of councils."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = sheet_name
    for note in ("Revenue Outturn", "Notes"):
        sheet.append([note])
    between = [f"Children {n}" for n in range(gap)]
    sheet.append(["E-code", "ONS Code", "Local authority", "Class", *between, *[f"Line {n} - Net" for n in lines]])
    sheet.append(["E0701", "E06000001", "Hartlepool UA", "UA", *[7] * gap, *[100 + n for n in range(len(lines))]])
    sheet.append(["E4401", "E08000016", "Barnsley", "MD", *["[x]"] * gap, *["[x]"] * len(lines)])
    sheet.append(["E3831", "E07000223", "Adur", "SD", *[1] * gap, *[1] * len(lines)])
    sheet.append(["Eng", "E92000001", "ENGLAND", "Eng", *[7] * gap, *[200 + n for n in range(len(lines))]])
    sheet.append(["[Y]", "E06", "Unitary Authorities", "UA", *[7] * gap, *[100 + n for n in range(len(lines))]])
    sheet.append(["[Y]", "E08", "Metropolitan Districts", "MD", *[7] * gap, *[100] * len(lines)])
    sheet.append(["", "", "", "", *[f"RO3-cscs{n}-empl" for n in range(gap)], *[f"RO3-{n}-net-cur-exp" for n in lines]])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@pytest.mark.parametrize("gap", [0, 5])
def test_a_form_is_read_by_the_machines_names(gap: int) -> None:
    figures = read_form(form(gap=gap), "2025-26")
    assert set(figures["area_code"]) == {"E06000001", "E08000016", "E92000001"}
    total = one(figures, area_code="E06000001", item="ro3_asctot_net_current_expenditure")
    assert (total["value"], total["unit"], total["breakdown"], total["financial_year"]) == (
        110,
        "gbp_thousand",
        "total",
        "2025-26",
    )
    assert one(figures, area_code="E92000001", item="ro3_ascphyold_net_current_expenditure")["breakdown"] == "65_and_over"
    unsubmitted = figures[figures["area_code"] == "E08000016"]
    assert unsubmitted["value"].isna().all()
    assert set(unsubmitted["mark"]) == {"[x]"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (form(sheet_name="RS_LA_Data_202526"), r"no sheet named RO3_LA_Data…; found 'RS_LA_Data_202526'"),
        (form(lines=ADULT_SOCIAL_CARE[:-1]), r"no column RO3-asctot-net-cur-exp; found RO3-cscs0-empl"),
        (b"<html>", "not a workbook"),
    ],
)
def test_another_form_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(LayoutError, match=says):
        read_form(content, "2025-26")


def many_years(**changes: str) -> bytes:
    columns = {f"RO3_{n}_net_cur_exp": "5" for n in ADULT_SOCIAL_CARE}
    rows = [
        {"year_ending": "201803", "ONS_code": "E06000001", "LA_name": "Hartlepool", "status": "submitted", **columns},
        {
            "year_ending": "202503",
            "ONS_code": "E08000025",
            "LA_name": "Birmingham",
            "status": "not submitted",
            **dict.fromkeys(columns, "[x]"),
        },
        {"year_ending": "202503", "ONS_code": "E92000001", "LA_name": "England", "status": "total", **columns},
    ]
    return pd.DataFrame(rows).rename(columns=changes).to_csv(index=False).encode()


def test_many_years_in_one_file() -> None:
    figures = read_many_years(many_years())
    assert set(figures["financial_year"]) == {"2017-18", "2024-25"}
    assert set(figures["area_code"]) == {"E06000001", "E08000025"}
    assert one(figures, area_code="E06000001", item="ro3_asctot_net_current_expenditure")["value"] == 5
    assert figures[figures["area_code"] == "E08000025"]["value"].isna().all()
    with pytest.raises(LayoutError, match="heading 'RO3_asctot_net_cur_exp' is missing"):
        read_many_years(many_years(RO3_asctot_net_cur_exp="RO3_asctot_nce"))
    with pytest.raises(LayoutError, match="year_ending '2018'"):
        read_many_years(many_years().replace(b"201803", b"2018"))


def test_the_form_of_2024_25_against_values_written_down_from_it(given_data: Path) -> None:
    figures = read_form((given_data / "publisher" / "revenue_outturn" / "RO3_2024-25.ods").read_bytes(), "2024-25")
    england = figures[figures["area_code"] == "E92000001"].set_index("item")["value"]
    published = {
        "ascphyadl": 1_963_925,
        "ascphyold": 6_104_496,
        "ascsnsadl": 78_587,
        "ascsnsold": 97_028,
        "ascmmradl": 133_423,
        "ascmmrold": 1_530_418,
        "asclrnadl": 7_449_366,
        "asclrnold": 925_429,
        "ascmntadl": 1_452_449,
        "ascmntold": 758_150,
        "asctot": 25_243_898,
    }
    for line, value in published.items():
        assert round(england[f"ro3_{line}_net_current_expenditure"]) == value
    assert figures["area_code"].nunique() == 154
    marked = figures[(figures["item"] == "ro3_asctot_net_current_expenditure") & figures["value"].isna()]
    assert set(marked["area_code"]) == {"E08000025", "E06000039", "E06000063"}


# SALT


def salt(rows: list[dict[str, str]]) -> bytes:
    base = {
        "SHEET": "LTS002a",
        "TABLE": "1",
        "FY_Ending": "2019",
        "AgeBand_Key": "99",
        "Gender_Key": "99",
        "RouteOfAccess_Key": "99",
    }
    return pd.DataFrame([base | r for r in rows]).to_csv(index=False).encode("utf-8-sig")


def events(**values: str) -> list[dict[str, str]]:
    return [{"GEOGRAPHY_CODE": "E06000001", "SignificantEvent_Key": key, "ITEMVALUE": value} for key, value in values.items()]


HOSPITAL = Count(
    "unplanned_reviews_hospital", {"SHEET": ("LTS002a",), "SignificantEvent_Key": ("hospital_planned", "hospital_unplanned")}
)


def test_a_count_adds_up_the_keys_it_names_and_takes_totals_of_the_others() -> None:
    content = salt(
        [
            *events(hospital_planned="40", hospital_unplanned="1,065", carer="5"),
            {**events(hospital_planned="9")[0], "AgeBand_Key": "18-64"},  # part of the total above
            {**events(hospital_planned="77")[0], "GEOGRAPHY_CODE": "E12000001"},  # a region
        ]
    )
    figure = one(read_salt(content, [HOSPITAL]), item="unplanned_reviews_hospital")
    assert (figure["value"], figure["area_code"], figure["financial_year"]) == (1105, "E06000001", "2018-19")
    assert figure["locator"] == "lines 2, 3 (sum)"


@pytest.mark.parametrize("mark", [":", "*", "[c]"])
def test_a_marked_part_leaves_the_count_marked(mark: str) -> None:
    figure = read_salt(salt(events(hospital_planned=mark, hospital_unplanned="65")), [HOSPITAL]).iloc[0]
    assert pd.isna(figure["value"])
    assert figure["mark"] == mark


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            salt(events(hospital_planned="1", carer="2")),
            "SignificantEvent_Key never has hospital_unplanned; it has carer, hospital_planned",
        ),
        (salt(events(hospital_planned="1", hospital_unplanned="2") * 2), "lines 2, 4 are the same cell of E06000001"),
        (salt(events(hospital_planned="many", hospital_unplanned="2")), "line 2: 'many' is neither"),
        (b"SHEET,ITEMVALUE\nLTS002a,1\n", "heading 'GEOGRAPHY_CODE' or 'GeographyCode' is missing; found SHEET, ITEMVALUE"),
    ],
)
def test_a_count_that_cannot_be_taken_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(LayoutError, match=says):
        read_salt(content, [HOSPITAL])


def test_the_columns_of_2024_25() -> None:
    content = b"FYEnding,Measure,View,GeographyCode,AgeBand,ITEMVALUE\n2025,LTS002a,1,E06000001,99,[c]\n2025,LTS002a,1,E08000016,99,85\n"
    figures = read_salt(content, [Count("unplanned_reviews", {"Measure": ("LTS002a",), "View": ("1",), "AgeBand": ("99",)})])
    assert figures["value"].tolist()[1] == 85
    assert figures["mark"].tolist() == ["[c]", ""]
    assert set(figures["financial_year"]) == {"2024-25"}


@pytest.mark.parametrize("text", ["2019", "31/03/2019", "201819", "2018-19", "2018/19"])
def test_financial_years_as_they_are_written(text: str) -> None:
    assert label(text) == "2018-19"


def test_a_year_that_is_none_is_refused() -> None:
    with pytest.raises(LayoutError, match="financial year 'last'"):
        label("last")


# Discharge ready date


def discharges(days: str = "30", count: str = "10", **changes: str) -> bytes:
    rows = [
        {"Data Type": kind, "Upper Tier Local Authority Code": area, "Region": "North", "Measure": measure, "Value": value}
        for kind, area in (("UTLA Aggregate", "E06000001"), ("Provider Aggregate", ""), ("National", ""))
        for measure, value in (("Total days (delay)", days), ("Discharges", count), ("% from acceptable trusts", "95.0%"))
    ]
    return pd.DataFrame(rows).rename(columns=changes).to_csv(index=False).encode("utf-8-sig")


def test_a_month_of_discharges() -> None:
    figures = read_discharge_ready_date(discharges(days="[z]"), 2024, 4)
    assert len(figures) == 3
    assert one(figures, item="discharges")[["value", "unit", "period", "financial_year"]].tolist() == [
        10,
        "count",
        "2024-04",
        "2024-25",
    ]
    assert one(figures, item="total_days_delay")["mark"] == "[z]"
    assert one(figures, item="pct_from_acceptable_trusts")[["value", "unit"]].tolist() == [95, "pct"]
    assert item_name("% of all UTLA discharges") == "pct_of_all_utla_discharges"


def test_a_year_is_its_twelve_months_and_a_mark_stays_a_mark() -> None:
    months = [read_discharge_ready_date(discharges(), 2024 + (n > 12), (n - 1) % 12 + 1) for n in range(4, 16)]
    year = year_sums(months, {"total_days_delay": "delay_days", "discharges": "discharges"})
    assert one(year, item="delay_days")["value"] == 360
    assert one(year, item="discharges")[["value", "period"]].tolist() == [120, "2024-25"]
    months[3] = read_discharge_ready_date(discharges(days="*"), 2024, 7)
    assert one(year_sums(months, {"total_days_delay": "delay_days"}), item="delay_days")[["mark"]].tolist() == ["*"]
    with pytest.raises(LayoutError, match="needs its twelve months"):
        year_sums(months[1:], {"discharges": "discharges"})
    with pytest.raises(LayoutError, match="no measure beds; found discharges"):
        year_sums(months, {"beds": "beds"})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (discharges(Measure="Metric"), "heading 'Measure' is missing; found Data Type"),
        (discharges().replace(b"UTLA Aggregate", b"LA"), "Data Type 'LA' is neither 'UTLA Aggregate'"),
        (discharges().replace(b"UTLA Aggregate", b"Region"), "no row with Data Type 'UTLA Aggregate'; found National"),
        (discharges().replace(b"Discharges", b"Total days (delay)"), "stands twice for its council"),
    ],
)
def test_another_layout_of_discharges_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(LayoutError, match=says):
        read_discharge_ready_date(content, 2024, 4)


# ASCOF series


def series(header: list[str], row: list[object], title: str = "Table 3d(1a): self-directed support") -> bytes:
    """A sheet of one measure: England, the nine regions and a council with the same row, and a type of council without a code."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Table_3d(1a)"
    sheet.append([title])
    sheet.append(["Local authority code", "Local authority", "ONS area code", *header])
    for code in ("E92000001", *(f"E1200000{n}" for n in range(1, 10)), "E06000001"):
        sheet.append(["714", "An area", code, *row])
    sheet.append(["S", "Shire Counties", "[z]", *row])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


KNOWN = Ledger(unused_rows=["shire counties"])


def test_a_series_has_a_column_for_each_year_and_statistic() -> None:
    header = [
        f"{years} - {statistic}"
        for years in ("2022 to 2023", "2023 to 2024")
        for statistic in ("margin of error", "number of respondents", "outcome")
    ]
    figures = read_ascof_time_series(series(header, [0.6, 2, "38.7 (38.5)", 0.7, 2, "[c]"]), ledger=KNOWN)
    figures = figures[figures["area_code"] == "E06000001"]
    assert len(figures) == 6
    assert one(figures, item="3D1A", financial_year="2022-23")["value"] == 38.7
    assert one(figures, item="3D1A_margin_of_error", financial_year="2022-23")["value"] == 0.6
    assert one(figures, item="3D1A", financial_year="2023-24")["mark"] == "[c]"
    one_part = read_ascof_time_series(series(["2023 to 2024 - good outcome"], [12]), ledger=KNOWN)
    assert one(one_part, item="3D1A_good", area_code="E06000001")[["value", "unit"]].tolist() == [12, "pct"]


@pytest.mark.parametrize(
    ("header", "title", "says"),
    [
        (["2016 to 2017 - share"], "Table 3d(1a): x", "heading '2016 to 2017 - share' is not"),
        (["2016 to 2017 - outcome", "2016 to 2017 - outcome"], "Table 3d(1a): x", "stands twice"),
        (["2016 to 2017 - outcome", "2018 to 2019 - outcome"], "Table 3d(1a): x", "no column of the year after 2016-17"),
        (
            ["2016 to 2017 - margin of error", "2016 to 2017 - outcome", "2017 to 2018 - outcome"],
            "Table 3d(1a): x",
            "2016-17 lacks an outcome, or a numerator its denominator",
        ),
        (["2016 to 2017 - outcome"], "Table 3d(2a): x", "its title should be of Table 3D1A"),
    ],
)
def test_a_series_laid_out_otherwise_is_refused(header: list[str], title: str, says: str) -> None:
    with pytest.raises(LayoutError, match=says):
        read_ascof_time_series(series(header, [1] * len(header), title), ledger=KNOWN)


def test_the_series_agrees_with_the_embedded_outcomes(given_data: Path) -> None:
    """Twelve survey measures, 2017-18 to 2023-24, under the codes of both frameworks: 9,118 values compared.

    Nine differ, all of one measure and year and all of regions: the publisher's workbook has regions' values of 3D(2) in another order.
    """
    old = {
        "1A": "1A",
        "1B": "1J",
        "1C": "1D",
        "1D": "3A",
        "1E": "3B",
        "3A": "1B",
        "3B": "3C",
        "3C1": "3D1",
        "3C2": "3D2",
        "4A": "4A",
        "5A1": "1I1",
        "5A2": "1I2",
    }
    content = (given_data / "publisher" / "ascof" / "ascof_2024_25.ods").read_bytes()
    read = read_ascof_time_series(content, ("outcome",), ledger=ledger_of(sources()["ascof"], "2024-25"))
    read = read[read["item"].isin(old) & read["value"].notna()]
    tidy = pd.read_csv(given_data / "figures" / "ascof_outcomes.csv")
    sides = [read, read.assign(item=read["item"].map(old), framework="ascof_2014")]
    both = pd.concat(sides).merge(
        tidy,
        left_on=["framework", "item", "financial_year", "area_code"],
        right_on=["framework", "measure_code", "financial_year", "area_code"],
        suffixes=("", "_tidy"),
    )
    differing = both[(both["value"] - both["value_tidy"]).abs() > 1e-9]
    assert len(both) == 9118
    assert len(differing) == 9
    assert set(zip(differing["item"], differing["financial_year"], differing["area_code"].str[:3], strict=True)) == {
        ("3D2", "2018-19", "E12")
    }
