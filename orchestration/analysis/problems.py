"""From the warehouse to arrays: each definition's years as `index.monte_carlo.Year`, read once.

What belongs here: SQL that selects, and the shape of arrays. What does not: any choice or draw (`factors.py`, `draws.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestration.index.aggregate import Floats
from orchestration.index.monte_carlo import Indices, Scale, Year
from orchestration.settings import Settings
from orchestration.warehouse.connection import connect


@dataclass(frozen=True)
class Errors:
    """How the errors of a year's figures hang together; councils are the columns of the year's arrays.

    sources: what each measure's error is drawn by. Measures that rest on the same published figure name the same source, and so do years
    that use the same figure. together: groups of sources, each with a factor F, so that F × independent normals has the correlation of the
    group. carried: (M, U) share of the standard error that is change a value carried forward may have missed, as a share of 1; carried_by:
    what that change is drawn by. transient, persistent: (U,) deviation of the logarithm of spend, of one year and of all years alike.
    history: (U,) logarithm of the spend that a doubtful council's own history implies, to the one published, NaN where there is no doubt;
    history_weight: (U,) how likely it is the right one. expected: (U, p) by spend basis: what the logarithm of the spend that is expected
    of a council moves by with p standard normals.
    """

    sources: tuple[str, ...]
    together: tuple[tuple[tuple[str, ...], Floats], ...]
    carried: Floats
    carried_by: tuple[str, ...]
    transient: Floats
    persistent: Floats
    history: Floats
    history_weight: Floats
    expected: Mapping[str, Floats]

    @classmethod
    def independent(cls, measures: Sequence[str], councils: int, transient: float = 0.0) -> Errors:
        """Every measure errs by itself, nothing is carried forward, no spend is doubtful."""
        return cls(
            tuple(measures),
            (),
            np.zeros((len(measures), councils)),
            tuple(measures),
            np.full(councils, transient),
            np.zeros(councils),
            np.full(councils, np.nan),
            np.zeros(councils),
            {},
        )


@dataclass(frozen=True)
class DefinitionYear:
    """A year of a definition: the arrays, the names of what stands in them, and how their errors hang together.

    places: (U,) of each council among all councils of all years, the same for one area under any code.
    """

    financial_year: str
    measures: list[str]
    domains: list[str]
    councils: list[str]
    arrays: Year
    rank: Floats  # as the marts have it; NaN where unranked
    errors: Errors
    places: Indices

    @property
    def is_ranked(self) -> NDArray[np.bool_]:
        """Which councils have a rank; none in a year that is not ranked."""
        return ~np.isnan(self.rank)


@dataclass(frozen=True)
class Problem:
    """A definition: its choices as a row of `marts.dim_definition` (None where it leaves one out), and the years it scores, in order.

    `earlier` says for each year and council (row numbers) where the same council over the same area stands in the year before, -1 if
    nowhere: what a window of several years is made of. `areas` is the number of all councils of all years.
    """

    definition: dict[str, object]
    years: list[DefinitionYear]
    earlier: list[Indices]
    areas: int

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
    with connect(str(settings.warehouse_path), read_only=True) as db:
        definitions = db.execute("select * from marts.dim_definition order by definition_id").df()
        domain_weights = db.execute("select * from marts.dim_definition_domain order by definition_id, domain_order").df()
        scores = db.execute(
            """
            select
                s.definition_id, s.financial_year, s.area_code, s.measure_id, s.domain_id, s.weight, m.polarity,
                s.value * m.polarity as value, u.standard_error, u.carried_standard_error,
                min(f.figure_id) over (partition by s.definition_id, s.financial_year, s.measure_id) as first_figure_id,
                mode(v.breakdown) over (partition by s.definition_id, s.financial_year, s.measure_id) as breakdown,
                max(f.value_year) over (partition by s.definition_id, s.financial_year, s.measure_id) as value_year,
                q.survey, q.question, f.england_value,
                m.plausible_min, m.plausible_max, m.goalpost_worst * m.polarity as worst, m.goalpost_best * m.polarity as best
            from marts.fct_measure_score as s
            inner join seeds.measures as m using (measure_id)
            inner join marts.fct_measure_value as f using (financial_year, area_code, measure_id)
            inner join intermediate.int_measure_values as v using (financial_year, area_code, measure_id)
            left join marts.fct_value_uncertainty as u using (financial_year, area_code, measure_id)
            left join seeds.survey_questions as q using (measure_id)
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
                s.financial_year, s.area_code, s.spend_basis, s.domain_id, s.spend_index,
                v.transient_variation_pct / 100 as transient, v.persistent_variation_pct / 100 as persistent,
                ln(v.history_ratio) as history, v.history_weight, coalesce(d.is_withheld, false) as is_withheld
            from intermediate.int_spend_index as s
            inner join intermediate.int_spend_uncertainty as v
                on
                    v.financial_year = s.financial_year and v.area_code = s.area_code and v.domain_id = s.domain_id
                    and v.spend_basis = case s.spend_basis when 'total_net_need_adjusted' then 'total_net' else s.spend_basis end
            left join intermediate.int_spend_basis_doubts as d
                on d.financial_year = s.financial_year and d.area_code = s.area_code and d.spend_basis = s.spend_basis
            """
        ).df()
        need = db.execute(
            """
            select
                n.financial_year, n.area_code, n.deprivation_score, n.share_65_and_over_pct,
                ln(s.spend_index) as residual
            from intermediate.int_need as n
            inner join intermediate.int_spend_index as s using (financial_year, area_code)
            inner join intermediate.int_council_years as y using (financial_year, area_code)
            where s.spend_basis = 'total_net_need_adjusted' and s.spend_index is not null and y.is_rankable
            order by all
            """
        ).df()
        correlation = db.execute("select * from seeds.survey_error_correlation order by all").df()
        areas = [
            row[0]
            for row in db.execute("select distinct continuity_code from intermediate.int_council_years order by 1").fetchall()
        ]
        continuity = dict(db.execute("select distinct area_code, continuity_code from intermediate.int_council_years").fetchall())
    places = {area: areas.index(code) for area, code in continuity.items()}
    # whole columns of names are compared as numbers: a hundred years of a definition are cut out of them
    names: dict[str, NDArray[np.object_]] = {}
    for name in ("measure_id", "area_code"):
        codes, levels = pd.factorize(scores[name].to_numpy(object), sort=True)
        scores[f"{name}_code"] = codes
        names[name] = levels
    by_year = {
        (str(definition), str(year)): rows
        for (definition, year), rows in scores.groupby(["definition_id", "financial_year"], sort=True)
    }
    spend_of = {str(year): rows for year, rows in spend.groupby("financial_year")}
    all_bases = sorted(spend["spend_basis"].unique())
    need_of = dict(iter(need.groupby("financial_year")))
    problems = []
    for definition in definitions.to_dict("records"):
        named = definition["definition_id"]
        withhold = definition["doubtful_figures"] == "withhold"
        weights = domain_weights[(domain_weights["definition_id"] == named) & (domain_weights["domain_weight"] > 0)]
        own_ranking = ranking[ranking["definition_id"] == named]
        years = [
            _year(
                definition,
                year,
                scores=rows,
                ranking=own_ranking[own_ranking["financial_year"] == year],
                weights=weights,
                spend=_believed(spend_of.get(year, spend.head(0)), withhold),
                all_bases=all_bases,
                need=need_of.get(year, need.head(0)),
                correlation=correlation,
                places=places,
                names=names,
            )
            for (of, year), rows in by_year.items()
            if of == named
        ]
        usable = [year for year in years if year is not None]
        choices = {str(k): None if pd.isna(v) else v for k, v in definition.items()}
        problems.append(Problem(choices, usable, _earlier(usable, own_ranking), len(areas)))
    return problems


def _believed(spend: pd.DataFrame, withhold: bool) -> pd.DataFrame:
    return spend.assign(spend_index=spend["spend_index"].mask(spend["is_withheld"])) if withhold else spend


def _year(
    definition: Mapping[Hashable, object],
    financial_year: str,
    *,
    scores: pd.DataFrame,
    ranking: pd.DataFrame,
    weights: pd.DataFrame,
    spend: pd.DataFrame,
    all_bases: Collection[str],
    need: pd.DataFrame,
    correlation: pd.DataFrame,
    places: Mapping[str, int],
    names: Mapping[str, NDArray[np.object_]],
) -> DefinitionYear | None:
    in_force = set(scores["domain_id"].unique())
    domains = [d for d in weights["domain_id"] if d in in_force]
    if len(domains) < len(weights):
        return None  # a domain without any measure in force: nobody has an outcome score
    if len(domains) < len(in_force):
        scores = scores[scores["domain_id"].isin(domains)]
    measure_codes, measure_at = np.unique(scores["measure_id_code"].to_numpy(), return_inverse=True)
    council_codes, council_at = np.unique(scores["area_code_code"].to_numpy(), return_inverse=True)
    measures, councils = list(names["measure_id"][measure_codes]), list(names["area_code"][council_codes])
    at = (measure_at, council_at)

    def table(column: str) -> Floats:
        values = np.full((len(measures), len(councils)), np.nan)
        values[at] = scores[column].to_numpy(float)
        return values

    facts = scores.iloc[np.unique(measure_at, return_index=True)[1]].set_index("measure_id")
    ends = facts[["plausible_min", "plausible_max"]].mul(facts["polarity"], axis=0).to_numpy(float)
    rank = ranking.set_index("area_code")["rank"].reindex(councils).to_numpy(float)
    values = table("value")
    bases = _spend(spend, domains, councils, sorted({*all_bases, str(definition["spend_basis"])}))
    if np.isnan(bases[str(definition["spend_basis"])]).all() and float(str(definition["k"])) != 0:
        return None  # outcomes came before spend: the definition has no ranks of the year yet
    errors = table("standard_error")
    if (there := ~np.isnan(values) & np.isnan(errors)).any():
        raise ValueError(
            f"{financial_year}: {int(there.sum())} values have no standard error, first of {measures[int(there.any(axis=1).argmax())]}: "
            "give the measure a row in measure_uncertainty."
        )
    # Over a window a council's rank in one year says nothing about which of its years count.
    counts = np.ones(len(councils), dtype=bool) if int(str(definition["window_years"])) > 1 else ~np.isnan(rank)
    arrays = Year(
        values=values,
        standard_errors=np.nan_to_num(errors),
        least=_end(ends.min(axis=1), -np.inf),
        most=_end(ends.max(axis=1), np.inf),
        worst=facts["worst"].to_numpy(float),
        best=facts["best"].to_numpy(float),
        domain_of=np.array([domains.index(d) for d in facts["domain_id"]]),
        polarity=facts["polarity"].to_numpy(float),
        reference=facts["england_value"].to_numpy(float),
        measure_weights=facts["weight"].to_numpy(float),
        domain_weights=weights.set_index("domain_id")["domain_weight"].loc[domains].to_numpy(float),
        spend=bases,
        ranked=counts if counts.any() else np.ones(len(councils), dtype=bool),
    )
    own = spend[spend["spend_basis"] == definition["spend_basis"]].groupby("area_code")
    named = _sources(facts, financial_year)
    carried = np.divide(table("carried_standard_error"), errors, out=np.zeros_like(errors), where=errors > 0)
    together = Errors(
        sources=tuple(named),
        together=_together(facts, named, correlation),
        carried=np.nan_to_num(carried),
        carried_by=tuple(f"{measure}|change to|{financial_year}" for measure in measures),
        transient=own["transient"].max().reindex(councils).fillna(0).to_numpy(float),
        persistent=own["persistent"].max().reindex(councils).fillna(0).to_numpy(float),
        history=own["history"].max().reindex(councils).to_numpy(float),
        history_weight=own["history_weight"].max().reindex(councils).fillna(0).to_numpy(float),
        expected={"total_net_need_adjusted": _expected(need, councils)} if len(need) > NEED_COEFFICIENTS else {},
    )
    at_place = np.array([places[area] for area in councils])
    return DefinitionYear(financial_year, measures, domains, councils, arrays, rank, together, at_place)


def _sources(facts: pd.DataFrame, financial_year: str) -> list[str]:
    """For each measure what its error is drawn by: the survey question, or the first measure that rests on the same published figures."""
    first: dict[str, str] = {}
    named = []
    for measure, row in facts.iterrows():
        year = row["value_year"] if isinstance(row["value_year"], str) else financial_year
        if isinstance(row["survey"], str):
            named.append(f"{row['survey']}|{row['breakdown']}|{row['question']}|{year}")
        else:
            named.append(f"{first.setdefault(str(row['first_figure_id']), str(measure))}|{year}")
    return named


def _together(facts: pd.DataFrame, named: list[str], correlation: pd.DataFrame) -> tuple[tuple[tuple[str, ...], Floats], ...]:
    """Groups of sources that err together: the questions of one survey, asked of the same people. ValueError for a pair without a correlation."""
    known = {
        (survey, *sorted(pair)): value
        for survey, *pair, value in correlation[["survey", "question", "other_question", "correlation"]].itertuples(index=False)
    }
    surveys: dict[tuple[str, str], dict[str, str]] = {}
    for source, (_, row) in zip(named, facts.iterrows(), strict=True):
        if isinstance(row["survey"], str):
            year = source.rsplit("|", 1)[1]
            surveys.setdefault((f"{row['survey']}|{row['breakdown']}|{year}", row["survey"]), {})[source] = row["question"]
    groups = []
    for (_, survey), questions in sorted(surveys.items()):
        sources = tuple(sorted(questions))
        matrix = np.eye(len(sources))
        for i, one in enumerate(sources):
            for j in range(i):
                pair = (survey, *sorted((questions[one], questions[sources[j]])))
                if pair not in known:
                    raise ValueError(f"survey_error_correlation: no correlation of {pair[1]} and {pair[2]} in survey {survey}.")
                matrix[i, j] = matrix[j, i] = known[pair]
        # estimated pair by pair, so that a root may come out a little below zero
        roots, vectors = np.linalg.eigh(matrix)
        factor = vectors * np.sqrt(np.clip(roots, 0, None))
        groups.append((sources, factor / np.sqrt((factor**2).sum(axis=1, keepdims=True))))
    return tuple(groups)


NEED_COEFFICIENTS = 3
"""Of the fit of need: a constant, deprivation, age structure. With no more councils than that its errors cannot be told."""


def _expected(need: pd.DataFrame, councils: list[str]) -> Floats:
    """(U, 3): with standard normals, what the logarithm of expected spend moves by as the coefficients of the fit move in their errors.

    Least squares on deprivation and share aged 65 and over: covariance s² (X'X)^-1; 0 for a council that the fit says nothing of.
    """
    x = np.column_stack([np.ones(len(need)), need[["deprivation_score", "share_65_and_over_pct"]].to_numpy(float)])
    residual = need["residual"].to_numpy(float)
    # robust: a council whose spend is withheld stands in the table, but did not bend the fit
    deviation = 1.4826 * np.median(np.abs(residual - np.median(residual)))
    factor = np.linalg.cholesky(deviation**2 * np.linalg.inv(x.T @ x))
    moves = pd.DataFrame(x @ factor, index=need["area_code"]).reindex(councils)
    return moves.fillna(0).to_numpy(float)


def _end(ends: Floats, otherwise: float) -> Floats:
    return np.where(np.isnan(ends), otherwise, ends)


def _spend(spend: pd.DataFrame, domains: list[str], councils: list[str], all_bases: Collection[str]) -> dict[str, Floats]:
    """Spend indices by basis, those of `all_bases` at least: NaN where the year has no spend on one (yet)."""
    bases: dict[str, Floats] = {}
    for name, rows in spend.groupby("spend_basis"):
        by_domain = set(rows["domain_id"].dropna()) & set(domains)
        if by_domain:
            table = rows.pivot(index="domain_id", columns="area_code", values="spend_index")
            bases[str(name)] = table.reindex(index=domains, columns=councils).to_numpy(float)
        else:
            bases[str(name)] = rows.set_index("area_code")["spend_index"].reindex(councils).to_numpy(float)
    return {name: np.full(len(councils), np.nan) for name in all_bases} | bases


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
