"""What the pages know: the tables of one release, read once, as rows that know where they are from.

What belongs here: reading, and finding rows by key. What does not: wording, pictures, any figure that a table does not hold.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.pages.marks import Row
from orchestration.publication.queries import connect
from orchestration.publication.release import read_manifest

DEFAULT = "default"


class Facts:
    """One release. Tables are read when first asked for and kept."""

    def __init__(self, release: Path) -> None:
        self.release = release
        self.connection = connect(release)
        self.manifest = read_manifest(release)

    def table(self, mart: str, key: Sequence[str], where: str = "true", order: str = "") -> list[Row]:
        """Rows of one table or view of the release; `key` are the columns that find a row in it again."""
        result = self.connection.execute(f"select * from marts.{mart} where {where} order by {order or ', '.join(key)}")
        names = [str(column[0]) for column in result.description or []]
        return [Row(mart, key, zip(names, values, strict=True)) for values in result.fetchall()]

    # ── of the index ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def years(self) -> list[Row]:
        return self.table("dim_financial_year", ["financial_year"])

    @cached_property
    def latest(self) -> str:
        """The latest year that is ranked."""
        return next(str(y["financial_year"]) for y in self.years if y["is_latest_ranked"])

    @cached_property
    def definitions(self) -> list[Row]:
        """`default` first."""
        found = self.table("dim_definition", ["definition_id"])
        return sorted(found, key=lambda d: (d["definition_id"] != DEFAULT, d["provenance"] == "user", d["definition_id"]))

    @cached_property
    def domains(self) -> list[Row]:
        """Domains of the default definition, in their order."""
        return self.table("dim_definition_domain", ["definition_id", "domain_id"], f"definition_id = '{DEFAULT}'", "domain_order")

    @cached_property
    def scorecards(self) -> dict[tuple[str, str], list[Row]]:
        """(definition, year) -> one row for each council, best first."""
        rows = self.table(
            "council_scorecard",
            ["definition_id", "financial_year", "area_code"],
            order="1, 2, rank nulls last, area_name, area_code",
        )
        return grouped(rows, "definition_id", "financial_year")

    @cached_property
    def rankings(self) -> dict[tuple[str, str, str], Row]:
        """(definition, year, council) -> the row of productivity_ranking."""
        rows = self.table("productivity_ranking", ["definition_id", "financial_year", "area_code"])
        return {(r["definition_id"], r["financial_year"], r["area_code"]): r for r in rows}

    @cached_property
    def scores_of_domains(self) -> dict[tuple[str, str], dict[str, Row]]:
        """(year, council) -> domain -> row of fct_domain_score in the default definition."""
        found: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
        key = ["definition_id", "financial_year", "area_code", "domain_id"]
        for row in self.table("fct_domain_score", key, f"definition_id = '{DEFAULT}'"):
            found[row["financial_year"], row["area_code"]][row["domain_id"]] = row
        return found

    @cached_property
    def intervals(self) -> dict[tuple[str, str], dict[str, Row]]:
        """(year, council) -> uncertainty_of -> row of rank_uncertainty in the default definition."""
        found: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
        key = ["definition_id", "financial_year", "area_code", "uncertainty_of"]
        for row in self.table("rank_uncertainty", key, f"definition_id = '{DEFAULT}'"):
            found[row["financial_year"], row["area_code"]][row["uncertainty_of"]] = row
        return found

    @cached_property
    def facts_of_england(self) -> dict[tuple[str, str], Row]:
        """(year, fact) -> row of national_summary."""
        rows = self.table("national_summary", ["financial_year", "fact_id"])
        return {(r["financial_year"], r["fact_id"]): r for r in rows}

    # ── of councils ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def councils(self) -> dict[str, Row]:
        return {str(r["area_code"]): r for r in self.table("dim_council", ["area_code"])}

    @cached_property
    def aliases(self) -> dict[str, list[str]]:
        """Council -> other names people use."""
        found = defaultdict(list)
        for row in self.table("dim_council_alias", ["alias"]):
            found[str(row["area_code"])].append(str(row["alias"]))
        return found

    @cached_property
    def codes_of(self) -> dict[str, list[str]]:
        """Code that a history is kept under -> all codes of the same council over the same area."""
        found = defaultdict(list)
        for code, council in self.councils.items():
            found[str(council["continuity_code"])].append(code)
        return found

    @cached_property
    def histories(self) -> dict[str, list[Row]]:
        """Code that a history is kept under -> its rows of the default scorecard, a year each."""
        rows = [r for (definition, _), cards in self.scorecards.items() if definition == DEFAULT for r in cards]
        found = grouped(sorted(rows, key=lambda r: str(r["financial_year"])), "continuity_code")
        return {str(code): cards for (code,), cards in found.items()}

    @cached_property
    def profiled(self) -> dict[str, Row]:
        """Code that a history is kept under -> the row that the council's page is about: of the latest year of the index, else of the last
        in which it is ranked, else of its last.
        """
        return {
            history: (
                [c for c in cards if c["financial_year"] == self.latest] or [c for c in cards if c["rank"] is not None] or cards
            )[-1]
            for history, cards in self.histories.items()
        }

    @cached_property
    def _is_profiled(self) -> str:
        """Condition of SQL on rows of a year and a council: those that a council's page is about. Most tables have ten years of them."""
        cards = list(self.profiled.values())
        columns = [[c["financial_year"] for c in cards], [c["area_code"] for c in cards]]
        self.connection.execute(
            "create temp table profiled as select unnest(?) as financial_year, unnest(?) as area_code", columns
        )
        return "(financial_year, area_code) in (from profiled)"

    @cached_property
    def peers(self) -> dict[tuple[str, str], list[Row]]:
        """(year, council) -> its peers, the nearest first."""
        rows = self.table("fct_peer", ["financial_year", "area_code", "peer_area_code"], order="1, 2, nearness")
        return grouped(rows, "financial_year", "area_code")

    @cached_property
    def against_peers(self) -> dict[tuple[str, str, str], Row]:
        """(year, council, measure) -> row of fct_peer_comparison, of what councils' pages are about."""
        key = ["financial_year", "area_code", "item_kind", "item_id"]
        rows = self.table("fct_peer_comparison", key, f"item_kind = 'measure' and {self._is_profiled}")
        return {(r["financial_year"], r["area_code"], r["item_id"]): r for r in rows}

    @cached_property
    def contributions(self) -> dict[tuple[str, str], list[Row]]:
        """(year, council) -> what changed productivity since the year before, most first, of the default definition."""
        key = ["definition_id", "financial_year", "area_code", "component", "component_id"]
        rows = self.table(
            "fct_movement_contribution",
            key,
            f"definition_id = '{DEFAULT}'",
            "2, 3, abs(contribution) desc, component, component_id",
        )
        return grouped(rows, "financial_year", "area_code")

    @cached_property
    def drivers(self) -> dict[tuple[str, str], list[Row]]:
        """(year, council) -> factors by the share of the rank's variance that hangs on each, most first."""
        key = ["definition_id", "financial_year", "area_code", "factor_id"]
        rows = self.table("sensitivity", key, f"definition_id = '{DEFAULT}' and total is not null", "2, 3, total desc, factor_id")
        return grouped(rows, "financial_year", "area_code")

    @cached_property
    def factor_names(self) -> dict[str, str]:
        return {str(r["factor_id"]): str(r["factor_name"]) for r in self.table("dim_method_factor", ["factor_id", "alternative"])}

    @cached_property
    def without(self) -> dict[tuple[str, str], list[Row]]:
        """(year, council) -> its rank without each measure or domain, the largest change first, of what councils' pages are about."""
        key = ["definition_id", "financial_year", "area_code", "element_kind", "element_id"]
        where = f"definition_id = '{DEFAULT}' and {self._is_profiled}"
        rows = self.table("drop_one", key, where, "2, 3, abs(places_gained) desc, element_id")
        return grouped(rows, "financial_year", "area_code")

    @cached_property
    def spend(self) -> dict[tuple[str, str, str], Row]:
        """(year, council, basis) -> spend over all domains."""
        rows = self.table("fct_council_spend", ["financial_year", "area_code", "spend_basis", "domain_id"], "domain_id = 'all'")
        return {(r["financial_year"], r["area_code"], r["spend_basis"]): r for r in rows}

    @cached_property
    def opportunities(self) -> dict[tuple[str, str], Row]:
        rows = self.table("fct_opportunity", ["definition_id", "financial_year", "area_code"], f"definition_id = '{DEFAULT}'")
        return {(r["financial_year"], r["area_code"]): r for r in rows}

    @cached_property
    def groups(self) -> dict[tuple[str, str], Row]:
        rows = self.table("rank_group", ["definition_id", "financial_year", "area_code"], f"definition_id = '{DEFAULT}'")
        return {(r["financial_year"], r["area_code"]): r for r in rows}

    @cached_property
    def doubts(self) -> list[Row]:
        """Figures that are doubtful, with what was decided of each."""
        return self.table(
            "fct_doubtful_figure", ["subject", "subject_id", "financial_year", "area_code"], order="3, area_name, 1, 2"
        )

    # ── of measures ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def measures(self) -> dict[str, Row]:
        rows = self.table("dim_measure", ["measure_id"], order="domain_order, measure_name")
        return {str(r["measure_id"]): r for r in rows}

    @cached_property
    def values(self) -> dict[tuple[str, str, str], Row]:
        """(year, council, measure) -> the value with England's and what is known of it."""
        rows = self.table("fct_measure_value", ["financial_year", "area_code", "measure_id"])
        return {(r["financial_year"], r["area_code"], r["measure_id"]): r for r in rows}

    @cached_property
    def any_value(self) -> dict[tuple[str, str], Row]:
        """(year, measure) -> one of its values, which says for what ages it was published."""
        found: dict[tuple[str, str], Row] = {}
        for (year, _, measure_id), value in self.values.items():
            found.setdefault((year, measure_id), value)
        return found

    @cached_property
    def margins(self) -> dict[tuple[str, str, str], Row]:
        """(year, council, measure) -> the 95 % interval of the value."""
        rows = self.table("fct_value_uncertainty", ["financial_year", "area_code", "measure_id"])
        return {(r["financial_year"], r["area_code"], r["measure_id"]): r for r in rows}

    @cached_property
    def scores(self) -> dict[tuple[str, str, str], Row]:
        """(year, council, measure) -> score and weight in the default definition."""
        key = ["definition_id", "financial_year", "area_code", "measure_id"]
        rows = self.table("fct_measure_score", key, f"definition_id = '{DEFAULT}'")
        return {(r["financial_year"], r["area_code"], r["measure_id"]): r for r in rows}

    @cached_property
    def spreads(self) -> dict[tuple[str, str], Row]:
        """(year, measure) -> how the values lie among councils."""
        return {(r["financial_year"], r["measure_id"]): r for r in self.table("measure_spread", ["financial_year", "measure_id"])}

    @cached_property
    def scales(self) -> dict[tuple[str, str], Row]:
        """(year, measure) -> what the measure's scale rests on in the default definition."""
        rows = self.table("measure_scale", ["definition_id", "financial_year", "measure_id"], f"definition_id = '{DEFAULT}'")
        return {(r["financial_year"], r["measure_id"]): r for r in rows}

    @cached_property
    def coverage(self) -> dict[tuple[str, str], Row]:
        """(year, measure) -> councils with a value, and the year it is from."""
        return {
            (r["financial_year"], r["measure_id"]): r for r in self.table("measure_coverage", ["financial_year", "measure_id"])
        }

    @cached_property
    def breaks(self) -> dict[str, list[Row]]:
        """Measure -> what changed between which years."""
        rows = self.table("dim_break", ["break_id", "measure_id"], "measure_id is not null", "first_year_after")
        return {str(k[0]): v for k, v in grouped(rows, "measure_id").items()}

    @cached_property
    def origins(self) -> dict[str, list[Row]]:
        """Measure -> framework and code that it is published under, by years."""
        rows = self.table(
            "dim_measure_source", ["measure_id", "framework", "item", "breakdown", "first_year"], order="measure_id, first_year"
        )
        return {str(k[0]): v for k, v in grouped(rows, "measure_id").items()}

    @cached_property
    def editions(self) -> dict[tuple[str, str], Row]:
        return {(r["source"], r["edition"]): r for r in self.table("dim_edition", ["source", "edition"])}

    @cached_property
    def published(self) -> dict[tuple[str, str], list[Row]]:
        """(year, council) -> each published figure behind what councils' pages are about: the row of fct_published_figure."""
        result = self.connection.execute(f"""
            select l.financial_year as of_year, l.area_code as of_area, l.component, l.component_id, f.*
            from (from marts.fct_lineage where {self._is_profiled}) as l
            inner join marts.fct_published_figure as f using (figure_id)
            order by 1, 2, l.component, l.component_id, f.area_code, f.breakdown, f.source, f.edition, f.item, f.period, f.figure_id
        """)
        names = [str(column[0]) for column in result.description or []]
        found = defaultdict(list)
        for values in result.fetchall():
            row = Row("fct_published_figure", ["figure_id"], zip(names, values, strict=True))
            found[row["of_year"], row["of_area"]].append(row)
        return found

    def previous(self, year: str) -> str:
        """The financial year before."""
        return str(next(y["previous_financial_year"] for y in self.years if y["financial_year"] == year))

    def movement_note(self, row: Row) -> str:
        """What compares with the year before, with measures by their names; empty if all does."""
        named = str(row["movement_note"] or "")
        return re.sub(
            r"(?<=: )[a-z0-9_]+(?=[,)])",
            lambda m: str(self.measures[m[0]]["measure_name"]) if m[0] in self.measures else m[0],
            named,
        )

    def name(self, area_code: str) -> str:
        return str(self.councils[area_code]["area_name"])


def grouped(rows: Sequence[Row], *by: str) -> dict[Any, list[Row]]:
    """Rows by the values of some columns, in the order they came."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in by)].append(row)
    return found
