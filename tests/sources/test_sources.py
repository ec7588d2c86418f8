"""Source files: all of them load, say only what they may, and name readers and options that there are; known errors are data."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest
import yaml

from orchestration.acquisition.councils import councils_of
from orchestration.acquisition.known_errors import COLUMNS, MARK, KnownError, known_errors, put_right
from orchestration.acquisition.reading import READERS, TABLE_READERS, read_edition
from orchestration.figures import FIGURE_COLUMNS, read_table
from orchestration.readers.cells import LayoutError
from orchestration.settings import Settings
from orchestration.sources.model import FOLDER, Reader, SourceError, financial_years, read_source, source_and_edition, sources

GOOD: dict[str, Any] = {
    "source": "prices",
    "title": "Prices",
    "publisher": "A publisher",
    "landing_page": "https://example.org/",
    "licence": "Open Government Licence v3.0",
    "citation": "A publisher, Prices",
    "layouts": {"csv": {"reader": "deflators"}},
    "editions": {"2023-12": {"financial_year": "2023-24", "address": "https://example.org/prices%20now.csv", "layout": "csv"}},
}


def written(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    said = yaml.safe_load(yaml.safe_dump(GOOD))
    change(said)
    path = folder / "prices.yaml"
    path.write_text(yaml.safe_dump(said))
    return path


def test_every_source_is_described() -> None:
    assert set(sources()) == {path.stem for path in FOLDER.glob("*.yaml")}
    assert len(sources()) >= 12
    assert financial_years()[0] == "2014-15"
    for source in sources().values():
        assert source.licence.startswith("Open Government Licence")
        for name, edition in source.editions.items():
            assert edition.file_name != "attachment" or edition.content_path or edition.page, (source.source, name)


def test_readers_of_sources_are_the_readers_there_are_and_take_the_options_they_are_told() -> None:
    readers = READERS | TABLE_READERS
    assert set(get_args(Reader)) == set(readers)
    used = set()
    for source in sources().values():
        for name, layout in source.layouts.items():
            used.add(layout.reader)
            assert set(layout.options) <= set(inspect.signature(readers[layout.reader]).parameters), (source.source, name)
        for name, edition in source.editions.items():
            takes = set(inspect.signature(readers[source.layouts[edition.layout].reader]).parameters)
            assert set(edition.options) <= takes, (source.source, name)
    assert used == set(readers)


def test_a_good_source_is_read(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, lambda _: None))
    edition = source.editions["2023-12"]
    assert (source.folder, edition.file_name, edition.maturity, edition.can_be_fetched) == (
        "prices",
        "prices now.csv",
        "final",
        True,
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.update(adress="x"), r"prices.yaml: adress: Extra inputs"),
        (lambda s: s["editions"]["2023-12"].update(sheets="x"), r"editions.2023-12.sheets: Extra inputs"),
        (lambda s: s["layouts"]["csv"].update(reader="magic"), r"layouts.csv.reader: Input should be"),
        (lambda s: s["editions"]["2023-12"].update(address="http://example.org/a.csv"), "is not an https address"),
        (lambda s: s["editions"]["2023-12"].update(financial_year="2023-25"), "'2023-25' is no financial year such as 2017-18"),
        (lambda s: s["editions"]["2023-12"].update(layout="xls"), "edition 2023-12: no layout 'xls'; there are csv"),
        (lambda s: s["editions"]["2023-12"].update(page="https://example.org/", link_pattern="("), "is no regular expression"),
        (lambda s: s["editions"]["2023-12"].update(page="https://example.org/"), "page and link_pattern"),
        (lambda s: s["editions"]["2023-12"].pop("address"), "an edition needs an address"),
        (
            lambda s: s.update(monthly=True, editions={"2023": GOOD["editions"]["2023-12"]}),
            "an edition is a month such as 2017-04",
        ),
        (lambda s: s.update(editions={}), "editions: Dictionary should have at least 1 item"),
        (lambda s: s.pop("licence"), "licence: Field required"),
        (lambda s: s.update(source="wages"), "source is 'wages'; the file should be named after it"),
        (lambda s: s["editions"]["2023-12"].update(maturity="draft"), "maturity: Input should be"),
    ],
)
def test_what_a_source_may_not_say_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object], says: str) -> None:
    with pytest.raises(SourceError, match=says):
        read_source(written(tmp_path, change))


def test_what_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("source: [")
    with pytest.raises(SourceError, match=r"prices.yaml: not YAML"):
        read_source(tmp_path / "prices.yaml")


def test_unknown_sources_and_editions_are_named_with_those_there_are() -> None:
    with pytest.raises(SourceError, match="There is no source 'asc'; there are activity_and_finance, ascof"):
        source_and_edition("asc")
    with pytest.raises(SourceError, match="deprivation has no edition '2035'; it has 2015, 2019"):
        source_and_edition("deprivation", "2035")


def test_every_embedded_edition_with_figures_is_of_a_source_that_is_described() -> None:
    embedded = read_table(Settings().figures_dir / "editions.csv")
    assert set(embedded["source"]) <= set(sources())


# Known errors

FIGURES = pd.DataFrame(
    [
        ["s", "e", "f", "2017-18", "2017-18", area, "spend", "total", "gbp_thousand", value, "", "A1"]
        for area, value in (("E1", 5.0), ("E2", 7.0))
    ],
    columns=list(FIGURE_COLUMNS),
)


def error(action: str, published: str = "7", area: str = "E2", instead: str = "", item: str = "spend") -> KnownError:
    return KnownError("s", "e", area, item, "total", "2017-18", published, action, instead, "why")


def test_a_known_error_is_left_out_marked_or_given_its_code() -> None:
    assert put_right(FIGURES, [error("leave_out")])["area_code"].tolist() == ["E1"]
    marked = put_right(FIGURES, [error("mark")]).iloc[1]
    assert pd.isna(marked["value"])
    assert marked["mark"] == MARK
    recoded = put_right(FIGURES, [error("recode", instead="E3")])
    assert recoded["area_code"].tolist() == ["E1", "E3"]
    assert recoded["value"].tolist() == [5.0, 7.0]
    assert put_right(FIGURES, []) is FIGURES
    assert put_right(FIGURES, [error("leave_out", published="*", item="*")])["area_code"].tolist() == ["E1"]


@pytest.mark.parametrize("gone", [error("mark", published="8"), error("leave_out", area="E9"), error("mark", item="other")])
def test_a_correction_does_not_outlive_the_error(gone: KnownError) -> None:
    with pytest.raises(LayoutError, match=r"a known error is no longer there.*delete its row from known_errors.csv"):
        put_right(FIGURES, [gone])


@pytest.mark.parametrize(
    ("action", "reason", "instead"), [("guess", "why", ""), ("mark", "", ""), ("recode", "why", ""), ("mark", "why", "E3")]
)
def test_a_row_that_does_not_say_what_to_do_is_refused(tmp_path: Path, action: str, reason: str, instead: str) -> None:
    path = tmp_path / "errors.csv"
    path.write_text(",".join(COLUMNS) + f"\ns,e,E1,i,total,2017-18,7,{action},{instead},{reason}\n")
    with pytest.raises(ValueError, match=r"errors.csv, line 2: action"):
        known_errors(path)


def test_the_known_errors_are_of_editions_that_there_are() -> None:
    assert known_errors(FOLDER / "known_errors.csv")
    for one in known_errors():
        source_and_edition(one.source, one.edition)


# What a reader is told


def test_counts_of_salt_are_taken_for_the_edition_they_name(tmp_path: Path) -> None:
    salt = sources()["salt"]
    lines = [f"2025,LTS002a,1,{code},{12 + n}" for n, code in enumerate(sorted(councils_of("2024-25")))]
    reviews = "\n".join(["FYEnding,Measure,View,GeographyCode,ITEMVALUE", *lines, ""]).encode()
    with pytest.raises(LayoutError, match=r"r.csv: .*counts.csv is absent: it says which keys.*from the publisher's dictionary"):
        read_edition(salt, "2024-25 reviews", reviews, "r.csv", tmp_path)
    (tmp_path / "counts.csv").write_text(
        "edition,item,column,value\n2024-25 reviews,unplanned_reviews,Measure,LTS002a\n2024-25 requests,requests,Measure,STS001\n"
    )
    figures = read_edition(salt, "2024-25 reviews", reviews, "r.csv", tmp_path)
    assert figures[["item", "value", "financial_year"]].to_numpy().tolist()[0] == ["unplanned_reviews", 12.0, "2024-25"]
    assert len(figures) == 153
    with pytest.raises(LayoutError, match="has no row for edition 2024-25 long-term"):
        read_edition(salt, "2024-25 long-term", reviews, "r.csv", tmp_path)
    (tmp_path / "counts.csv").write_text("item,key\n")
    with pytest.raises(LayoutError, match="no column column, value; found item, key"):
        read_edition(salt, "2024-25 reviews", reviews, "r.csv", tmp_path)
