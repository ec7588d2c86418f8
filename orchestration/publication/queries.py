"""Questions that the command line asks of the current release. Read-only SQL in, rows or frames out; nothing is computed here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.publication.names import Council, UnknownError, find
from orchestration.warehouse.connection import connect as open_database

if TYPE_CHECKING:
    import pandas as pd


Row = dict[str, Any]


def connect(release: Path) -> duckdb.DuckDBPyConnection:
    """The release's warehouse, read-only: any number of people can have it open."""
    return open_database(str(release / "asc.duckdb"), read_only=True)


@lru_cache(maxsize=1)
def _opened(file: Path, identity: tuple[int, int]) -> duckdb.DuckDBPyConnection:
    """One connection for all questions of a process: opening the file costs more than answering most of them."""
    return connect(file.parent)


def _ask(release: Path) -> duckdb.DuckDBPyConnection:
    """A cursor of the release. Another file of the same name, as when a release was made again, is opened anew."""
    file = (release / "asc.duckdb").resolve()
    state = file.stat()
    return _opened(file, (state.st_ino, state.st_mtime_ns)).cursor()


@dataclass(frozen=True)
class Question:
    """One read-only query of a release, answered as plain rows or as a frame: whoever prints a table does without the half second that
    importing frames takes. The parameters are texts.
    """

    release: Path
    sql: str
    parameters: Sequence[str] = ()

    def rows(self) -> list[Row]:
        """Plain values, None for missing."""
        return rows(self.release, self.sql, self.parameters)

    def frame(self) -> pd.DataFrame:
        """As `query` gives it."""
        return query(self.release, self.sql, list(self.parameters))


def query(release: Path, sql: str, parameters: list[object] | None = None) -> pd.DataFrame:
    """The rows of one read-only query; `attrs["types"]` has DuckDB's type of each column."""
    with _ask(release) as cursor:
        return _frame(cursor.execute(sql, parameters or []))


