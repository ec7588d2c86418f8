"""Where each column of a dbt model comes from: read from the SQL that dbt compiled, once for each project, and kept beside the manifest.

A column of a model is traced to the columns of the tables that the model names (its parents); from parent to parent that leads back to
`raw.figures`. Only what makes the value counts: a column that is merely joined or filtered on is no origin. What belongs here: SQL in,
columns out. What does not: Dagster (`assets/warehouse.py` hands this to its pages).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

Origin = tuple[str, str, str]
"""Schema, table and column."""
Lineage = dict[str, dict[str, list[Origin]]]
"""Table as schema.name -> column -> origins in the tables it is built from, in order of name."""
Columns = dict[str, dict[str, dict[str, str]]]
"""Schema -> table -> column -> type, as sqlglot wants it; the type plays no part."""


class LineageError(ValueError):
    """A model whose columns cannot be traced; the text names it."""


def column_lineage(manifest: Mapping[str, Any], known: Columns) -> Lineage:
    """Origins of every column of every compiled model of `manifest`. `known` has the columns of seeds and sources; it is not changed.

    LineageError names a model that does not parse, or that names a table that is neither known nor a model.
    """
    columns: Columns = {schema: dict(tables) for schema, tables in known.items()}
    found: Lineage = {}
    for node in _in_order(manifest):
        name = f"{node['schema']}.{node['name']}"
        try:
            traced = trace(node["compiled_code"], columns)
        except Exception as error:
            raise LineageError(f"{name}: its columns cannot be traced: {str(error).splitlines()[0]}") from error
        found[name] = traced
        columns.setdefault(node["schema"], {})[node["name"]] = dict.fromkeys(traced, "text")
    return found


def trace(sql: str, columns: Columns) -> dict[str, list[Origin]]:
    """Origins of each column of one query, in the query's order of columns."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    query = qualify(
        sqlglot.parse_one(sql, dialect="duckdb"),
        schema=dict(columns),
        dialect="duckdb",
        validate_qualify_columns=False,
        identify=False,
    )
    scope = build_scope(query)
    if scope is None or not isinstance(query, exp.Query):
        raise LineageError("it is no query")
    seen: dict[tuple[int, int], frozenset[Origin]] = {}
    return {select.alias_or_name: sorted(_origins(scope, position, seen)) for position, select in enumerate(query.selects)}


def _origins(scope: Scope, position: int, seen: dict[tuple[int, int], frozenset[Origin]]) -> frozenset[Origin]:
    """Origins of the column at `position` of a query: one query is looked at once, however many others read it."""
    key = (id(scope), position)
    if key not in seen:
        seen[key] = frozenset()  # a recursive query reads itself: what it begins with is what it comes from
        if scope.set_operation_scopes:
            seen[key] = frozenset().union(*(_origins(one, position, seen) for one in scope.set_operation_scopes))
        else:
            seen[key] = _origins_of_expression(scope, _selects(scope)[position], seen)
    return seen[key]


def _origins_of_expression(
    scope: Scope, expression: exp.Expression, seen: dict[tuple[int, int], frozenset[Origin]]
) -> frozenset[Origin]:
    from sqlglot import exp

    inner = {id(one.expression): one for one in scope.subquery_scopes}
    found: set[Origin] = set()

    def walk(one: exp.Expression) -> None:
        if id(one) in inner:
            of = inner[id(one)]
            for position in range(len(_selects(of))):
                found.update(_origins(of, position, seen))
            return
        if isinstance(one, exp.Column):
            found.update(_origins_of_column(scope, one, seen))
            return
        for child in one.iter_expressions():
            walk(child)

    walk(expression)
    return frozenset(found)


def _origins_of_column(scope: Scope, column: exp.Column, seen: dict[tuple[int, int], frozenset[Origin]]) -> frozenset[Origin]:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

    source = _source(scope, column.table)
    if isinstance(source, exp.Table):
        return frozenset({(source.db, source.name, column.name)})
    if isinstance(source, Scope) and isinstance(source.expression, exp.Query):
        names = [one.alias_or_name for one in _selects(source)]
        if column.name in names:
            return _origins(source, names.index(column.name), seen)
    if isinstance(source, Scope):  # a table made of an expression, such as unnest(...): all that it is made of
        found: set[Origin] = set()
        for inside in source.expression.find_all(exp.Column):
            found |= _origins_of_column(scope, inside, seen) if inside.table != column.table else set()
        return frozenset(found)
    return frozenset()


def _selects(scope: Scope) -> list[Any]:
    """The columns of the query that a scope is of, in order."""
    query: Any = scope.expression
    return list(query.selects)


def _source(scope: Scope, name: str) -> exp.Table | Scope | None:
    """What a name stands for in a query, or in a query around it."""
    at: Scope | None = scope
    while at is not None:
        if name in at.sources:
            found: exp.Table | Scope = at.sources[name]
            return found
        at = at.parent
    return None


def _in_order(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The models, each after those it reads."""
    from graphlib import TopologicalSorter

    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    graph = {key: [p for p in node["depends_on"]["nodes"] if p in models] for key, node in sorted(models.items())}
    return [models[key] for key in TopologicalSorter(graph).static_order()]


def reached(lineage: Lineage, table: str, column: str) -> list[Origin]:
    """Where a column's trail ends: columns of raw tables and seeds, which no model makes, in order of name."""
    ends, seen, ahead = set(), set(), [tuple(origin) for origin in lineage.get(table, {}).get(column, [])]
    while ahead:
        origin = ahead.pop()
        if origin in seen:
            continue
        seen.add(origin)
        schema, name, of = origin
        if f"{schema}.{name}" in lineage:
            ahead += lineage[f"{schema}.{name}"].get(of, [])
        else:
            ends.add((schema, name, of))
    return sorted(ends)


def write(lineage: Lineage, path: Path) -> None:
    path.write_text(json.dumps(lineage, indent=0), encoding="utf-8")


def read(path: Path) -> Lineage:
    """What `write` wrote; nothing where it did not."""
    if not path.exists():
        return {}
    return {
        table: {column: [(a, b, c) for a, b, c in origins] for column, origins in columns.items()}
        for table, columns in json.loads(path.read_text(encoding="utf-8")).items()
    }
