"""Every publisher's file at hand, read as its source describes it: spot values written down from the file, cells looked up again, totals."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from orchestration.acquisition.reading import is_table, ledger_of, read_edition
from orchestration.figures import FIGURE_COLUMNS, figure_files, read_figures, read_table
from orchestration.readers.ascof_time_series import read_ascof_time_series
from orchestration.settings import Settings
from orchestration.sources.model import sources
from tests.conftest import GIVEN, one

NOT_READ = {"urls.csv", "cassr_codes_ascof2021.csv", "cassr_codes_dtoc.csv", "upper_tier_code_changes.csv"}
"""Lists that were made for this folder and are no publisher's."""


def at_hand() -> list[tuple[str, str, Path]]:
    """(source, edition, file) of every edition whose file is here."""
    return [
        (name, edition, path)
        for name, source in sources().items()
        for edition, described in source.editions.items()
        if (path := GIVEN / "publisher" / source.folder / described.file_name).exists()
    ]


@cache
def read(source: str, edition: str) -> pd.DataFrame:
    (path,) = [p for s, e, p in at_hand() if (s, e) == (source, edition)]
    return read_edition(sources()[source], edition, path.read_bytes(), path.name)


def test_every_file_here_is_an_edition_and_is_read(given_data: Path) -> None:
    files = {p for p in (given_data / "publisher").rglob("*") if p.is_file() and p.name not in NOT_READ}
    assert {path for _, _, path in at_hand()} == files
    assert len(files) == 101
    for source, edition, path in at_hand():
        table = read(source, edition)
        assert len(table) >= sources()[source].editions[edition].expected_figures, path.name
        if not is_table(sources()[source], edition):
            assert list(table.columns) == list(FIGURE_COLUMNS), path.name
            assert (table["locator"] != "").all(), path.name
            assert (table["value"].notna() == (table["mark"] == "")).all(), path.name


SPOTS = [
    # source, edition, area, item, breakdown (of deflators the year), value or mark, locator
    (
        "revenue_outturn",
        "2014-15 summary",
        "E10000003",
        "adult_social_care_net_current_expenditure",
        "total",
        159378,
        "RS LA Data 2014-15 (1)!J28",
    ),
    (
        "revenue_outturn",
        "2014-15 summary",
        "E08000006",
        "adult_social_care_net_current_expenditure",
        "total",
        53194,
        "RS LA Data 2014-15 (1)!J297",
    ),
    (
        "revenue_outturn",
        "2014-15 summary",
        "E92000001",
        "adult_social_care_net_current_expenditure",
        "total",
        14495902,
        "RS LA Data 2014-15 (1)!J454",
    ),
    (
        "revenue_outturn",
        "2017-18 summary",
        "E10000003",
        "adult_social_care_net_current_expenditure",
        "total",
        149774,
        "RS LA Data 2017-18!I8",
    ),
    (
        "revenue_outturn",
        "2017-18 summary",
        "E06000015",
        "adult_social_care_net_current_expenditure",
        "total",
        75729.63,
        "RS LA Data 2017-18!I392",
    ),
    ("revenue_outturn", "2024-25", "E92000001", "ro3_asctot_net_current_expenditure", "total", 25243898.40, None),
    ("revenue_outturn", "2024-25 all services", "E92000001", "rsx_asc_net_current_expenditure", "total", 25243898.40, None),
    ("activity_and_finance", "2015-16 activity", "cassr:102", "8610101", "18_to_64", 253.14, "line 2"),
    ("activity_and_finance", "2015-16 additional", "cassr:206", "8511202", "18_to_64", 2215, "line 500"),
    ("activity_and_finance", "2016-17 activity", "E10000006", "8610101", "18_to_64", 295.86, "line 2"),
    ("activity_and_finance", "2016-17 additional", "E06000049", "8510102", "65_and_over", 2721.525, "line 500"),
    ("ascof", "2020-21", "E10000006", "1A_denominator", "total", "[x]", "H2"),
    ("ascof", "2020-21", "E06000052", "3D1_base", "total", "[x]", "H40001"),
    ("deprivation", "2019", "E08000019", "imd_average_score", "total", 27.06, "IMD!E76"),
    ("deprivation", "2015", "E06000002", "imd_average_score", "total", 40.216, "IMD!E3"),
    ("deflators", "2023-12", "K02000001", "gdp_deflator", "2024-25", "-", "C77"),
]


@pytest.mark.parametrize(("source", "edition", "area", "item", "breakdown", "expected", "place"), SPOTS)
def test_spot_values_written_down_from_the_files(
    given_data: Path,
    source: str,
    edition: str,
    area: str,
    item: str,
    breakdown: str,
    expected: float | str | None,
    place: str | None,
) -> None:
    figures = read(source, edition)
    which = figures["financial_year"] if source == "deflators" else figures["breakdown"]
    found = figures[(figures["area_code"] == area) & (figures["item"] == item) & (which == breakdown)]
    assert len(found) == 1
    figure = found.iloc[0]
    if isinstance(expected, str):
        assert pd.isna(figure["value"])
        assert figure["mark"] == expected
    else:
        assert figure["value"] == pytest.approx(expected, abs=0.005)
    assert place is None or place in figure["locator"]


