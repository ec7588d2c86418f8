"""Where columns come from: small queries by hand, and every column of the project beside sqlglot's own, slower tracing."""

from __future__ import annotations

import logging

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from orchestration.warehouse.columns import column_types, descriptions
from orchestration.warehouse.dbt import lineage_path, read_manifest
from orchestration.warehouse.lineage import LineageError, column_lineage, reached, read, trace
from orchestration.warehouse.raw import raw_columns
from tests.conftest import Released

COLUMNS = {
    "raw": {
        "figures": {"value": "text", "item": "text", "area_code": "text"},
        "councils": {"area_code": "text", "area_name": "text"},
    }
}


@pytest.mark.parametrize(
    ("sql", "origins"),
    [
        ("select value * 2 as doubled from raw.figures", {"doubled": [("raw", "figures", "value")]}),
        ("select * exclude (item, area_code) from raw.figures", {"value": [("raw", "figures", "value")]}),
        # joined on and filtered on is no origin
        (
            "select c.area_name from raw.figures as f inner join raw.councils as c using (area_code) where f.value > 1",
            {"area_name": [("raw", "councils", "area_name")]},
        ),
        (
            "with a as (select value as v from raw.figures), b as (select v from a union all select area_name from raw.councils) select v from b",
            {"v": [("raw", "councils", "area_name"), ("raw", "figures", "value")]},
        ),
        (
            "select rank() over (partition by item order by value) as place from raw.figures",
            {"place": [("raw", "figures", "item"), ("raw", "figures", "value")]},
        ),
        (
            "select (select max(area_name) from raw.councils) as last, 1 as one from raw.figures",
            {"last": [("raw", "councils", "area_name")], "one": []},
        ),
    ],
)
def test_a_column_is_traced_to_what_makes_it(sql: str, origins: dict[str, list[tuple[str, str, str]]]) -> None:
    assert trace(sql, COLUMNS) == origins


def model(name: str, sql: str, *parents: str) -> dict[str, object]:
    return {
        "resource_type": "model",
        "schema": "marts",
        "name": name,
        "compiled_code": sql,
        "depends_on": {"nodes": [f"model.{p}" for p in parents]},
    }


def test_models_are_traced_in_order_and_one_that_cannot_be_is_named() -> None:
    second = model("second", "select doubled as twice from marts.first", "first")
    first = model("first", "select value * 2 as doubled from raw.figures")
    found = column_lineage({"nodes": {"model.second": second, "model.first": first}}, COLUMNS)
    assert found["marts.second"] == {"twice": [("marts", "first", "doubled")]}
    assert reached(found, "marts.second", "twice") == [("raw", "figures", "value")]
    with pytest.raises(LineageError, match=r"^marts\.broken: its columns cannot be traced"):
        column_lineage({"nodes": {"model.broken": model("broken", "select from where")}}, COLUMNS)


def test_every_column_of_the_project_is_traced_as_the_library_traces_it(released: Released) -> None:
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for (s, table), columns in column_types(released.settings).items():
        schema.setdefault(s, {})[table] = dict(columns)
    ours, compared = read(lineage_path(released.settings)), 0
    for node in read_manifest(released.settings)["nodes"].values():
        if node["resource_type"] != "model":
            continue
        name = f"{node['schema']}.{node['name']}"
        assert list(ours[name]) == list(schema[node["schema"]][node["name"]]), name  # the columns that the table really has
        parsed = sqlglot.parse_one(node["compiled_code"], dialect="duckdb")
        query = qualify(parsed, schema=schema, dialect="duckdb", validate_qualify_columns=False, identify=False)
        scope = build_scope(query)
        for column, origins in ours[name].items():
            root = lineage(column, query, schema=schema, scope=scope, dialect="duckdb", copy=False)
            leaves = {
                (leaf.expression.db, leaf.expression.name, leaf.name.split(".")[-1])
                for leaf in root.walk()
                if isinstance(leaf.expression, exp.Table)
            }
            assert leaves == set(origins), f"{name}.{column}"
            compared += 1
    assert compared > 700


def test_the_raw_tables_have_the_columns_that_the_trail_counts_on(released: Released) -> None:
    types = column_types(released.settings)
    for table, columns in raw_columns(released.settings).items():
        assert list(types["raw", table]) == columns, table


def test_every_column_of_every_model_is_described(released: Released) -> None:
    found = read(lineage_path(released.settings))
    words = descriptions(read_manifest(released.settings), found)
    missing = [
        f"{table}.{column}" for table, columns in found.items() for column in columns if (*table.split("."), column) not in words
    ]
    assert missing == []
    assert words["intermediate", "int_productivity", "net_spend_gbp"] == "Net current expenditure, GBP."
