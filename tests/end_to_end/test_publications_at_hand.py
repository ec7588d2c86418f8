"""Measures whose publications are not embedded light up once the files are imported: read in their layout, valued, scored, ranked."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from orchestration.acquisition.importing import import_file
from orchestration.acquisition.status import statuses
from orchestration.cli.report import print_missing
from orchestration.cli.run import run_everything
from orchestration.figures import read_table
from orchestration.settings import Settings
from orchestration.sources.model import sources
from tests.conftest import Released

YEAR = "2024-25"
LIT = {"unplanned_reviews_hospital", "discharge_to_reablement", "discharge_to_care_home", "hip_fracture_65"}
DISCHARGES = {"discharge_delay": 100, "discharge_delayed_pct": 1}
"""Measures that are embedded, and stand on the publisher's months once those are held; the n-th council has n ÷ so much."""
SALT_YEAR = "2023-24"
SALT_KEYS = {
    "unplanned_reviews_hospital": ("LTS002a", "SignificantEvent_Key", "hospital"),
    "unplanned_reviews": ("LTS002a", "SignificantEvent_Key", "99"),
    "requests_after_discharge_to_st_max": ("STS001", "SequelToSupportRequest_Key", "st_max"),
    "requests_after_discharge_to_care_home": ("STS001", "SequelToSupportRequest_Key", "care_home"),
    "requests_after_discharge": ("STS001", "SequelToSupportRequest_Key", "99"),
}
MORE = {"st_max": 200, "care_home": 400}
"""Added to the council's number, so that no two measures have the same column: a gate refuses that."""
MONTHS = [f"{2024 + (n > 12)}-{(n - 1) % 12 + 1:02d}" for n in range(4, 16)]


def council_codes(released: Released, year: str = YEAR) -> list[str]:
    with released.connect() as db:
        found = db.execute(
            "select area_code from marts.productivity_ranking where definition_id = 'default' and financial_year = ? order by 1",
            [year],
        ).fetchall()
    return [code for (code,) in found]


def publish(folder: Path, raw_dir: Path, councils: list[str]) -> None:
    """Files of the published layouts, with numbers of our own (the n-th council has n of everything), taken in by hand."""
    hip = pd.DataFrame(
        [
            {
                "Indicator ID": "41401",
                "Area Code": area,
                "Sex": "Persons",
                "Age": "65+ yrs",
                "Category Type": "",
                "Time period": "2024/25",
                "Value": 400 + n,
                "Value note": "",
            }
            for n, area in enumerate(councils)
        ]
    )
    take_in(hip, folder / "indicators_22401_41401.csv", "fingertips", raw_dir)

    dictionary = [
        {"item": item, "column": name, "value": text}
        for item, (sheet, column, value) in SALT_KEYS.items()
        for name, text in (("SHEET", sheet), (column, value))
    ]
    (raw_dir / "salt").mkdir(parents=True)
    pd.DataFrame(dictionary).to_csv(raw_dir / "salt" / "counts.csv", index=False)
    cells = [
        {
            "SHEET": sheet,
            "FY_Ending": "2024",
            "GEOGRAPHY_CODE": area,
            "SignificantEvent_Key": "99",
            "SequelToSupportRequest_Key": "99",
            column: value,
            "ITEMVALUE": 1000 if value == "99" else n + MORE.get(value, 0),
        }
        for n, area in enumerate(councils)
        for sheet, column, value in SALT_KEYS.values()
    ]
    take_in(pd.DataFrame(cells), folder / "salt.csv", "salt", raw_dir, SALT_YEAR)

    words = {
        "Total days from discharge ready date": "delay_days",
        "Discharges with a discharge ready date": "discharges",
        "Discharges one day or more after it": "delayed_discharges",
    }
    (raw_dir / "discharge_ready_date").mkdir(parents=True)
    pd.DataFrame([{"item": item, "measure": measure} for measure, item in words.items()]).to_csv(
        raw_dir / "discharge_ready_date" / "measures.csv", index=False
    )
    for month in MONTHS:
        rows = [
            {
                "Data Type": "UTLA Aggregate",
                "Upper Tier Local Authority Code": area,
                "Measure": measure,
                "Value": {"delay_days": n, "delayed_discharges": n % 100}.get(item, 100),
            }
            for n, area in enumerate(councils)
            for measure, item in words.items()
        ]
        take_in(pd.DataFrame(rows), folder / f"{month}.csv", "discharge_ready_date", raw_dir, month)


def take_in(frame: pd.DataFrame, path: Path, source: str, raw_dir: Path, edition: str | None = None) -> None:
    frame.to_csv(path, index=False)
    year = SALT_YEAR if source == "salt" else YEAR
    assert import_file(path, sources()[source], year, raw_dir, edition).kept == "new"


