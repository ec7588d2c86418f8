"""From the warehouse to arrays: each definition's years as `index.monte_carlo.Year`, read once.

What belongs here: SQL that selects, and the shape of arrays. What does not: any choice or draw (`factors.py`, `studies.py`).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestration.index.aggregate import Floats
from orchestration.index.monte_carlo import Indices, Scale, Year
from orchestration.settings import Settings


@dataclass(frozen=True)
class DefinitionYear:
    """A year of a definition: the arrays, and the names of what stands in them."""

    financial_year: str
    measures: list[str]
    domains: list[str]
    councils: list[str]
    arrays: Year
    rank: Floats  # as the marts have it; NaN where unranked

    @property
    def is_ranked(self) -> NDArray[np.bool_]:
        """Which councils have a rank; none in a year that is not ranked."""
        return ~np.isnan(self.rank)


@dataclass(frozen=True)
class Problem:
    """A definition: its choices as a row of `marts.dim_definition` (None where it leaves one out), and the years it scores, in order.

    `earlier` says for each year and council (row numbers) where the same council over the same area stands in the year before, -1 if
    nowhere: what a window of several years is made of.
    """

    definition: dict[str, object]
    years: list[DefinitionYear]
    earlier: list[Indices]

    @property
    def definition_id(self) -> str:
        return str(self.definition["definition_id"])

    @property
    def window(self) -> int:
        return int(str(self.definition["window_years"]))

    def number(self, name: str) -> float:
        """A choice that is a number; NaN if the definition leaves it out."""
        value = self.definition[name]
        return float("nan") if value is None else float(str(value))

    @property
    def combination(self) -> str:
        return str(self.definition["combination"])

    @cached_property
    def own_scale(self) -> Scale:
        given = {name: self.number(f"scale_{name}") for name in ("low", "high", "centre", "spread")}
        return Scale(**{name: value for name, value in given.items() if not np.isnan(value)})


def read_problems(settings: Settings) -> list[Problem]:
    """Every definition in the warehouse, each with the years it scores, ranked or not."""
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as db:
        definitions = db.execute("select * from marts.dim_definition order by definition_id").df()
        domain_weights = db.execute("select * from marts.dim_definition_domain order by definition_id, domain_order").df()
        scores = db.execute(
            """
            select
                s.definition_id, s.financial_year, s.area_code, s.measure_id, s.domain_id, s.weight, m.polarity,
                s.value * m.polarity as value, coalesce(u.standard_error, 0) as standard_error,
                min(f.figure_id) over (partition by s.definition_id, s.financial_year, s.measure_id) as first_figure_id,
                f.england_value,
                m.plausible_min, m.plausible_max, m.goalpost_worst * m.polarity as worst, m.goalpost_best * m.polarity as best
            from marts.fct_measure_score as s
            inner join seeds.measures as m using (measure_id)
            inner join marts.fct_measure_value as f using (financial_year, area_code, measure_id)
            left join marts.fct_value_uncertainty as u using (financial_year, area_code, measure_id)
            order by all
            """
        ).df()
        ranking = db.execute(
            """
            select r.definition_id, r.financial_year, r.area_code, r.rank, p.continuity_code, p.previous_financial_year
            from marts.productivity_ranking as r
            inner join intermediate.int_council_years as p using (financial_year, area_code)
            order by all
            """
        ).df()
        spend = db.execute(
            """
            select
                s.financial_year, s.area_code, s.spend_basis, s.domain_id, s.spend_index, v.variation_pct / 100 as variation,
                coalesce(d.is_withheld, false) as is_withheld
            from intermediate.int_spend_index as s
            inner join intermediate.int_spend_uncertainty as v
                on
                    v.financial_year = s.financial_year and v.area_code = s.area_code and v.domain_id = s.domain_id
                    and v.spend_basis = case s.spend_basis when 'total_net_need_adjusted' then 'total_net' else s.spend_basis end
            left join intermediate.int_spend_basis_doubts as d
                on d.financial_year = s.financial_year and d.area_code = s.area_code and d.spend_basis = s.spend_basis
            """
        ).df()
    problems = []
    for definition in definitions.to_dict("records"):
        named = definition["definition_id"]
        believed = spend.assign(
            spend_index=spend["spend_index"].mask(spend["is_withheld"] & (definition["doubtful_figures"] == "withhold"))
        )
        weights = domain_weights[(domain_weights["definition_id"] == named) & (domain_weights["domain_weight"] > 0)]
        own_scores, own_ranking = scores[scores["definition_id"] == named], ranking[ranking["definition_id"] == named]
        years = [
            _year(
                definition,
                str(year),
                scores=rows,
                ranking=own_ranking[own_ranking["financial_year"] == year],
                weights=weights,
                spend=believed,
            )
            for year, rows in own_scores.groupby("financial_year")
        ]
        usable = [year for year in years if year is not None]
        choices = {str(k): None if pd.isna(v) else v for k, v in definition.items()}
        problems.append(Problem(choices, usable, _earlier(usable, own_ranking)))
    return problems


def _year(
    definition: Mapping[Hashable, object],
    financial_year: str,
    *,
    scores: pd.DataFrame,
    ranking: pd.DataFrame,
    weights: pd.DataFrame,
    spend: pd.DataFrame,
) -> DefinitionYear | None:
    domains = [d for d in weights["domain_id"] if d in set(scores["domain_id"])]
    if len(domains) < len(weights):
        return None  # a domain without any measure in force: nobody has an outcome score
    scores = scores[scores["domain_id"].isin(domains)]
    measures, councils = sorted(scores["measure_id"].unique()), sorted(scores["area_code"].unique())

    at = (
        pd.Index(measures).get_indexer(pd.Index(scores["measure_id"])),
        pd.Index(councils).get_indexer(pd.Index(scores["area_code"])),
    )

    def table(column: str) -> Floats:
        values = np.full((len(measures), len(councils)), np.nan)
        values[at] = scores[column].to_numpy(float)
        return values

    facts = scores.groupby("measure_id").first().loc[measures]
    ends = facts[["plausible_min", "plausible_max"]].mul(facts["polarity"], axis=0).to_numpy(float)
    rank = ranking.set_index("area_code")["rank"].reindex(councils).to_numpy(float)
    values = table("value")
    bases, variation = _spend(spend[spend["financial_year"] == financial_year], domains, councils, str(definition["spend_basis"]))
    # Over a window a council's rank in one year says nothing about which of its years count.
    counts = np.ones(len(councils), dtype=bool) if int(str(definition["window_years"])) > 1 else ~np.isnan(rank)
    arrays = Year(
        values=values,
        standard_errors=np.nan_to_num(table("standard_error")),
        least=_end(ends.min(axis=1), -np.inf),
        most=_end(ends.max(axis=1), np.inf),
        worst=facts["worst"].to_numpy(float),
        best=facts["best"].to_numpy(float),
        domain_of=np.array([domains.index(d) for d in facts["domain_id"]]),
        draw_of=_same_figures(facts["first_figure_id"]),
        polarity=facts["polarity"].to_numpy(float),
        reference=facts["england_value"].to_numpy(float),
        measure_weights=facts["weight"].to_numpy(float),
        domain_weights=weights.set_index("domain_id")["domain_weight"].loc[domains].to_numpy(float),
        spend=bases,
        spend_variation=variation,
        ranked=counts if counts.any() else np.ones(len(councils), dtype=bool),
    )
    return DefinitionYear(financial_year, measures, domains, councils, arrays, rank)


def _same_figures(first_figure_ids: pd.Series) -> Indices:
    """For each measure the first measure that rests on the same published figures (a survey not split by age serves two domains)."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(str(figure), position) for position, figure in enumerate(first_figure_ids)])


