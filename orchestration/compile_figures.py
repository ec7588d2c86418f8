"""Compile the embedded figures: from publishers' files and tidy official figures to `data/figures/`, in the project's own form.

What belongs here: which file is which edition, and how a tidy table becomes figures. Reading a publisher's layout belongs to
`readers/`; what a figure means belongs to `dbt_project/`. Run by `asc figures compile`, by people who add or correct a year;
`asc run` only reads the result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import pandas as pd

from orchestration.figures import (
    EDITION_COLUMNS,
    FIGURE_KEY,
    figures_frame,
    read_table,
    write_csv,
    write_figures,
)
from orchestration.readers.activity_and_finance import read_finance_totals_2016_17, read_tables, tables_2021_22
from orchestration.readers.ascof_time_series import read_ascof_time_series
from orchestration.readers.cells import LayoutError
from orchestration.readers.deflators import read_deflators
from orchestration.readers.delayed_transfers import read_delayed_transfers
from orchestration.readers.deprivation import read_deprivation
from orchestration.readers.discharge_ready_date import item_name, read_discharge_ready_date, year_sums
from orchestration.readers.fingertips import read_fingertips
from orchestration.readers.population import read_population
from orchestration.readers.revenue_outturn import read_form
from orchestration.readers.salt import Count, read_salt

OGL = "Open Government Licence v3.0"

POPULATION_FILES = {
    2015: "MYE2_population_by_sex_and_age_for_local_authorities_UK_2015.xls",
    2016: "ukmidyearestimates2016.xls",
    2017: "ukmidyearestimates2017finalversion.xls",
    2018: "ukmidyearestimates20182019ladcodes.xls",
    2019: "ukmidyearestimates20192020ladcodes.xls",
    2020: "ukpopestimatesmid2020on2021geography.xls",
    2021: "ukpopestimatesmid2021on2021geographyfinal.xls",
    2022: "mye22final.xlsx",
}
DEPRIVATION_FILES = {
    2015: "File_11_ID_2015_Upper-tier_Local_Authority_Summaries.xlsx",
    2019: "File_11_-_IoD2019_Local_Authority_District_Summaries__upper-tier__.xlsx",
}
MARGIN_ITEMS = tuple(f"{code}_margin_of_error" for code in ("1A", "1C", "1D", "3A", "4A", "5A1"))  # surveys the index uses
MARGIN_YEARS = ("2017-18", "2024-25")
CLIENT_LEVEL_YEAR = "2024-25"  # the first year from client-level data, and the first of which this workbook is the publication
CLIENT_LEVEL_BASES = tuple(f"{code}_denominator" for code in ("2A", "2D1", "2D2", "2E1", "2E2B", "3D1A", "3D2A"))
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
    note: str = ""
    parts: tuple[Path, ...] = ()  # the files, where an edition is more than one; `file` is then the first
    sheet: str = ""  # the one sheet all figures come from; their locators then leave it out


def compile_figures(given: Path, target: Path, report: Callable[[str], None] = lambda _: None) -> dict[str, int]:
    """Write figures, editions and reference tables to `target` from the folder `given`; return figures by source.

    Raises FileNotFoundError when a file is absent, LayoutError (with the file's name) when one is not laid out as expected, and
    ValueError when two figures share a key.
    """
    by_source: dict[str, list[pd.DataFrame]] = {}
    editions: list[dict[str, str]] = []
    for edition in (*_editions(given), *optional_editions(given / "publisher")):
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
    """The figures of an edition, under its source and name. LayoutError names the file."""
    try:
        frame = edition.figures()
    except LayoutError as error:
        raise LayoutError(f"{edition.file.name}: {error}") from error
    frame = frame.assign(source=edition.source, edition=edition.edition)
    if edition.sheet:
        frame["locator"] = frame["locator"].str.removeprefix(f"{edition.sheet}!")
    return frame


def row_of(edition: Edition) -> dict[str, str]:
    """What `editions.csv` says of an edition. The hash is over all its files, one after the other."""
    digest = hashlib.sha256()
    for path in edition.parts or (edition.file,):
        digest.update(path.read_bytes())
    more = f" and {len(edition.parts) - 1} more" if len(edition.parts) > 1 else ""
    return {
        "source": edition.source,
        "edition": edition.edition,
        "publisher": edition.publisher,
        "title": edition.title,
        "file": edition.file.name + more,
        "sheet": edition.sheet,
        "sha256": digest.hexdigest(),
        "url": edition.url,
        "licence": OGL,
        "maturity": edition.maturity,
        "note": edition.note,
    }


def optional_editions(published: Path) -> Iterator[Edition]:
    """Publications that are read when they are at hand; without them their measures stay "not held".

    fingertips/*.csv           what the API serves for 41401 (hip fracture)
    salt/*.csv                 the long SALT CSV, beside it counts.csv (item, column, value): which keys of that edition make which count
    discharge_ready_date/<financial year>/*.csv   the twelve monthly files, beside them measures.csv (item, measure): the publication's words
    """
    for path in sorted((published / "fingertips").glob("*.csv")):
        yield Edition(
            "fingertips", path.stem, "Office for Health Improvement and Disparities", f"Public health profiles: {path.stem}",
            path, partial(_read, path, read_fingertips), url="https://fingertips.phe.org.uk/",
        )  # fmt: skip
    keys = published / "salt" / "counts.csv"
    for path in sorted(p for p in keys.parent.glob("*.csv") if p != keys):
        yield Edition(
            "salt", path.stem, "NHS Digital", f"Adult Social Care Activity and Finance Report, England: SALT data, {path.stem}",
            path, partial(_salt, path, keys),
        )  # fmt: skip
    for folder in sorted(p for p in (published / "discharge_ready_date").glob("*") if p.is_dir()):
        words = folder / "measures.csv"
        months = tuple(sorted(p for p in folder.glob("*.csv") if p != words))
        if months:
            yield Edition(
                "discharge_ready_date", folder.name, "NHS England", f"Discharge ready date, monthly data, {folder.name}",
                months[0], partial(_discharge_ready_date, months, words), parts=months,
                url="https://www.england.nhs.uk/statistics/statistical-work-areas/discharge-delays/discharge-ready-date/",
            )  # fmt: skip


def _salt(path: Path, keys: Path) -> pd.DataFrame:
    if not keys.exists():
        raise LayoutError(f"{keys} is absent: it says which keys make which count (columns item, column, value)")
    table = read_table(keys)
    counts = [
        Count(str(item), {str(column): tuple(cells["value"]) for column, cells in rows.groupby("column")})
        for item, rows in table.groupby("item")
    ]
    return read_salt(path.read_bytes(), counts)


def _discharge_ready_date(months: tuple[Path, ...], words: Path) -> pd.DataFrame:
    if not words.exists():
        raise LayoutError(f"{words} is absent: it says by which words the publication calls each item (columns item, measure)")
    items = {item_name(measure): item for item, measure in read_table(words)[["item", "measure"]].itertuples(index=False)}
    return year_sums([read_discharge_ready_date(p.read_bytes(), *_month_in(p.stem)) for p in months], items)


MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)


def _month_in(stem: str) -> tuple[int, int]:
    """'Discharge-Ready-Date-monthly-data-csv-April-2024-Revised' -> (2024, 4). LayoutError if no month and year stand in it."""
    words = stem.lower().split("-")
    for month, year in pairwise(words):
        if month in MONTHS and year.isdigit():
            return int(year), MONTHS.index(month) + 1
    raise LayoutError(f"{stem}: no month and year such as April-2024 in the file's name")


def _editions(given: Path) -> Iterator[Edition]:
    tidy, published = given / "figures", given / "publisher"
    yield from _ascof(tidy)
    series = published / "ascof" / "ascof_2024_25.ods"
    yield Edition(
        "ascof", "2024-25", "Department of Health and Social Care",
        "Measures from the Adult Social Care Outcomes Framework, England, 2024 to 2025: outcome and demographic data",
        series, partial(_time_series, series),
        url="https://www.gov.uk/government/statistics/measures-from-the-adult-social-care-outcomes-framework-england-2024-to-2025",
        note="a series of years; of the years before 2024-25 only the margins of error of the surveys are carried (95 % confidence)",
    )  # fmt: skip
    for year in sorted(read_table(tidy / "adult_social_care_net_current_expenditure.csv")["financial_year"].unique()):
        path = tidy / "adult_social_care_net_current_expenditure.csv"
        yield Edition(
            "revenue_outturn", year, "Ministry of Housing, Communities and Local Government",
            f"Local authority revenue expenditure and financing England: {year} individual local authority data, outturn",
            path, partial(_net_current_expenditure, path, year),
            note="carried from a tidy compilation of the outturn files; the year labels of 2015-16 and 2016-17 were inferred from totals"
            if year < "2017-18" else "carried from a tidy compilation of the outturn files",
        )  # fmt: skip
    form = published / "revenue_outturn" / "RO3_2024-25.ods"
    yield Edition(
        "revenue_outturn", "2024-25", "Ministry of Housing, Communities and Local Government",
        "Local authority revenue expenditure and financing England: 2024-25 individual local authority data, outturn: RO3 social care",
        form, partial(_read, form, read_form, "2024-25"), sheet="RO3_LA_Data_202425",
        note="net current expenditure of adult social care by reason and age; three councils had not submitted",
    )  # fmt: skip
    folder = published / "activity_and_finance"
    nhsd = "NHS Digital"
    yield Edition(
        "activity_and_finance", "2016-17", nhsd, "Adult Social Care Activity and Finance Report, England 2016-17: finance totals",
        folder / "CSV ASCFR Totals.csv",
        partial(_read, folder / "CSV ASCFR Totals.csv", read_finance_totals_2016_17),
        note="key-coded; meanings of the keys inferred by agreement with 2017-18",
    )  # fmt: skip
    yield Edition(
        "activity_and_finance", "2017-18", nhsd, "Adult Social Care Activity and Finance Report, England 2017-18: finance",
        tidy / "gross_current_expenditure_2017-18.csv",
        partial(_gross_current_expenditure_2017_18, tidy / "gross_current_expenditure_2017-18.csv"),
        url="https://files.digital.nhs.uk/4F/11BD6D/SALT%20and%20ASCFR%20Reference%20Tables%20%28Suppressed%29%20v2.xlsx",
    )  # fmt: skip
    workbook = folder / "ASCFR and SALT Data Tables 2021-22.xlsx"
    yield Edition(
        "activity_and_finance", "2021-22", nhsd, "Adult Social Care Activity and Finance Report, England 2021-22: data tables",
        workbook, partial(_read, workbook, read_tables, tables_2021_22()),
        url="https://files.digital.nhs.uk/AF/4C9A4F/ASCFR%20and%20SALT%20Data%20Tables%202021-22.xlsx",
        note="holds 2020-21 as well",
    )  # fmt: skip
    yield from _delayed_transfers(published / "delayed_transfers")
    for year, name in POPULATION_FILES.items():
        path = published / "population" / name
        yield Edition(
            "population", f"mid-{year}", "Office for National Statistics",
            f"Estimates of the population for the UK, England, Wales, Scotland and Northern Ireland, mid-{year}",
            path, partial(_read, path, read_population, year),
        )  # fmt: skip
    for year, name in DEPRIVATION_FILES.items():
        path = published / "deprivation" / name
        yield Edition(
            "deprivation", str(year), "Ministry of Housing, Communities and Local Government",
            f"English indices of deprivation {year}, File 11: upper-tier local authority summaries",
            path, partial(_read, path, read_deprivation, year),
        )  # fmt: skip
    falls = tidy / "emergency_admissions_falls_65plus.csv"
    for year in FALLS_YEARS:
        yield Edition(
            "fingertips", year, "Public Health England",
            f"Public health profiles, indicator 22401: emergency hospital admissions due to falls in people aged 65 and over, {year}",
            falls, partial(_falls, falls, year), url="https://fingertips.phe.org.uk/",
            note="districts, unitary councils and England; county councils are not in it",
        )  # fmt: skip
    prices = published / "prices" / "GDP_Deflators_Qtrly_National_Accounts_December_2023_update.csv"
    yield Edition(
        "deflators", "2023-12", "HM Treasury", "GDP deflators at market prices, and money GDP: December 2023 (Quarterly National Accounts)",
        prices, partial(_read, prices, read_deflators),
        url="https://assets.publishing.service.gov.uk/media/659c102bc23a1000128d0cb8/GDP_Deflators_Qtrly_National_Accounts_December_2023_update.xlsx",
        note="2022-23 = 100; 2020-21 is distorted by the measurement of public services in the pandemic",
    )  # fmt: skip


def _read(path: Path, reader: Callable[..., pd.DataFrame], *arguments: object) -> pd.DataFrame:
    return reader(path.read_bytes(), *arguments)


def _time_series(path: Path) -> pd.DataFrame:
    figures = read_ascof_time_series(path.read_bytes(), ("margin_of_error", "denominator", "outcome"))
    year, item = figures["financial_year"], figures["item"]
    margins = item.isin(MARGIN_ITEMS) & year.between(*MARGIN_YEARS)
    outcomes = (year == CLIENT_LEVEL_YEAR) & ~item.str.endswith(("_margin_of_error", "_denominator"))
    bases = (year == CLIENT_LEVEL_YEAR) & item.isin(CLIENT_LEVEL_BASES)
    kept = (margins | outcomes | bases) & ~item.str.startswith("6B") & ~figures["area_code"].str.startswith("E12")
    # A cell left empty belongs to a council that was not yet, or no longer, there.
    return figures[kept & ~(figures["value"].isna() & figures["mark"].isin(["", "[z]"]))]


def _ascof(tidy: Path) -> Iterator[Edition]:
    outcomes, by_age = tidy / "ascof_outcomes.csv", tidy / "ascof_outcomes_by_age.csv"
    for year in sorted(read_table(outcomes)["financial_year"].unique()):
        yield Edition(
            "ascof", year, "NHS England" if year >= "2022-23" else "NHS Digital",
            f"Measures from the Adult Social Care Outcomes Framework, England, {year}",
            outcomes, partial(_ascof_outcomes, outcomes, year),
            url="https://digital.nhs.uk/data-and-information/publications/statistical/adult-social-care-outcomes-framework-ascof",
            note="outcomes only, totals only; rows that the publisher suppressed are absent",
        )  # fmt: skip
    for year in sorted(read_table(by_age)["financial_year"].unique()):
        yield Edition(
            "ascof", f"{year} by age", "NHS Digital",
            f"Measures from the Adult Social Care Outcomes Framework, England, {year}: outcomes by age band",
            by_age, partial(_ascof_by_age, by_age, tidy / "ascof_measure_descriptions.csv", year),
            url="https://digital.nhs.uk/data-and-information/publications/statistical/adult-social-care-outcomes-framework-ascof",
            note="identified by description; a description that belongs to no measure or to two is left out",
        )  # fmt: skip


def _delayed_transfers(folder: Path) -> Iterator[Edition]:
    urls = read_table(folder / "urls.csv")
    addresses: dict[str, str] = dict(zip(urls["month"], urls["url"], strict=True))
    for path in sorted(folder.glob("*.xls")):
        month = _month_of(path.stem)
        if month < FIRST_DELAYED_TRANSFER_MONTH:
            continue
        yield Edition(
            "delayed_transfers", month, "NHS England", f"Delayed transfers of care by local authority, {month}",
            path, partial(_read, path, read_delayed_transfers), url=addresses.get(month, ""),
            sheet="LA - by responsible org",
        )  # fmt: skip


def _month_of(stem: str) -> str:
    """'Sept_16' -> '2016-09'."""
    name, year = stem.split("_")
    months = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
    return f"20{year}-{months.index(name[:3].lower()) + 1:02d}"


ASCOF_UNITS = {"1A": "score", "1J": "score", "1D": "score", "2A1": "per_100k", "2A2": "per_100k",
               "2C1": "per_100k", "2C2": "per_100k", "2C3": "per_100k"}  # fmt: skip
ASCOF_2023_UNITS = {"1A": "score", "1B": "score", "1C": "score", "2B": "per_100k", "2C": "per_100k"}


def _ascof_unit(framework: str, code: str) -> str:
    return (ASCOF_2023_UNITS if framework == "ascof_2023" else ASCOF_UNITS).get(code, "pct")


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
                "unit": _ascof_unit(str(row.framework), str(row.measure_code)),
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
                "unit": _ascof_unit("ascof_2014", match[0]),
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
    hexagons = read_table(tidy / "hex_layout.csv")
    return {
        "councils": read_table(tidy / "councils.csv").sort_values("area_code"),
        "code_changes": changes[["date", "kind", "old_code", "new_code", "new_name", "note"]],
        "cassr_codes": cassr[cassr["ons_code"].str.startswith("E") & (cassr["first"] <= "2015-07")][
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
