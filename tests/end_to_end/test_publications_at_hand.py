"""Measures whose publications are not embedded light up when the files are at hand: read in their layout, valued, scored, ranked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from orchestration.compile_figures import council_counts, figures_of, optional_editions, row_of
from orchestration.figures import figure_files, read_figures, read_table, write_csv, write_figures
from orchestration.run import run_everything
from orchestration.settings import Settings
from tests.conftest import Released

YEAR = "2023-24"
LIT = {"unplanned_reviews_hospital", "discharge_to_reablement", "discharge_to_care_home", "discharge_delay", "hip_fracture_65"}


def council_codes(released: Released) -> list[str]:
    with released.connect() as db:
        found = db.execute(
            "select area_code from marts.productivity_ranking where definition_id = 'default' and financial_year = ? order by 1",
            [YEAR],
        ).fetchall()
    return [code for (code,) in found]


def publish(folder: Path, councils: list[str]) -> None:
    """Files of the published layouts, with numbers of our own: the n-th council has n of everything."""
    (folder / "fingertips").mkdir(parents=True)
    pd.DataFrame(
        [
            {"Indicator ID": "41401", "Area Code": area, "Sex": "Persons", "Age": "65+ yrs", "Category Type": "", "Time period": "2023/24",
             "Value": 400 + n, "Value note": ""}
            for n, area in enumerate(councils)
        ]
    ).to_csv(folder / "fingertips" / "hip_fracture.csv", index=False)  # fmt: skip
    (folder / "salt").mkdir()
    keys = {
        "unplanned_reviews_hospital": ("LTS002a", "SignificantEvent_Key", "hospital"),
        "unplanned_reviews": ("LTS002a", "SignificantEvent_Key", "99"),
        "requests_after_discharge_to_st_max": ("STS001", "SequelToSupportRequest_Key", "st_max"),
        "requests_after_discharge_to_care_home": ("STS001", "SequelToSupportRequest_Key", "care_home"),
        "requests_after_discharge": ("STS001", "SequelToSupportRequest_Key", "99"),
    }
    cells = []
    for n, area in enumerate(councils):
        for item, (sheet, column, value) in keys.items():
            key = {"SignificantEvent_Key": "99", "SequelToSupportRequest_Key": "99"} | {column: value}
            count = 1000 if item in {"unplanned_reviews", "requests_after_discharge"} else n
            cells.append({"SHEET": sheet, "FY_Ending": "2024", "GEOGRAPHY_CODE": area, **key, "ITEMVALUE": count})
    pd.DataFrame(cells).to_csv(folder / "salt" / "salt_2023-24.csv", index=False)
    rows = [
        {"item": item, "column": name, "value": text}
        for item, (sheet, column, value) in keys.items() for name, text in (("SHEET", sheet), (column, value))
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "salt" / "counts.csv", index=False)
    months = folder / "discharge_ready_date" / YEAR
    months.mkdir(parents=True)
    words = {"Total days from discharge ready date": "delay_days", "Discharges with a discharge ready date": "discharges"}
    pd.DataFrame([{"item": item, "measure": measure} for measure, item in words.items()]).to_csv(
        months / "measures.csv", index=False
    )
    names = ("April-2023", "May-2023", "June-2023", "July-2023", "August-2023", "September-2023", "October-2023", "November-2023",
             "December-2023", "January-2024", "February-2024", "March-2024")  # fmt: skip
    for name in names:
        pd.DataFrame(
            [
                {"Data Type": "UTLA Aggregate", "Upper Tier Local Authority Code": area, "Measure": measure,
                 "Value": n if item == "delay_days" else 100}
                for n, area in enumerate(councils) for measure, item in words.items()
            ]
        ).to_csv(months / f"Discharge-Ready-Date-monthly-data-csv-{name}-Revised.csv", index=False)  # fmt: skip


@pytest.fixture(scope="module")
def lit(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A run on the embedded figures and those publications."""
    folder = tmp_path_factory.mktemp("at_hand")
    publish(folder / "publisher", council_codes(released))
    settings = Settings(
        figures_dir=folder / "figures", build_dir=folder / "build", releases_dir=folder / "releases",
        expectations_dir=folder / "expectations", replications=256,
    )  # fmt: skip
    shutil.copytree(released.settings.figures_dir, settings.figures_dir)
    shutil.copytree(released.settings.expectations_dir, settings.expectations_dir)
    editions = read_table(settings.figures_dir / "editions.csv")
    found = list(optional_editions(folder / "publisher"))
    assert [e.source for e in found] == ["fingertips", "salt", "discharge_ready_date"]
    for edition in found:
        write_figures(figures_of(edition), settings.figures_dir / edition.source / f"{YEAR}.csv")
    write_csv(pd.concat([editions, pd.DataFrame([row_of(e) for e in found])]), settings.figures_dir / "editions.csv")
    figures = pd.concat([read_figures(path) for path in figure_files(settings.figures_dir)], ignore_index=True)
    write_csv(council_counts(figures), settings.expectations_dir / "agreed_council_counts.csv")
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
            "select measure_id, area_code, value, value_basis from marts.fct_measure_value where financial_year = ? and value is not null",
            [YEAR],
        ).df()
    for measure, expected in (
        ("unplanned_reviews_hospital", lambda n: n / 10), ("discharge_to_reablement", lambda n: n / 10),
        ("discharge_to_care_home", lambda n: n / 10), ("discharge_delay", lambda n: n / 100), ("hip_fracture_65", lambda n: 400 + n),
    ):  # fmt: skip
        found = values[values["measure_id"] == measure].set_index("area_code")
        assert len(found) == len(councils), measure
        for n, area in enumerate(councils):
            assert found.loc[area, "value"] == pytest.approx(expected(n)), (measure, area)
        assert set(found["value_basis"]) == {"published" if measure == "hip_fracture_65" else "computed"}


def test_they_are_scored_ranked_and_traced(lit: Released, released: Released) -> None:
    with lit.connect() as db:
        scored = db.execute(
            "select measure_id, count(score) from marts.fct_measure_score where definition_id = 'default' and financial_year = ? group by 1",
            [YEAR],
        ).fetchall()
        traced = db.execute(
            """
            select l.component_id, count(distinct l.figure_id), min(f.locator), min(e.file_name)
            from marts.fct_lineage as l
            inner join marts.fct_published_figure as f using (figure_id)
            inner join marts.dim_edition as e on f.source = e.source and f.edition = e.edition
            where l.financial_year = ? and l.area_code = 'E08000016' and l.component = 'measure' group by 1
            """,
            [YEAR],
        ).fetchall()
        (measures,) = db.execute(
            "select max(measures_in_force) from marts.fct_domain_score where definition_id = 'default' and financial_year = ? "
            "and domain_id = 'health_interface'", [YEAR],
        ).fetchone() or (0,)  # fmt: skip
    assert {measure for measure, count in scored if count > 140} >= LIT
    assert measures == 7  # two are embedded
    found = {component: (figures, locator, file) for component, figures, locator, file in traced}
    assert found["unplanned_reviews_hospital"][0] == 2  # numerator and denominator
    assert "2023-04 line" in found["discharge_delay"][1]
    assert found["discharge_delay"][2].endswith("and 11 more")
