"""What the files of a release are, for programs: a Frictionless data package, CSV on the Web metadata, a data dictionary.

All three are made from the released database itself (types, comments) and its keys. What belongs here: their formats. What does not: words and
keys (dbt, `analysis/tables.py`, `schema.py`).
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestration.publication.schema import Keys
from orchestration.warehouse.lineage import Lineage, reached

if TYPE_CHECKING:
    import duckdb

NAME: Final = "adult-social-care-productivity-england"
TITLE: Final = "The open index of adult social care productivity in England"
LICENCE: Final = {
    "name": "OGL-UK-3.0",
    "path": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    "title": "Open Government Licence v3.0",
}
FRICTIONLESS: Final = {
    "VARCHAR": "string",
    "DOUBLE": "number",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
    "DATE": "date",
}
CSVW: Final = {"VARCHAR": "string", "DOUBLE": "double", "BIGINT": "long", "INTEGER": "int", "BOOLEAN": "boolean", "DATE": "date"}
UNITS: Final = {"_gbp": "GBP", "_pct": "per cent", "_per_100k": "per 100,000"}
"""Ends of column names that say a unit."""


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    """DuckDB's type."""
    about: str

    @property
    def unit(self) -> str:
        return next((unit for end, unit in UNITS.items() if self.name.endswith(end)), "")


def described(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, list[Column]]]:
    """Released table -> what it is and its columns, from the database's own comments."""
    about = dict(connection.execute("select table_name, comment from duckdb_tables() where schema_name = 'marts'").fetchall())
    found: dict[str, tuple[str, list[Column]]] = {str(t): (str(c or ""), []) for t, c in sorted(about.items())}
    for table, name, kind, comment in connection.execute(
        "select table_name, column_name, data_type, comment from duckdb_columns() where schema_name = 'marts' order by table_name, column_index"
    ).fetchall():
        if table in found:
            found[table][1].append(Column(name, kind, str(comment or "")))
    return found


def write(
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
    keys: Mapping[str, Keys],
    editions: Sequence[Mapping[str, str]],
    lineage: Lineage,
) -> None:
    """datapackage.json, csv-metadata.json and data_dictionary.csv beside the CSV files that they describe.

    The dictionary says of each column which columns of publications (schema raw) and which choices of the project (seeds) it is made of; a
    publisher's code for each measure and year is in dim_measure_source.
    """
    tables = described(connection)
    _write_json(folder / "datapackage.json", package(folder, tables, keys, editions))
    _write_json(folder / "csv-metadata.json", csvw(tables, keys))
    with (folder / "data_dictionary.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["table", "column", "type", "unit", "is_key", "leads_to", "published", "chosen", "description"])
        for table, (about, columns) in tables.items():
            writer.writerow([table, "", "table", "", "", "", "", "", about])
            leads = {own[0]: target for own, target, _ in keys[table].foreign if len(own) == 1}
            for c in columns:
                is_key = "yes" if c.name in keys[table].key else "no"
                ends = reached(lineage, f"marts.{table}", c.name)
                published, chosen = (
                    ", ".join(f"{t}.{name}" for schema, t, name in ends if schema == of) for of in ("raw", "seeds")
                )
                row = [table, c.name, FRICTIONLESS[c.kind], c.unit, is_key, leads.get(c.name, ""), published, chosen, c.about]
                writer.writerow(row)


def package(
    folder: Path, tables: Mapping[str, tuple[str, list[Column]]], keys: Mapping[str, Keys], editions: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """The data package: each CSV with its schema, keys, size and hash."""
    resources = []
    for table, (about, columns) in tables.items():
        content = (folder / f"{table}.csv").read_bytes()
        schema: dict[str, Any] = {
            "fields": [{"name": c.name, "type": FRICTIONLESS[c.kind], "description": c.about} for c in columns],
            "missingValues": [""],
            "foreignKeys": [
                {"fields": list(own), "reference": {"resource": target, "fields": list(theirs)}}
                for own, target, theirs in keys[table].foreign
            ],
        }
        if keys[table].is_primary:
            schema["primaryKey"] = list(keys[table].key)
        resources.append(
            {
                "name": table,
                "path": f"{table}.csv",
                "profile": "tabular-data-resource",
                "description": about,
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "bytes": len(content),
                "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
                "schema": schema,
            }
        )
    publishers = sorted({e["publisher"] for e in editions})
    return {
        "profile": "tabular-data-package",
        "name": NAME,
        "title": TITLE,
        "licenses": [LICENCE],
        "sources": [{"title": publisher} for publisher in publishers],
        "resources": resources,
    }


def csvw(tables: Mapping[str, tuple[str, list[Column]]], keys: Mapping[str, Keys]) -> dict[str, Any]:
    """The same tables as CSV on the Web metadata."""
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": TITLE,
        "dc:license": {"@id": LICENCE["path"]},
        "tables": [
            {
                "url": f"{table}.csv",
                "dc:description": about,
                "tableSchema": {
                    "columns": [
                        {
                            "name": c.name,
                            "titles": c.name,
                            "datatype": CSVW[c.kind],
                            "dc:description": c.about,
                            "required": c.name in keys[table].key and keys[table].is_primary,
                        }
                        for c in columns
                    ],
                    **({"primaryKey": list(keys[table].key)} if keys[table].is_primary else {}),
                    "foreignKeys": [
                        {
                            "columnReference": list(own),
                            "reference": {"resource": f"{target}.csv", "columnReference": list(theirs)},
                        }
                        for own, target, theirs in keys[table].foreign
                    ],
                },
            }
            for table, (about, columns) in tables.items()
        ],
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
