"""ONS and NHS England: code changes, lookups of districts to upper-tier councils, and boundaries, as tables of areas (no figures).

The embedded reference tables (`data/figures/code_changes.csv`, `councils.csv`) are kept by hand from these; the readers serve to hold
them against a new edition.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd

from orchestration.readers.cells import LayoutError, csv_table


def read_code_changes(content: bytes) -> pd.DataFrame:
    """Pairs of codes with the year the new one began: columns old_code, new_code, new_name, start_year.

    Two layouts: `oldcd, newcd, newnm, type, start`, and the Code History Database's `GEOGCD, GEOGCD_P, GEOGNM, OPER_DATE`.
    """
    table = csv_table(content)
    if {"oldcd", "newcd", "newnm", "start"} <= set(table.columns):
        found = table[["oldcd", "newcd", "newnm", "start"]]
    elif {"GEOGCD", "GEOGCD_P", "OPER_DATE"} <= set(table.columns):
        name = "GEOGNM" if "GEOGNM" in table.columns else "GEOGCD"
        found = table[["GEOGCD_P", "GEOGCD", name, "OPER_DATE"]]
        found = found.assign(OPER_DATE=found["OPER_DATE"].str.extract(r"(\d{4})", expand=False).fillna(""))
    else:
        raise LayoutError(
            f"neither columns oldcd, newcd, newnm, start nor GEOGCD, GEOGCD_P, OPER_DATE; found {', '.join(table.columns)}"
        )
    found = found.set_axis(["old_code", "new_code", "new_name", "start_year"], axis=1)
    bad = found[~found["start_year"].str.fullmatch(r"\d{4}")]
    if len(bad):
        raise LayoutError(f"line {bad.index[0] + 2}: {bad.iloc[0].to_dict()}: expected a year in the date")
    return found.reset_index(drop=True)


def read_area_lookup(content: bytes) -> pd.DataFrame:
    """Columns lower_code, upper_code, upper_name of a lookup whose headings carry a year (`LTLA19CD`, `UTLA19CD`, `UTLA19NM`)."""
    table = csv_table(content)
    columns = []
    for pattern in (r"(LTLA|LAD)\d\dCD", r"(UTLA|CTYUA)\d\dCD", r"(UTLA|CTYUA)\d\dNM"):
        found = [c for c in table.columns if re.fullmatch(pattern, c)]
        if len(found) != 1:
            raise LayoutError(f"{len(found)} columns like {pattern}; found {', '.join(table.columns)}")
        columns += found
    return table[columns].set_axis(["lower_code", "upper_code", "upper_name"], axis=1)


def read_boundaries(content: bytes) -> pd.DataFrame:
    """Columns area_code, area_name of the areas drawn in a GeoJSON or a TopoJSON; field names carry the year (`CTYUA23CD`)."""
    try:
        drawn: Any = json.loads(content)
        if drawn.get("type") == "Topology":
            shapes = [shape for group in drawn["objects"].values() for shape in group["geometries"]]
        else:
            shapes = drawn["features"]
        fields = [shape["properties"] for shape in shapes]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LayoutError(f"neither GeoJSON nor TopoJSON with properties: {error!r}") from error
    rows = []
    for number, field in enumerate(fields):
        codes = [v for k, v in field.items() if re.fullmatch(r"(?i)(\w*\d\dCD|areacd|code)", k)]
        names = [v for k, v in field.items() if re.fullmatch(r"(?i)(\w*\d\dNM|areanm|name)", k)]
        if len(codes) != 1 or len(names) != 1:
            raise LayoutError(f"shape {number}: no one code and one name among {', '.join(field)}")
        rows.append({"area_code": codes[0], "area_name": names[0]})
    return pd.DataFrame(rows, columns=["area_code", "area_name"])