@pytest.fixture(scope="module")
def lit(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A run on those publications, and the embedded figures for all else; the mirror is empty, so nothing is fetched."""
    folder = tmp_path_factory.mktemp("at_hand")
    for name in ("by_hand", "mirror"):
        (folder / name).mkdir()
    settings = Settings(
        data="publishers",
        raw_dir=folder / "raw",
        mirror=str(folder / "mirror"),
        build_dir=folder / "build",
        releases_dir=folder / "releases",
        replications=256,
    )
    publish(folder / "by_hand", settings.raw_dir, council_codes(released))
    outcome = run_everything(settings, on_stage=lambda _: None, on_start=lambda _: None)
    assert outcome.succeeded, [f"{s.name}: {s.failure}" for s in outcome.failures]
    return Released(settings, outcome, [])


def test_the_measures_are_not_held_without_the_files(released: Released) -> None:
    with released.connect() as db:
        held = {m for (m,) in db.execute("select distinct measure_id from marts.fct_measure_value").fetchall()}
    assert not LIT & held


def test_the_measures_have_the_values_of_the_files(lit: Released) -> None:
    councils = council_codes(lit)
    with lit.connect() as db:
        values = db.execute(
            "select measure_id, financial_year, area_code, value, value_basis from marts.fct_measure_value "
            "where measure_id in (select unnest(?)) and value is not null",
            [sorted(LIT | DISCHARGES.keys())],
        ).df()
    of_salt_year = set(council_codes(lit, SALT_YEAR))
    for measure, year, expected in (
        ("unplanned_reviews_hospital", SALT_YEAR, lambda n: n / 10),
        ("discharge_to_reablement", SALT_YEAR, lambda n: (n + 200) / 10),
        ("discharge_to_care_home", SALT_YEAR, lambda n: (n + 400) / 10),
        ("discharge_delay", YEAR, lambda n: n / 100),
        ("discharge_delayed_pct", YEAR, lambda n: n % 100),
        ("hip_fracture_65", YEAR, lambda n: 400 + n),
    ):
        found = values[values["measure_id"] == measure].set_index("area_code")
        assert set(found["financial_year"]) == {year}, measure
        wanted = councils if year == YEAR else [c for c in councils if c in of_salt_year]
        assert len(wanted) >= 150, measure
        assert set(found.index) == set(wanted), measure
        for n, area in enumerate(councils):
            if area in wanted:
                assert found.loc[area, "value"] == pytest.approx(expected(n)), (measure, area)
        assert set(found["value_basis"]) == {"published" if measure == "hip_fracture_65" else "computed"}


def test_they_are_scored_ranked_and_traced(lit: Released) -> None:
    with lit.connect() as db:
        scored = db.execute(
            "select measure_id, count(score) from marts.fct_measure_score where definition_id = 'default' and financial_year in (?, ?) "
            "and measure_id in (select unnest(?)) group by 1",
            [YEAR, SALT_YEAR, sorted(LIT | DISCHARGES.keys())],
        ).fetchall()
        traced = db.execute(
            """
            select l.component_id, count(distinct l.figure_id), min(f.locator), min(e.file_name), min(e.file_sha256)
            from marts.fct_lineage as l
            inner join marts.fct_published_figure as f using (figure_id)
            inner join marts.dim_edition as e on f.source = e.source and f.edition = e.edition
            where l.financial_year in (?, ?) and l.area_code = 'E08000016' and l.component = 'measure' group by 1
            """,
            [YEAR, SALT_YEAR],
        ).fetchall()
    assert {measure for measure, count in scored if count > 140} == LIT
    # 18 councils' months swing, by the embedded months: withheld
    assert dict(scored)["discharge_delay"] == dict(scored)["discharge_delayed_pct"] == 151 - 18
    found = {component: rest for component, *rest in traced}
    assert found["unplanned_reviews_hospital"][0] == 2  # numerator and denominator
    assert found["unplanned_reviews_hospital"][2] == "SALT CSV 2023-24.csv"
    held = lit.settings.raw_dir / "salt" / SALT_YEAR / "SALT CSV 2023-24.csv"
    assert found["unplanned_reviews_hospital"][3] == hashlib.sha256(held.read_bytes()).hexdigest()
    assert "2024-04 line" in found["discharge_delay"][1]
    assert found["discharge_delay"][2] == "the twelve months"


def test_each_figure_says_whether_it_is_embedded_or_a_publishers(lit: Released) -> None:
    with lit.connect() as db:
        found = db.execute(
            "select provenance, list_sort(list(distinct source)) from marts.fct_published_figure group by 1 order by 1"
        ).fetchall()
    provenance = dict(found)
    assert provenance["publishers"] == ["discharge_ready_date", "fingertips", "salt"]
    assert "ascof" in provenance["embedded"]


def test_the_command_says_which_editions_the_run_did_without(lit: Released) -> None:
    editions = read_table(lit.settings.figures_dir / "editions.csv")
    console = Console(file=io.StringIO(), width=200)
    print_missing(console, statuses(lit.settings.raw_dir, editions))
    said = console.file.getvalue()
    everything = sum(len(source.editions) for source in sources().values())
    assert f"14 of {everything} editions held" in said
    assert "  deprivation: embedded figures stand for 2015, 2019; missing: 2025\n" in said
    assert f"{everything} could not be fetched: asc sources --failing" in said
