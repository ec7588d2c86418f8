"""The keys of a release: what makes a row of each table one row, and which codes lead to which table. The database itself holds them.

Keys of dbt's marts are those of their contracts (constraint `primary_key`); those of the analysis stand here. What belongs here: keys and the
statements that make tables with them. What does not: descriptions (dbt, `analysis/tables.py`), files (`descriptors.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb


OF_ANALYSIS: Final[Mapping[str, tuple[str, ...]]] = {
    "drop_one": ("definition_id", "financial_year", "element_kind", "element_id", "area_code"),
    "external_validation": ("definition_id", "index_value", "external_value"),
    "fct_revision": ("earlier_figure_id", "standing_figure_id"),
    "index_diagnostics": ("definition_id", "financial_year", "statistic", "domain_id", "measure_id", "other_measure_id"),
    "interval_coverage": ("world", "noise_to_spread"),
    "pairwise_probability": ("definition_id", "financial_year", "area_code", "other_area_code"),
    "rank_confidence_set": ("definition_id", "financial_year", "area_code"),
    "rank_group": ("definition_id", "financial_year", "area_code"),
    "rank_uncertainty": ("definition_id", "financial_year", "area_code", "uncertainty_of"),
    "sensitivity": ("definition_id", "financial_year", "area_code", "factor_id"),
    "uncertainty_convergence": ("definition_id", "financial_year", "replications"),
}
NULLABLE: Final = frozenset({"index_diagnostics"})
"""Tables in which a part of the key may be empty (a statistic of the whole index is of no domain): unique, where others have a primary key."""

WRITERS: Final = 2
"""Tables that are filled at once: one more gains little, as the largest takes a third of the time."""

CODES: Final[Mapping[str, tuple[str, str]]] = {
    "area_code": ("dim_council", "area_code"),
    "peer_area_code": ("dim_council", "area_code"),
    "other_area_code": ("dim_council", "area_code"),
    "measure_id": ("dim_measure", "measure_id"),
    "other_measure_id": ("dim_measure", "measure_id"),
    "definition_id": ("dim_definition", "definition_id"),
    "figure_id": ("fct_published_figure", "figure_id"),
    "england_figure_id": ("fct_published_figure", "figure_id"),
    "denominator_figure_id": ("fct_published_figure", "figure_id"),
    "margin_figure_id": ("fct_published_figure", "figure_id"),
}
"""Column -> the table that has all its codes. (`continuity_code` is looked up in dim_council when a release is made.)"""
ELSEWHERE: Final = frozenset(
    {
        ("fct_published_figure", "area_code"),  # England and regions have figures too
        ("fct_revision", "area_code"),  # so have they revisions
        ("sensitivity", "area_code"),  # 'all': the factor's share over all councils
        ("dim_break", "measure_id"),  # a break may be of the population
    }
)
"""(table, column) whose codes are not all in the table that the column leads to, each with why."""


class KeyBrokenError(ValueError):
    """Rows of a mart stand twice, or a code of theirs leads nowhere."""


@dataclass(frozen=True)
class Keys:
    """Of one table: what makes a row one row, and (columns, table, its columns) that codes lead to."""

    key: tuple[str, ...]
    is_primary: bool
    foreign: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...]


def keys_of(nodes: Mapping[str, Any], columns: Mapping[str, Collection[str]]) -> dict[str, Keys]:
    """Table -> its keys. `nodes` are dbt's, `columns` the columns of each released table. LookupError for a table without a key."""
    contracted = {
        node["name"]: tuple(constraint["columns"])
        for node in nodes.values()
        if node["resource_type"] == "model"
        for constraint in node.get("constraints", [])
        if constraint["type"] == "primary_key"
    }
    found = {}
    for table, names in columns.items():
        key = OF_ANALYSIS.get(table) or contracted.get(table)
        if key is None:
            raise LookupError(
                f"table {table} has no key: give its contract a primary_key in dbt, or a line in orchestration/publication/schema.py"
            )
        foreign: list[tuple[tuple[str, ...], str, tuple[str, ...]]] = [
            ((name,), CODES[name][0], (CODES[name][1],))
            for name in names
            if name in CODES and CODES[name][0] != table and (table, name) not in ELSEWHERE
        ]
        if {"source", "edition"} <= set(names) and table != "dim_edition":
            foreign.append((("source", "edition"), "dim_edition", ("source", "edition")))
        found[table] = Keys(key, table not in NULLABLE, tuple(foreign))
    return found


def create_all(
    connection: duckdb.DuckDBPyConnection,
    queries: Mapping[str, str],
    columns: Mapping[str, Mapping[str, str]],
    keys: Mapping[str, Keys],
) -> dict[str, int]:
    """Make marts.<table> of every query, of these columns with their types, with its keys, and fill it: the database refuses a row that
    stands twice and a code that leads nowhere. Returns how many rows each has.

    Keeping keys takes most of the time of a release, so WRITERS tables are filled at once, each when all that its codes lead to are whole.
    KeyBrokenError names the table and the key that its rows break.
    """
    leads_to = {table: sorted({target for _, target, _ in keys[table].foreign}) for table in sorted(keys)}
    for table in TopologicalSorter(
        leads_to
    ).static_order():  # all before the first is filled: to lead to a table changes that table
        create(connection, table, columns[table], keys[table])
    awaited = set[str]().union(*leads_to.values())
    order = TopologicalSorter(leads_to)
    order.prepare()
    rows: dict[str, int] = {}
    ready: list[str] = []
    filling: dict[Future[int], str] = {}

    def filled(table: str) -> int:
        with connection.cursor() as own:
            return fill(own, table, queries[table])

    def urgency(table: str) -> tuple[bool, int]:  # what others wait for and what takes long begins first
        return table in awaited, len(keys[table].foreign)

    with ThreadPoolExecutor(WRITERS) as pool:
        while order.is_active():
            ready = sorted([*ready, *order.get_ready()], key=urgency)
            while ready and len(filling) < WRITERS:
                table = ready.pop()
                filling[pool.submit(filled, table)] = table
            for done in wait(filling, return_when=FIRST_COMPLETED).done:
                table = filling.pop(done)
                rows[table] = done.result()
                order.done(table)
    return rows


def create(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], keys: Keys) -> None:
    """Make marts.<table> of these columns with their types, with its keys, empty."""
    lines = [f'"{name}" {kind}' for name, kind in columns.items()]
    lines.append(f"{'primary key' if keys.is_primary else 'unique'} ({_listed(keys.key)})")
    lines += [
        f"foreign key ({_listed(own)}) references marts.{target} ({_listed(theirs)})" for own, target, theirs in keys.foreign
    ]
    connection.execute(f"create table marts.{table} ({', '.join(lines)})")


def fill(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> int:
    """The rows of `query` into marts.<table>, which is there; returns how many. KeyBrokenError names the key that they break."""
    import duckdb

    try:
        filled = connection.execute(f"insert into marts.{table} {query}").fetchone()
    except duckdb.ConstraintException as error:
        said = str(error).removeprefix("Constraint Error: ").partition(". If this is an unexpected")[0]
        raise KeyBrokenError(f"marts.{table} cannot be released: {said}. Nothing was published.") from error
    return filled[0] if filled else 0


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