def _end(ends: Floats, otherwise: float) -> Floats:
    return np.where(np.isnan(ends), otherwise, ends)


def _spend(spend: pd.DataFrame, domains: list[str], councils: list[str], own_basis: str) -> tuple[dict[str, Floats], Floats]:
    """Spend indices by basis: the definition's own, and the others that stand against the whole."""
    bases: dict[str, Floats] = {}
    variation = np.full(len(councils), 0.0)
    for name, rows in spend.groupby("spend_basis"):
        by_domain = set(rows["domain_id"].dropna()) & set(domains)
        if by_domain:
            table = rows.pivot(index="domain_id", columns="area_code", values="spend_index")
            bases[str(name)] = table.reindex(index=domains, columns=councils).to_numpy(float)
        else:
            bases[str(name)] = rows.set_index("area_code")["spend_index"].reindex(councils).to_numpy(float)
        if name == own_basis:
            variation = rows.groupby("area_code")["variation"].max().reindex(councils).fillna(0).to_numpy(float)
    if own_basis not in bases:
        bases[own_basis] = np.full(len(councils), np.nan)
    return bases, variation


def _earlier(years: list[DefinitionYear], ranking: pd.DataFrame) -> list[Indices]:
    """For each year, the row of each council in the year listed before it, -1 where it is not the year before or not the same area."""
    found: list[Indices] = []
    for position, year in enumerate(years):
        rows = ranking[ranking["financial_year"] == year.financial_year].set_index("area_code")
        before = rows["previous_financial_year"].iloc[0]
        if position == 0 or years[position - 1].financial_year != before:
            found.append(np.full(len(year.councils), -1))
            continue
        last = ranking[ranking["financial_year"] == before].set_index("continuity_code")["area_code"]
        index = {area: n for n, area in enumerate(years[position - 1].councils)}
        continuity = rows["continuity_code"].reindex(year.councils)
        found.append(np.array([index.get(last.get(code), -1) for code in continuity]))
    return found
