"""The released database refuses what breaks a key, and its descriptors say the same keys."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.publication.schema import KeyBrokenError, create_all, keys_of
from tests.conftest import Released


@pytest.fixture(scope="module")
def writable(released: Released, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A copy of the released database, open for writing."""
    copy = tmp_path_factory.mktemp("keys") / "asc.duckdb"
    shutil.copy(released.release / "asc.duckdb", copy)
    return duckdb.connect(str(copy))


def test_a_planted_duplicate_is_refused_by_the_database_itself(writable: duckdb.DuckDBPyConnection) -> None:
    tables = [t for (t,) in writable.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()]
    assert len(tables) >= 40
    for table in tables:
        if table == "index_diagnostics":  # a key with an empty part is unique only among whole ones
            where = "where domain_id is not null and measure_id is not null and other_measure_id is not null"
        else:
            where = ""
        with pytest.raises(duckdb.ConstraintException, match=r"[Dd]uplicate key"):
            writable.execute(f"insert into marts.{table} select * from marts.{table} {where} limit 1")


@pytest.mark.parametrize(
    ("table", "column", "orphan"),
    [
        ("productivity_ranking", "area_code", "E99999999"),
        ("fct_measure_value", "measure_id", "no_such_measure"),
        ("fct_measure_value", "figure_id", "0" * 32),
        ("fct_lineage", "figure_id", "0" * 32),
        ("fct_published_figure", "edition", "2099-00"),
        ("fct_peer", "peer_area_code", "E99999999"),
        ("rank_uncertainty", "definition_id", "no_such_definition"),
        ("dim_council_alias", "area_code", "E99999999"),
    ],
)
def test_a_planted_orphan_is_refused_by_the_database_itself(
    writable: duckdb.DuckDBPyConnection, table: str, column: str, orphan: str
) -> None:
    key = {
        "productivity_ranking": "definition_id",
        "fct_measure_value": "financial_year",
        "fct_lineage": "component_id",
        "fct_published_figure": "figure_id",
        "fct_peer": "financial_year",
        "rank_uncertainty": "uncertainty_of",
        "dim_council_alias": "alias",
    }[table]
    # a row that is new by its key, so that only the orphan stands against it
    changed = f"'{orphan}' as {column}" if key == column else f"'{orphan}' as {column}, 'planted' as {key}"
    if table in {"productivity_ranking", "rank_uncertainty"} and column != key:
        changed = f"'{orphan}' as {column}"
    with pytest.raises(duckdb.ConstraintException, match="foreign key"):
        writable.execute(
            f"insert into marts.{table} select * replace ({changed}) from marts.{table} where {column} is not null limit 1"
        )


def test_a_mart_that_breaks_its_key_is_not_released_and_the_row_is_named() -> None:
    with duckdb.connect() as db:
        db.execute("create schema marts")
        columns = {"rank_group": dict.fromkeys(("definition_id", "financial_year", "area_code"), "varchar")}
        keys = keys_of({}, columns)["rank_group"]
        twice = "select 'default' as definition_id, '2024-25' as financial_year, 'E06000047' as area_code from range(2)"
        with pytest.raises(KeyBrokenError, match=r"marts\.rank_group cannot be released: .*E06000047.*Nothing was published"):
            create_all(db, {"rank_group": twice}, columns, {"rank_group": type(keys)(keys.key, True, ())})


def test_a_table_without_a_key_is_refused() -> None:
    with pytest.raises(LookupError, match="table fct_new has no key"):
        keys_of({}, {"fct_new": ["area_code"]})


def test_the_data_package_describes_every_file_as_it_is(released: Released) -> None:
    import hashlib

    package = json.loads((released.release / "datapackage.json").read_text(encoding="utf-8"))
    with released.connect() as db:
        tables = {t for (t,) in db.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()}
    assert {r["name"] for r in package["resources"]} == tables
    kinds = {"string": str, "number": float, "integer": int, "boolean": lambda v: {"true": True, "false": False}[v], "date": str}
    for resource in package["resources"]:
        content = (released.release / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}" and resource["bytes"] == len(content)
        rows = csv.DictReader(content.decode("utf-8").splitlines())
        fields = resource["schema"]["fields"]
        assert rows.fieldnames == [f["name"] for f in fields]
        assert all(f["description"] for f in fields), resource["name"]
        for _, row in zip(range(200), rows, strict=False):
            for field in fields:
                if row[field["name"]] != "":
                    kinds[field["type"]](row[field["name"]])
        for foreign in resource["schema"]["foreignKeys"]:
            assert foreign["reference"]["resource"] in tables


