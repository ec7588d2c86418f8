"""What every column of the warehouse is: the words of the dbt project, carried along the lineage to where a column only passes through.

What belongs here: manifest and lineage in, descriptions out. What does not: types, which the warehouse knows (`column_types`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestration.settings import Settings
from orchestration.warehouse.connection import connect
from orchestration.warehouse.lineage import Lineage, Origin

Descriptions = dict[Origin, str]
"""(schema, table, column) -> what it is."""


def descriptions(manifest: Mapping[str, Any], lineage: Lineage) -> Descriptions:
    """Every description that is written, and for a column that passes through unchanged in name, that of its one origin; where only the
    later table has words for it, the origin takes those. What nobody described is not in it.
    """
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    found = {
        (node["schema"], node["name"], column["name"]): str(column["description"])
        for node in nodes
        if node["resource_type"] in {"model", "seed", "source"}
        for column in node["columns"].values()
        if column["description"]
    }
    passing: list[tuple[Origin, Origin]] = []
    for table, columns in lineage.items():
        schema, _, name = table.partition(".")
        passing += [((schema, name, column), own[0]) for column, own in columns.items() if len(own) == 1 and own[0][2] == column]
    for forward in (True, False, True):
        for later, origin in passing if forward else reversed(passing):
            source, target = (origin, later) if forward else (later, origin)
            if source in found and target not in found:
                found[target] = found[source]
    return found


def column_types(settings: Settings) -> dict[tuple[str, str], dict[str, str]]:
    """(schema, table) -> column -> type, of every table and view of the build in work."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    with connect(str(settings.warehouse_path), read_only=True) as connection:
        for schema, table, column, kind in connection.execute(
            "select table_schema, table_name, column_name, data_type from information_schema.columns order by table_schema, table_name, ordinal_position"
        ).fetchall():
            found.setdefault((schema, table), {})[column] = kind
    return found
