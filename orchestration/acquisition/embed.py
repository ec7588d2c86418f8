"""Compile the embedded figures: from publishers' files and tidy official figures to `data/figures/`, in the project's own form.

What belongs here: which file is which edition, and how a tidy table becomes figures. Reading a publisher's layout belongs to
`readers/`; what a figure means belongs to `dbt_project/`. Run by `asc figures compile`, by people who add or correct a year;
`asc run` only reads the result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from orchestration.acquisition.reading import read_edition
from orchestration.figures import EDITION_COLUMNS, FIGURE_KEY, figures_frame, read_table, write_csv, write_figures
from orchestration.readers.ascof_open_data import unit
from orchestration.readers.council_table import read_council_table
from orchestration.sources.model import Source, sources

OGL = "Open Government Licence v3.0"

EMBEDDED_EDITIONS = {
    "activity_and_finance": ("2016-17", "2021-22", *(f"{year} long-term by age" for year in ("2019-20", "2022-23", "2023-24"))),
    "ascof": ("2020-21", "2024-25"),
    "deflators": ("2023-12",),
    "deprivation": ("2015", "2019"),
    "nhs_outcomes_framework": tuple(f"{year}-{(year + 1) % 100:02d}" for year in range(2014, 2024)),
    "population": (*(f"mid-{year}" for year in range(2015, 2024)), "mid-2024 compiled"),
    "revenue_outturn": (
        "2022-23",
        "2023-24",
        "2024-25",
        "2022-23 all services",
        "2023-24 all services",
        "2024-25 all services",
        "2024-25 all services, first release",
    ),
}
"""Editions of `orchestration/sources/` whose file is read whole into the embedded figures, beside every month of delayed transfers."""

BREAKDOWNS = ("total", "18_to_64", "65_and_over")
"""Breakdowns that are embedded of an edition that also has others (sex, finer bands of age)."""

RETURN_CODES = ("326", "327", "625", "626", "906")
FALLS_YEARS = ("2017-18",)  # the only year of the index the compilation reaches
FIRST_DELAYED_TRANSFER_MONTH = "2015-04"  # 2014-15 is not held whole and no other series reaches back to it


@dataclass(frozen=True)
class Edition:
    """One issue of a publication and how its figures are had. `figures` is called once, by `compile_figures`."""

    source: str
    edition: str
    publisher: str
    title: str
    file: Path
    figures: Callable[[], pd.DataFrame]
    url: str = ""
    maturity: str = "final"
    obtained: str = "publishers_file"
    superseded_by: str = ""
    note: str = ""
    sheet: str = ""  # the one sheet all figures come from; their locators then leave it out


def compile_figures(given: Path, target: Path, report: Callable[[str], None] = lambda _: None) -> dict[str, int]:
    """Write figures, editions and reference tables to `target` from the folder `given`; return figures by source.

    Raises FileNotFoundError when a file is absent, LayoutError (with the file's name) when one is not laid out as expected, and
    ValueError when two figures share a key.
    """
    absent = [name for name in ("publisher", "figures") if not (given / name).is_dir()]
    if absent:
        raise FileNotFoundError(
            f"{given} has no folder {' and '.join(absent)}: --from must name the folder that holds publishers' files."
        )
    by_source: dict[str, list[pd.DataFrame]] = {}
    editions: list[dict[str, str]] = []
    for edition in _editions(given):
        if not edition.file.exists():
            raise FileNotFoundError(f"{edition.title}: {edition.file} is absent; `--from` must name a folder that holds it.")
        frame = figures_of(edition)
        by_source.setdefault(edition.source, []).append(frame)
        editions.append(row_of(edition))
        report(f"{edition.source} {edition.edition}: {len(frame):,} figures")
    counts = {}
    for stale in target.glob("*/*.csv"):
        stale.unlink()
    for source, frames in by_source.items():
        whole = pd.concat(frames, ignore_index=True)
        twice = whole[whole.duplicated(list(FIGURE_KEY), keep=False)]
        if len(twice):
            raise ValueError(f"{source}: {len(twice)} figures share a key, first {twice.iloc[0][list(FIGURE_KEY)].to_dict()}")
        for financial_year, figures in whole.groupby("financial_year"):
            write_figures(figures, target / source / f"{financial_year}.csv")
        counts[source] = len(whole)
    write_csv(
        pd.DataFrame(editions, columns=list(EDITION_COLUMNS)).sort_values(["source", "edition"]),
        target / "editions.csv",
    )
    for name, table in _reference_tables(given).items():
        write_csv(table, target / f"{name}.csv")
    return counts


def figures_of(edition: Edition) -> pd.DataFrame:
    """The figures of an edition, under its source and name."""
    return edition.figures().assign(source=edition.source, edition=edition.edition)


def row_of(edition: Edition) -> dict[str, str]:
    """What `editions.csv` says of an edition."""
    return {
        "source": edition.source,
        "edition": edition.edition,
        "publisher": edition.publisher,
        "title": edition.title,
        "file": edition.file.name,
        "sheet": edition.sheet,
        "sha256": hashlib.sha256(edition.file.read_bytes()).hexdigest(),
        "url": edition.url,
        "licence": OGL,
        "maturity": edition.maturity,
        "obtained": edition.obtained,
        "superseded_by": edition.superseded_by,
        "note": edition.note,
    }


def _editions(given: Path) -> Iterator[Edition]:
    tidy, published = given / "figures", given / "publisher"
    yield from _ascof(tidy)
    for year in sorted(read_table(tidy / "adult_social_care_net_current_expenditure.csv")["financial_year"].unique()):
        path = tidy / "adult_social_care_net_current_expenditure.csv"
        yield Edition(
            "revenue_outturn",
            f"{year} compiled",
            "Ministry of Housing, Communities and Local Government",
            f"Local authority revenue expenditure and financing England: {year} individual local authority data, outturn",
            path,
            partial(_net_current_expenditure, path, year),
            obtained="compiled_table",
            note="carried from a tidy compilation of the outturn files; the year labels of 2015-16 and 2016-17 were inferred from totals"
            if year < "2017-18"
            else "carried from a tidy compilation of the outturn files",
        )
    yield Edition(
        "activity_and_finance",
        "2017-18",
        "NHS Digital",
        "Adult Social Care Activity and Finance Report, England 2017-18: finance",
        tidy / "gross_current_expenditure_2017-18.csv",
        partial(_gross_current_expenditure_2017_18, tidy / "gross_current_expenditure_2017-18.csv"),
        obtained="copy",
        url="https://files.digital.nhs.uk/4F/11BD6D/SALT%20and%20ASCFR%20Reference%20Tables%20%28Suppressed%29%20v2.xlsx",
    )
    falls = tidy / "emergency_admissions_falls_65plus.csv"
    for year in FALLS_YEARS:
        yield Edition(
            "fingertips",
            year,
            "Public Health England",
            f"Public health profiles, indicator 22401: emergency hospital admissions due to falls in people aged 65 and over, {year}",
            falls,
            partial(_falls, falls, year),
            url="https://fingertips.phe.org.uk/",
            obtained="compiled_table",
            note="districts, unitary councils and England; county councils are not in it",
        )
    yield from _discharges(tidy)
    for source in sources().values():
        for name in _embedded(source):
            yield published_edition(source, name, tidy if source.editions[name].obtained == "compiled_table" else published)


def _embedded(source: Source) -> Iterable[str]:
    if source.source == "delayed_transfers":
        # the given months; the file's name is known for those
        return (m for m, e in source.editions.items() if e.file and m >= FIRST_DELAYED_TRANSFER_MONTH)
    return EMBEDDED_EDITIONS.get(source.source, ())


def not_embedded(counts: Mapping[str, int]) -> list[str]:
    """Sources that are described and have no embedded figures; `counts` are figures by source. Nothing is left out unsaid."""
    return sorted(name for name, source in sources().items() if name not in counts and source.editions)


def published_edition(source: Source, name: str, folder: Path) -> Edition:
    """An edition of `orchestration/sources/`: a compiled table in `folder`, or a publisher's file in the source's folder under it."""
    described = source.editions[name]
    path = folder / ("" if described.obtained == "compiled_table" else source.folder) / described.file_name
    return Edition(
        source.source,
        name,
        described.publisher or source.publisher,
        described.title or f"{source.title}, {name}",
        path,
        partial(_published, source, name, path),
        url=described.address or "",
        maturity=described.maturity,
        obtained=described.obtained,
        superseded_by=described.superseded_by,
        note=described.note,
        sheet=described.sheet,
    )


def _published(source: Source, name: str, path: Path) -> pd.DataFrame:
    figures = read_edition(source, name, path.read_bytes(), path.name)
    return figures[figures["breakdown"].isin(BREAKDOWNS)] if source.source == "ascof" else figures


def _discharges(tidy: Path) -> Iterator[Edition]:
    """Discharges of 2024-25: the year, and its months under items of their own, which tell how steadily trusts reported."""
    for name, file, items, options in (
        (
            "2024-25",
            "discharge_ready_date_2024-25.csv",
            ("discharges", "delayed_discharges", "delay_days"),
            {"year_column": "financial_year"},
        ),
        (
            "2024-25 months",
            "discharge_ready_date_2024-25_monthly.csv",
            ("discharges_in_month", "delayed_discharges_in_month", "delay_days_in_month"),
            {"period_column": "month"},
        ),
    ):
        columns = ("discharges", "delayed_1plus", "bed_days_lost")
        described = [f"{c}: {item}, {'days' if 'days' in item else 'count'}" for c, item in zip(columns, items, strict=True)]
        yield Edition(
            "discharge_ready_date",
            name,
            "NHS England",
            f"Discharge ready date, upper-tier councils, {name}, revised",
            tidy / file,
            partial(_council_table, tidy / file, described, options),
            obtained="compiled_table",
            url=sources()["discharge_ready_date"].landing_page,
            note="rebuilt from a copy of the twelve monthly files; only trusts whose data were acceptable, so counts swing with reporting",
        )


def _council_table(path: Path, described: list[str], options: dict[str, Any]) -> pd.DataFrame:
    return read_council_table(path.read_bytes(), "2024-25", "discharge_ready_date", described, **options)


def _ascof(tidy: Path) -> Iterator[Edition]:
    outcomes, by_age = tidy / "ascof_outcomes.csv", tidy / "ascof_outcomes_by_age.csv"
    read_whole = EMBEDDED_EDITIONS["ascof"]
    for year in sorted(set(read_table(outcomes)["financial_year"]) - set(read_whole)):
        yield Edition(
            "ascof",
            year,
            "NHS England" if year >= "2022-23" else "NHS Digital",
            f"Measures from the Adult Social Care Outcomes Framework, England, {year}",
            outcomes,
            partial(_ascof_outcomes, outcomes, year),
            obtained="compiled_table",
            url="https://digital.nhs.uk/data-and-information/publications/statistical/adult-social-care-outcomes-framework-ascof",
            note="outcomes only, totals only; rows that the publisher suppressed are absent",
        )
    for year in sorted(read_table(by_age)["financial_year"].unique()):
        yield Edition(
            "ascof",
            f"{year} by age",
            "NHS Digital",
            f"Measures from the Adult Social Care Outcomes Framework, England, {year}: outcomes by age band",
            by_age,
            partial(_ascof_by_age, by_age, tidy / "ascof_measure_descriptions.csv", year),
            obtained="compiled_table",
            url="https://digital.nhs.uk/data-and-information/publications/statistical/adult-social-care-outcomes-framework-ascof",
            note="identified by description; a description that belongs to no measure or to two is left out",
        )


def _ascof_outcomes(path: Path, year: str) -> pd.DataFrame:
    table = read_table(path)
    return figures_frame(
        [
            {
                "framework": row.framework,
                "financial_year": year,
                "period": year,
                "area_code": row.area_code,
                "item": row.measure_code,
                "breakdown": "total",
                "unit": unit(str(row.framework), str(row.measure_code)),
                "value": row.value,
                "locator": f"row: {row.measure_code}, Total, Outcome",
            }
            for row in table[table["financial_year"] == year].itertuples()
        ]
    )


def _ascof_by_age(path: Path, descriptions: Path, year: str) -> pd.DataFrame:
    """Outcomes by age keyed on a measure's code: the description must belong to exactly one code of that year.

    2019-20 describes measure 2B(2) by the words of 2B(1) and adds which of the two is meant after them.
    """
    known = read_table(descriptions)
    known = known[(known["financial_year"] == year) & (known["description"] != "")]
    codes = known.groupby("description")["measure_code"].agg(list).to_dict()
    table = read_table(path)
    table = table[table["financial_year"] == year]
    # A description of a handful of councils is what is left where two measures share it: which of the two is not known.
    councils = table.groupby(["description", "age_band"])["area_code"].transform("nunique")
    bands = {"18-64": "18_to_64", "65+": "65_and_over"}
    rows: list[dict[str, object]] = []
    for row in table[councils >= 100].itertuples():
        match = codes.get(row.description, [])
        if len(match) != 1:
            continue
        rows.append(
            {
                "framework": "ascof_2014",
                "financial_year": year,
                "period": year,
                "area_code": row.area_code,
                "item": match[0],
                "breakdown": bands[str(row.age_band)],
                "unit": unit("ascof_2014", match[0]),
                "value": row.value,
                "locator": f"row: {match[0]}, {row.age_band}, Outcome",
            }
        )
    return figures_frame(rows)


def _net_current_expenditure(path: Path, year: str) -> pd.DataFrame:
    table = read_table(path)
    return figures_frame(
        [
            {
                "framework": "revenue_outturn",
                "financial_year": year,
                "period": year,
                "area_code": row.area_code,
                "item": "adult_social_care_net_current_expenditure",
                "breakdown": "total",
                "unit": "gbp_thousand",
                "value": row.net_current_expenditure_thousand,
                "locator": "row: adult social care, net current expenditure",
            }
            for row in table[table["financial_year"] == year].itertuples()
        ]
    )


def _gross_current_expenditure_2017_18(path: Path) -> pd.DataFrame:
    """Sums of the published lines by care type and age band, GBP made GBP thousand so that one item has one unit."""
    table = read_table(path)
    care = {"Long Term Care": "long_term", "Short Term Care": "short_term", "Other": "other"}
    ages = {"18 to 64": "18_to_64", "65 and Over": "65_and_over", "": "all_ages"}
    table["amount"] = pd.to_numeric(table["gross_current_expenditure"])
    grouped = table.groupby(["area_code", "care_type", "age_band"])["amount"].agg(["sum", "size"]).reset_index()
    equipment = table[table["primary_support_reason"] == "Assistive Equipment and Technology"]
    return figures_frame(
        [
            {
                "framework": "ascfr",
                "financial_year": "2017-18",
                "period": "2017-18",
                "area_code": area,
                "item": "gross_current_expenditure_equipment",
                "breakdown": "all_ages",
                "unit": "gbp_thousand",
                "value": amount / 1000,
                "locator": "row: Other, Assistive Equipment and Technology (GBP / 1000)",
            }
            for area, amount in zip(equipment["area_code"], equipment["amount"], strict=True)
        ]
        + [
            {
                "framework": "ascfr",
                "financial_year": "2017-18",
                "period": "2017-18",
                "area_code": area,
                "item": f"gross_current_expenditure_{care[care_type]}",
                "breakdown": ages[age],
                "unit": "gbp_thousand",
                "value": total / 1000,
                "locator": f"rows: {care_type}, {age or 'no age band'} ({lines} rows, sum, GBP / 1000)",
            }
            for area, care_type, age, total, lines in grouped.itertuples(index=False)
        ]
    )


def _falls(path: Path, year: str) -> pd.DataFrame:
    table = read_table(path)
    table = table[
        (table["financial_year"] == year) & table["area_code"].str.startswith("E") & ~table["area_code"].str.startswith("E47")
    ]
    return figures_frame(
        [
            {
                "framework": "fingertips",
                "financial_year": year,
                "period": year,
                "area_code": row.area_code,
                "item": "22401",
                "breakdown": "total",
                "unit": "per_100k",
                "value": row.rate_per_100k or None,
                "mark": "" if row.rate_per_100k else "(blank)",
                "locator": "row: 22401, Persons, 65+",
            }
            for row in table.itertuples()
        ]
    )


def _reference_tables(given: Path) -> dict[str, pd.DataFrame]:
    tidy, geography = given / "figures", given / "publisher" / "geography"
    changes = read_table(geography / "upper_tier_code_changes.csv")
    cassr = read_table(geography / "cassr_codes_dtoc.csv")
    # The returns of ASC-FR number four councils and the Isles of Scilly otherwise than delayed transfers do.
    returns = read_table(geography / "cassr_codes_ascof2021.csv").set_axis(["cassr_code", "name", "ons_code"], axis=1)
    returns = returns[returns["cassr_code"].isin(RETURN_CODES)]
    hexagons = read_table(tidy / "hex_layout.csv")
    return {
        "councils": read_table(tidy / "councils.csv").sort_values("area_code"),
        "code_changes": changes[["date", "kind", "old_code", "new_code", "new_name", "note"]],
        "cassr_codes": pd.concat([cassr[cassr["ons_code"].str.startswith("E") & (cassr["first"] <= "2015-07")], returns])[
            ["cassr_code", "ons_code"]
        ].sort_values("cassr_code"),
        "hex_layout": hexagons.rename(columns={"code": "area_code", "name": "area_name"}).sort_values("area_code"),
    }


COUNT_KEY = ["framework", "item", "breakdown", "financial_year", "period"]


def council_counts(figures: pd.DataFrame) -> pd.DataFrame:
    """How many councils have a value of each item in each year: what the gate `raw_council_counts` holds later runs against."""
    councils = figures[figures["area_code"].str.match(r"^(E06|E08|E09|E10|cassr:)") & figures["value"].notna()]
    counted = councils.groupby(COUNT_KEY)["area_code"].nunique().rename("councils").reset_index()
    return counted.sort_values(COUNT_KEY)