def number(cell: object) -> float | None:
    """A cell as the number it is, or None for a mark: by other means than the readers."""
    try:
        return float(str(cell).replace(",", ""))
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("source", "edition", "least"),
    [
        ("ascof", "2020-21", 47_000),
        ("revenue_outturn", "2017-18 summary", 150),
        ("population", "mid-2022", 300),
        ("deprivation", "2015", 300),
        ("deprivation", "2019", 300),
        ("activity_and_finance", "2021-22", 2_000),
    ],
)
def test_every_cell_is_what_another_library_finds_at_its_place(given_data: Path, source: str, edition: str, least: int) -> None:
    """openpyxl looks up each locator; a range is summed, and `less` takes away."""
    (path,) = [p for s, e, p in at_hand() if (s, e) == (source, edition)]
    figures = read(source, edition)
    only = sources()[source].editions[edition].sheet
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    rows: dict[str, list[tuple[object, ...]]] = {}

    def cells(where: str) -> list[object]:
        sheet, _, place = where.rpartition("!")
        sheet = sheet or only
        if sheet not in rows:
            rows[sheet] = list(book[sheet].iter_rows(values_only=True))
        (left, top, right, bottom) = openpyxl.utils.range_boundaries(place)
        return [cell for row in rows[sheet][top - 1 : bottom] for cell in row[left - 1 : right]]

    checked = 0
    for value, mark, locator in figures[["value", "mark", "locator"]].itertuples(index=False):
        first, *taken_away = locator.removesuffix(" (sum)").split(" less ")
        found = [number(cell) for cell in cells(first)]
        if pd.isna(value):
            assert None in [*found, *(number(c) for part in taken_away for c in cells(part))], (locator, mark)
        else:
            less = sum(number(c) or 0 for part in taken_away for c in cells(part))
            assert None not in found, locator
            assert value == pytest.approx(sum(f or 0 for f in found) - less, abs=1e-6), locator
        checked += 1
    assert checked == len(figures) >= least


@pytest.mark.parametrize("edition", ["2015-16 activity", "2015-16 additional", "2016-17 activity", "2016-17 additional"])
def test_every_line_of_a_finance_csv_is_what_stands_on_it(given_data: Path, edition: str) -> None:
    (path,) = [p for s, e, p in at_hand() if (s, e) == ("activity_and_finance", edition)]
    with path.open(encoding="cp1252", newline="") as file:
        lines = list(csv.reader(file))
    for value, locator, item in read("activity_and_finance", edition)[["value", "locator", "item"]].itertuples(index=False):
        place, column = locator.removeprefix("line ").split(", ")
        row = dict(zip(lines[0], lines[int(place) - 1], strict=False))
        assert row["UUID"] == item
        found = number(row[column])
        assert (pd.isna(value) and found is None) or value == found, locator


def test_a_line_of_finance_means_the_same_ages_in_words_and_in_keys(given_data: Path) -> None:
    """2015-16 says ages in words, 2016-17 in keys: lines with the same number must be of the same ages."""
    for kind, lines in (("activity", 125), ("additional", 32)):
        words, keys = (
            read("activity_and_finance", f"{year} {kind}")[["item", "breakdown"]].drop_duplicates().set_index("item")["breakdown"]
            for year in ("2015-16", "2016-17")
        )
        shared = words.index.intersection(keys.index)
        assert len(shared) == lines
        assert (words[shared] == keys[shared]).all()


def test_reference_tables(given_data: Path) -> None:
    boundaries = read("geography", "boundaries April 2023")
    assert len(boundaries) == boundaries["area_code"].nunique() == 153
    lookup = read("geography", "lookup April 2019").set_index("lower_code")
    assert lookup.loc["E07000146", "upper_name"] == "Norfolk"  # King's Lynn and West Norfolk
    changes = read("geography", "changes of codes")
    assert changes.iloc[0].tolist() == ["E06000057", "E47000011", "North of Tyne", "2018"]


def test_known_errors_are_put_right_and_nothing_else(given_data: Path) -> None:
    summary = read("revenue_outturn", "2017-18 summary")
    # North Yorkshire stands there under E10000022, the code of Northumberland's county, which was abolished in 2009.
    assert one(summary, area_code="E10000023")["value"] == 152216
    assert "E10000022" not in set(summary["area_code"])
    assert len(summary) == 153  # 152 councils and England
    series = read("ascof", "2024-25")
    dorset = series[series["area_code"] == "E10000009"]  # a code that ended in 2019 and is repeated with 2024-25
    assert set(dorset["financial_year"]) == {"2016-17", "2017-18", "2018-19"}


KEY = ["framework", "financial_year", "period", "item", "breakdown", "area_code"]