def test_csvw_and_the_dictionary_have_the_same_columns_and_keys(released: Released) -> None:
    package = json.loads((released.release / "datapackage.json").read_text(encoding="utf-8"))
    csvw = json.loads((released.release / "csv-metadata.json").read_text(encoding="utf-8"))
    dictionary = list(csv.DictReader((released.release / "data_dictionary.csv").open(encoding="utf-8")))
    for resource, table in zip(package["resources"], csvw["tables"], strict=True):
        names = [f["name"] for f in resource["schema"]["fields"]]
        assert table["url"] == resource["path"]
        assert [c["name"] for c in table["tableSchema"]["columns"]] == names
        assert table["tableSchema"].get("primaryKey") == resource["schema"].get("primaryKey")
        assert [d["column"] for d in dictionary if d["table"] == resource["name"] and d["column"]] == names
    made_of = {(d["table"], d["column"]): (d["published"], d["chosen"]) for d in dictionary if d["column"]}
    assert "figures.value" in made_of["fct_measure_value", "value"][0].split(", ")
    assert "measure_sources.scale" in made_of["fct_measure_value", "value"][1].split(", ")
    assert "figures.value" in made_of["productivity_ranking", "rank"][0].split(", ")
    units = {d["column"]: d["unit"] for d in dictionary if d["unit"]}
    assert units["spend_per_adult_gbp"] == "GBP" and units["spend_change_pct"] == "per cent"


def test_keys_are_those_that_dbt_tests(released: Released) -> None:
    """A second reading, from the YAML itself."""
    import yaml

    from orchestration.settings import PROJECT_ROOT

    package = {
        r["name"]: r["schema"]
        for r in json.loads((released.release / "datapackage.json").read_text(encoding="utf-8"))["resources"]
    }
    models = yaml.safe_load((PROJECT_ROOT / "dbt_project" / "models" / "marts" / "_marts.yml").read_text(encoding="utf-8"))[
        "models"
    ]
    checked = 0
    for model in models:
        for test in model.get("data_tests", []):
            if isinstance(test, dict) and "unique_key" in test and model["name"] in package:
                assert package[model["name"]]["primaryKey"] == test["unique_key"]["arguments"]["columns"]
                checked += 1
    assert checked > 15


def test_the_workbook_holds_the_ranking_and_nothing_that_a_spreadsheet_runs(released: Released, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    from orchestration.publication.workbook import write_workbook

    book = load_workbook(released.release / "asc_index.xlsx")
    assert book.sheetnames == ["Cover", "Contents", "Ranking", "Measures", "Years"]
    rows = [[c.value for c in r] for r in book["Ranking"].iter_rows()]
    start = next(n for n, r in enumerate(rows) if r[0] == "Area code")
    with released.connect() as db:
        expected = db.execute(
            "select area_code, rank, productivity from marts.latest_ranking order by rank nulls last, area_name"
        ).fetchall()
    found = [(r[0], r[3], r[10]) for r in rows[start + 1 :] if r[0]]
    assert [f[0] for f in found] == [e[0] for e in expected]
    for (_, rank, productivity), (_, right_rank, right_productivity) in zip(found, expected, strict=True):
        assert (rank, productivity) == (("[x]", "[x]") if right_rank is None else (right_rank, pytest.approx(right_productivity)))
    assert not any(c.data_type == "f" for sheet in book for row in sheet.iter_rows() for c in row)
    assert not any(sheet.merged_cells.ranges for sheet in book)

    hostile = tmp_path / "asc.duckdb"
    shutil.copy(released.release / "asc.duckdb", hostile)
    with duckdb.connect(str(hostile)) as db:
        db.execute(
            "update marts.productivity_ranking set area_name = '=HYPERLINK(\"http://example.org\")' where area_code = 'E06000047'"
        )
        write_workbook(tmp_path / "book.xlsx", db)
    names = {c.value: c.data_type for c in load_workbook(tmp_path / "book.xlsx")["Ranking"]["B"]}
    assert names['\'=HYPERLINK("http://example.org")'] == "s"