def rows(release: Path, sql: str, parameters: Sequence[str] = ()) -> list[Row]:
    """The rows of one read-only query as plain values, None for missing: for who does not need a frame, and its half a second.

    The parameters are texts, handed over in SQL: DuckDB imports pandas to look at a Python value.
    """
    texts = ", ".join("'" + text.replace("'", "''") + "'" for text in parameters)
    with _ask(release) as cursor:
        cursor.execute(f"prepare asked as {sql}")
        result = cursor.execute(f"execute asked({texts})" if texts else "execute asked")
        names = [str(column[0]) for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _frame(result: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    types = {str(column[0]): str(column[1]) for column in result.description or []}
    frame = result.df()
    frame.attrs["types"] = types
    return frame


def typed_query(release: Path, sql: str) -> pd.DataFrame:
    """The rows of one statement that a person typed. It sees the release and nothing else: no file, no network, no attached database, and
    no setting that would open them. ValueError for no statement or several; what DuckDB refuses, DuckDB says.
    """
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1:
        raise ValueError(
            f"{len(statements)} statements; one is asked for. "
            'For example: asc sql "from marts.national_summary"; asc sql "show all tables" lists what there is.'
        )
    _opened.cache_clear()  # what is locked here is locked for every connection to the file in this process
    with connect(release) as connection:
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        return _frame(connection.execute(statements[0]))


def resolve_definition(release: Path, definition: str) -> str:
    """The definition's id, or UnknownError with those there are."""
    known = [row["definition_id"] for row in rows(release, "select definition_id from marts.dim_definition order by 1")]
    if definition not in known:
        raise UnknownError(f"No definition {definition!r}. There are: {', '.join(known)}.")
    return definition


def resolve_year(release: Path, definition: str, year: str | None) -> str:
    """The year asked for, or the latest ranked one; `2018/19` and `2018-2019` are taken for the label 2018-19. UnknownError lists the years,
    and for a calendar year says which two it could be.
    """
    counted = rows(
        release,
        "select financial_year, count(rank) as ranked from marts.productivity_ranking where definition_id = ? group by 1 order by 1",
        [definition],
    )
    labels = [row["financial_year"] for row in counted]
    ranked = [row["financial_year"] for row in counted if row["ranked"] > 0]
    if year is None:
        if not ranked:
            raise UnknownError(f"Definition {definition!r} ranks no year.")
        return str(ranked[-1])
    written = re.fullmatch(r"(20)?(\d\d)\s*[-/\u2013]\s*(20)?(\d\d)", year.strip())
    if written and f"20{written[2]}-{written[4]}" in labels:
        return f"20{written[2]}-{written[4]}"
    near = [label for label in labels if year.strip() in (label[:4], f"20{label[5:]}")]
    if near:
        raise UnknownError(
            f"{year!r} is no financial year. Did you mean {' or '.join(near)}? A label such as 2018-19 runs from April to March."
        )
    raise UnknownError(f"No ranking for {year!r}. Years: {', '.join(labels)} (ranked: {', '.join(ranked)}).")


def later_years(release: Path, definition: str, year: str) -> list[str]:
    """Years after `year` that the definition has rows for."""
    found = rows(
        release,
        "select distinct financial_year from marts.productivity_ranking where definition_id = ? and financial_year > ? order by 1",
        [definition, year],
    )
    return [row["financial_year"] for row in found]


RANKING = """
    select r.*, u.rank_p05, u.rank_p95, u.probability_top_ten, g.group_5_pct
    from marts.productivity_ranking as r
    left join marts.rank_uncertainty as u
        on r.definition_id = u.definition_id and r.financial_year = u.financial_year and r.area_code = u.area_code
        and u.uncertainty_of = 'both'
    left join marts.rank_group as g
        on r.definition_id = g.definition_id and r.financial_year = g.financial_year and r.area_code = g.area_code
    where r.definition_id = ? and r.financial_year = ?
    order by r.rank nulls last, r.area_code
"""


def ranking(release: Path, definition: str, year: str) -> Question:
    """Every council of one ranking with the 90 % interval of its rank, best first, unranked last with the reason."""
    return Question(release, RANKING, [definition, year])


def year_state(release: Path, year: str) -> Row:
    """What is still to come of a year, and the definitions that rank it: a row of `dim_financial_year`, empty for a year it does not have."""
    found = rows(release, "select * from marts.dim_financial_year where financial_year = ?", [year])
    return found[0] if found else {}


def rank_intervals(release: Path, area_code: str, definition: str, year: str) -> Question:
    """The intervals of one rank: under both uncertainties, and for `default` under each by itself."""
    return Question(
        release,
        "select * from marts.rank_uncertainty where area_code = ? and definition_id = ? and financial_year = ? order by uncertainty_of",
        [area_code, definition, year],
    )


def rank_group(release: Path, area_code: str, definition: str, year: str) -> Question:
    """The group of a council and its set among all councils at once; empty where no group was cut."""
    return Question(
        release,
        """
        select g.*, s.simultaneous_best, s.simultaneous_worst
        from marts.rank_group as g
        inner join marts.rank_confidence_set as s using (definition_id, financial_year, area_code)
        where g.area_code = ? and g.definition_id = ? and g.financial_year = ?
        """,
        [area_code, definition, year],
    )


def rank_drivers(release: Path, area_code: str, definition: str, year: str) -> Question:
    """What moves the rank of a council, most first: the total Sobol index of each factor. Empty where it was not studied."""
    return Question(
        release,
        """
        select distinct s.factor_id, f.factor_name, s.total, s.total_p05, s.total_p95
        from marts.sensitivity as s
        inner join marts.dim_method_factor as f using (factor_id)
        where s.area_code = ? and s.definition_id = ? and s.financial_year = ? and s.total is not null
        order by s.total desc, s.factor_id
        """,
        [area_code, definition, year],
    )


def rank_without(release: Path, area_code: str, definition: str, year: str) -> Question:
    """The rank of a council without each measure and domain, the largest change first."""
    return Question(
        release,
        """
        select d.*, coalesce(m.measure_name, n.domain_name) as element_name
        from marts.drop_one as d
        left join marts.dim_measure as m on d.element_kind = 'measure' and d.element_id = m.measure_id
        left join (select distinct domain_id, domain_name from marts.dim_definition_domain) as n
            on d.element_kind = 'domain' and d.element_id = n.domain_id
        where d.area_code = ? and d.definition_id = ? and d.financial_year = ?
        order by abs(d.places_gained) desc, d.element_id
        """,
        [area_code, definition, year],
    )


def find_council(release: Path, wanted: str) -> str:
    """The ONS code of a council by code or by any name that people write. UnknownError asks which, or offers names nearly alike."""
    councils = rows(release, "select area_code, area_name, in_force_until is null as is_in_force from marts.dim_council")
    aliases = rows(release, "select alias, area_code from marts.dim_council_alias")
    return find(wanted, [Council(*row.values()) for row in councils], [(row["alias"], row["area_code"]) for row in aliases])


def code_in_year(release: Path, area_code: str, year: str) -> str:
    """The code the same council over the same area had in a year. UnknownError if there was no such council then."""
    found = rows(
        release,
        """
        select r.area_code from marts.productivity_ranking as r inner join marts.dim_council as c using (area_code)
        where r.financial_year = ? and c.continuity_code = (select continuity_code from marts.dim_council where area_code = ?)
        """,
        [year, area_code],
    )
    if not found:
        named = council(release, area_code)
        successors = named["successor_codes"] or ""
        names = rows(
            release,
            "select area_name from marts.dim_council where list_contains(string_split(?, ' '), area_code) order by 1",
            [successors],
        )
        after = (
            f" It ended on {named['in_force_until']:%d %B %Y}; see {', '.join(row['area_name'] for row in names)}."
            if successors
            else ""
        )
        raise UnknownError(f"{named['area_name']} ({area_code}) was not a council with its present area in {year}.{after}")
    return str(found[0]["area_code"])


def council(release: Path, area_code: str) -> Row:
    """The row of dim_council."""
    return Question(release, "select * from marts.dim_council where area_code = ?", [area_code]).rows()[0]


def council_years(release: Path, area_code: str, definition: str) -> Question:
    """Each year of the council over the same area, whatever its code then."""
    return Question(
        release,
        """
        select r.*, u.rank_p05, u.rank_p95
        from marts.productivity_ranking as r
        inner join marts.dim_council as c using (area_code)
        left join marts.rank_uncertainty as u
            on r.definition_id = u.definition_id and r.financial_year = u.financial_year and r.area_code = u.area_code
            and u.uncertainty_of = 'both'
        where r.definition_id = ?
          and c.continuity_code = (select continuity_code from marts.dim_council where area_code = ?)
        order by r.financial_year
        """,
        [definition, area_code],
    )


def council_domains(release: Path, area_code: str, definition: str, year: str) -> Question:
    """Domain scores of one council and year."""
    return Question(
        release,
        """
        select d.*, m.domain_name from marts.fct_domain_score as d
        inner join (select distinct domain_id, domain_name, domain_order from marts.dim_measure) as m using (domain_id)
        where d.definition_id = ? and d.area_code = ? and d.financial_year = ? order by m.domain_order
        """,
        [definition, area_code, year],
    )


def council_measures(release: Path, area_code: str, definition: str, year: str) -> Question:
    """Each measure of one council and year: value, England, score, and the publication with the place in it."""
    return Question(
        release,
        """
        select
            m.domain_name, m.measure_name, m.polarity, m.decimals, v.measure_id, v.value, v.unit, v.england_value, v.value_basis,
            v.value_year, v.missing_reason, v.doubt, s.is_withheld, s.score, s.weight,
            e.publisher, f.source, f.edition, f.framework, f.item, f.breakdown, e.file_name, e.sheet, f.locator
        from marts.fct_measure_value as v
        inner join marts.dim_measure as m using (measure_id)
        left join marts.fct_measure_score as s
            on s.definition_id = ? and s.financial_year = v.financial_year and s.area_code = v.area_code and s.measure_id = v.measure_id
        left join marts.fct_published_figure as f using (figure_id)
        left join marts.dim_edition as e on f.source = e.source and f.edition = e.edition
        where v.area_code = ? and v.financial_year = ?
        order by m.domain_order, v.measure_id, f.figure_id
        """,
        [definition, area_code, year],
    )


def measures_in_force(release: Path, year: str) -> Question:
    """Domain, measures and councils of one year, in the domains' order."""
    return Question(
        release,
        """
        select m.domain_name, c.measure_id, m.measure_name, c.value_basis, c.councils_with_value
        from marts.measure_coverage as c inner join marts.dim_measure as m using (measure_id)
        where c.financial_year = ? order by m.domain_order, c.measure_id
        """,
        [year],
    )


def spread(release: Path, definition: str, year: str) -> Question:
    """What each measure's scale rests on in a year: lowest, highest, mean, standard deviation and number of winsorised values."""
    return Question(
        release,
        """
        select
            measure_id, lowest_winsorised_value as lowest, highest_winsorised_value as highest, mean_winsorised_value as mean,
            winsorised_standard_deviation as standard_deviation, councils
        from marts.measure_scale where definition_id = ? and financial_year = ?
        """,
        [definition, year],
    )


def scores(release: Path, area_code: str, definition: str, year: str) -> Question:
    """Each measure's value, winsorised value, score and position among councils, in the domains' order."""
    return Question(
        release,
        """
        with positions as (
            select *, rank() over (partition by measure_id order by winsorised_value asc nulls last) as position
            from marts.fct_measure_score where definition_id = ? and financial_year = ?
        )
        select
            p.*, m.measure_name, m.domain_name, m.domain_order, m.polarity, m.goalpost_worst, m.goalpost_best,
            v.breakdown, v.value as published_value, v.doubt, v.england_value
        from positions as p
        inner join marts.dim_measure as m using (measure_id)
        inner join marts.fct_measure_value as v using (financial_year, area_code, measure_id)
        where p.area_code = ? order by m.domain_order, p.measure_id
        """,
        [definition, year, area_code],
    )


def standardised_spread(release: Path, definition: str, year: str) -> Row:
    """Mean and sample standard deviation of outcome score and of log spend index over the councils of a year that have both."""
    return Question(
        release,
        """
        select
            avg(outcome_score) as mean_outcome, stddev_samp(outcome_score) as deviation_outcome,
            avg(ln(spend_index)) as mean_log_spend, stddev_samp(ln(spend_index)) as deviation_log_spend
        from marts.productivity_ranking
        where definition_id = ? and financial_year = ? and outcome_score is not null and spend_index is not null
        """,
        [definition, year],
    ).rows()[0]


def doubts(release: Path, area_code: str, year: str) -> Question:
    """What the register has of a council and year: subject, evidence, decision and what the return itself implies."""
    return Question(
        release,
        """
        select d.*, m.measure_name from marts.fct_doubtful_figure as d left join marts.dim_measure as m on d.subject_id = m.measure_id
        where d.area_code = ? and d.financial_year = ? order by d.subject desc, d.subject_id
        """,
        [area_code, year],
    )


def definition_row(release: Path, definition: str) -> Row:
    """The choices of a definition."""
    return Question(release, "select * from marts.dim_definition where definition_id = ?", [definition]).rows()[0]


def lineage(release: Path, area_code: str, year: str) -> Question:
    """The published figures under a council and year, with the file and the place in it."""
    return Question(
        release,
        """
        select l.component, l.component_id, f.value, f.unit, f.source, f.edition, f.framework, f.item, f.breakdown, f.area_code,
               e.publisher, e.file_name, e.file_sha256, e.sheet, e.obtained, f.locator, f.provenance
        from marts.fct_lineage as l
        inner join marts.fct_published_figure as f using (figure_id)
        inner join marts.dim_edition as e on f.source = e.source and f.edition = e.edition
        where l.area_code = ? and l.financial_year = ? order by l.component, l.component_id, f.area_code, f.breakdown, f.source, f.edition, f.item, f.period, l.figure_id
        """,
        [area_code, year],
    )


def council_spend(release: Path, area_code: str, year: str, basis: str) -> Question:
    """The council's spend on a basis, one row for all or one for each domain."""
    return Question(
        release,
        "select * from marts.fct_council_spend where area_code = ? and financial_year = ? and spend_basis = ? order by domain_id",
        [area_code, year, basis],
    )


def domain_weights(release: Path, definition: str) -> Question:
    """Weight of each domain in a definition."""
    return Question(
        release,
        "select domain_id, domain_name, domain_order, domain_weight from marts.dim_definition_domain where definition_id = ? order by domain_order",
        [definition],
    )


def movement(release: Path, area_code: str, definition: str, year: str) -> Question:
    """What contributed most to the change of productivity since the year before."""
    return Question(
        release,
        """
        select c.*, coalesce(m.measure_name, 'Spend' || case component_id when 'all' then '' else ': ' || component_id end) as name
        from marts.fct_movement_contribution as c left join marts.dim_measure as m on c.component_id = m.measure_id
        where c.area_code = ? and c.definition_id = ? and c.financial_year = ? order by abs(c.contribution) desc, c.component, c.component_id
        """,
        [area_code, definition, year],
    )


def peers(release: Path, area_code: str, definition: str, year: str) -> Question:
    """The most similar councils with their ranks."""
    return Question(
        release,
        """
        select p.nearness, p.distance, r.area_code, r.area_name, r.rank, r.outcome_score, r.spend_per_adult_gbp, r.productivity
        from marts.fct_peer as p
        inner join marts.productivity_ranking as r
            on r.area_code = p.peer_area_code and r.financial_year = p.financial_year and r.definition_id = ?
        where p.area_code = ? and p.financial_year = ? order by p.nearness
        """,
        [definition, area_code, year],
    )


def years_not_compared(release: Path, definition: str) -> list[str]:
    """Ranked years of which no council is compared with the year before."""
    found = rows(
        release,
        """
        select financial_year from marts.productivity_ranking
        where definition_id = ? and rank is not null group by 1 having count(rank_change) = 0 order by 1
        """,
        [definition],
    )
    return [row["financial_year"] for row in found]


def trend(release: Path, area_code: str, definition: str) -> Question:
    """Every year of the council over the same area, whatever its code then: what its rank is made of, then every measure's value.

    One row for each year and item, in the order of the index, its domains and its measures.
    """
    return Question(
        release,
        """
        with own as (
            select r.*
            from marts.productivity_ranking as r
            inner join marts.dim_council as c using (area_code)
            where r.definition_id = ? and c.continuity_code = (select continuity_code from marts.dim_council where area_code = ?)
        ),
        facts as (
            from own select financial_year, area_code, 0 as place, 'Index' as domain_name, 'Rank' as item, cast(rank as double) as value, 'rank' as unit, 0 as decimals
            union all from own select financial_year, area_code, 1, 'Index', 'Outcome score', outcome_score, 'score', 1
            union all from own select financial_year, area_code, 2, 'Index', 'Spend per adult', spend_per_adult_gbp, 'gbp', 0
            union all from own select financial_year, area_code, 3, 'Index', 'Spend index', spend_index, 'index', 2
            union all from own select financial_year, area_code, 4, 'Index', 'Productivity', productivity, 'index', 1
        ),
        measures as (
            select v.financial_year, v.area_code, 10 + m.domain_order as place, m.domain_name, m.measure_name as item, v.value, v.unit, m.decimals
            from own
            inner join marts.fct_measure_value as v using (financial_year, area_code)
            inner join marts.dim_measure as m using (measure_id)
        )
        select financial_year, area_code, domain_name, item, value, unit, decimals
        from (from facts union all from measures)
        order by place, item, financial_year
        """,
        [definition, area_code],
    )


def opportunity(release: Path, area_code: str, definition: str, year: str) -> Question:
    """Spend at the productivity of the peers' upper quartile; no row where it is not defined."""
    return Question(
        release,
        "select * from marts.fct_opportunity where area_code = ? and definition_id = ? and financial_year = ?",
        [area_code, definition, year],
    )