def test_publishers_files_agree_with_the_embedded_figures_wherever_both_exist(given_data: Path) -> None:
    """126,330 figures of seven sources are in both. One differs where the file is of the same release: Staffordshire's net spend of 2017-18,
    given as 219,390 in the summary.

    The embedded net spend of 2017-18 is in whole thousands, so the summary's is compared when rounded to those. A first release is compared
    with itself, not with the one that revised it.
    """
    embedded = pd.concat([read_figures(path) for path in figure_files(Settings().figures_dir)], ignore_index=True)
    first = {(s, e) for s, source in sources().items() for e, edition in source.editions.items() if edition.superseded_by}
    embedded = embedded[[key not in first for key in zip(embedded["source"], embedded["edition"], strict=True)]]
    files = [(s, e) for s, e, _ in at_hand() if not is_table(sources()[s], e) and (s, e) not in first]
    published = pd.concat([read(s, e) for s, e in files], ignore_index=True).drop_duplicates([*KEY, "value", "mark"])
    both = embedded.merge(published, on=KEY, suffixes=("", "_published"))
    assert both["source"].value_counts().to_dict() == {
        "revenue_outturn": 44_408,
        "ascof": 40_017,
        "delayed_transfers": 35_308,
        "activity_and_finance": 3_218,
        "population": 2_754,
        "deprivation": 606,
        "deflators": 19,
    }
    assert not both.duplicated(KEY).any()
    within = (both["edition_published"] == "2017-18 summary") * 0.5
    agrees = ((both["value"] - both["value_published"]).abs() <= within) | (both["value"].isna() & both["value_published"].isna())
    differs = both[~agrees]
    assert differs[["area_code", "edition_published", "value", "value_published"]].to_numpy().tolist() == [
        ["E10000028", "2017-18 summary", 219_349, 219_390]
    ]


def test_the_first_release_of_an_outturn_is_read_as_the_second_and_its_revisions_are_counted(given_data: Path) -> None:
    first, second = (
        read("revenue_outturn", f"2024-25 all services{which}").set_index("area_code")["value"]
        for which in (", first release", "")
    )
    councils = [a for a in second.index if a != "E92000001"]
    first, second = first[councils], second[councils]
    assert (first.notna().sum(), second.notna().sum()) == (145, 150)
    assert (first.isna() & second.notna()).sum() == 5
    assert ((first - second).abs() >= 1).sum() == 21


def test_the_series_of_2024_25_agrees_with_every_compiled_survey_value_of_earlier_years(given_data: Path) -> None:
    """Users' and carers' surveys of 2017-18 to 2023-24, by the code of each framework: all 8,548 values that both have agree."""
    names = {
        "1A": ("1A", "1A"),
        "1B": ("1J", "1B"),
        "1C": ("1D", "1C"),
        "1D": ("3A", "1D"),
        "1E": ("3B", "1E"),
        "3A": ("1B", "3A"),
        "3B": ("3C", "3B"),
        "3C1": ("3D1", "3C1"),
        "3C2": ("3D2", "3C2"),
        "4A": ("4A", "4A"),
        "5A1": ("1I1", "5A1"),
        "5A2": ("1I2", "5A2"),
    }
    (path,) = [p for s, e, p in at_hand() if (s, e) == ("ascof", "2024-25")]
    series = read_ascof_time_series(path.read_bytes(), ("outcome",), ledger=ledger_of(sources()["ascof"], "2024-25"))
    series = series[series["item"].isin(names) & series["value"].notna()]
    compiled = read_table(given_data / "figures" / "ascof_outcomes.csv")
    compiled = compiled.assign(value=compiled["value"].astype(float))
    code = {
        (framework, old if framework == "ascof_2014" else new): name
        for name, (old, new) in names.items()
        for framework in ("ascof_2014", "ascof_2023")
    }
    compiled["item"] = [code.get(key) for key in zip(compiled["framework"], compiled["measure_code"], strict=True)]
    compiled = compiled[compiled["item"].notna() & compiled["area_code"].str.match("E06|E08|E09|E10")]
    both = compiled.merge(series, on=["item", "financial_year", "area_code"], suffixes=("", "_series"))
    agree = (both["value"] - both["value_series"]).abs() < 1e-9
    assert (len(both), int(agree.sum())) == (8_548, 8_548)


def test_totals_are_the_published_ones(given_data: Path) -> None:
    """Net spend of England in GBP thousand, and the lines of councils against England's where both are given."""
    for edition, england in (("2014-15 summary", 14_495_902), ("2017-18 summary", 15_330_170.05)):
        summary = read("revenue_outturn", edition)
        assert one(summary, area_code="E92000001")["value"] == pytest.approx(england, abs=0.01)
        councils = summary.loc[summary["area_code"] != "E92000001", "value"].sum()
        # The rest, under 0.1 %, is of shire districts and bodies without the duty.
        assert 0 <= england - councils < 0.001 * england, edition
    assert councils / 1e6 == pytest.approx(15.32, abs=0.005)  # what the method's table says of 2017-18
