"""What the figures themselves show of their errors: how far values change from year to year, how much of that is gone a year later, and
how the questions of one survey err together. Told from the marts by SQL.

What belongs here: statistics that the declared errors are held against (`seeds.measure_uncertainty`, `seeds.survey_error_correlation`).
What does not: anything that is drawn.

A change between two years is real change plus the errors of both. If what is real lasts (a random walk), the change that follows is
uncorrelated with it but for the error of the year between, which enters both with opposite signs: the covariance of one change with the
next is minus the variance of that error, and of two measures minus their covariance. What is real but passes within a year counts as error.
"""

from __future__ import annotations

import pandas as pd

from orchestration.settings import Settings
from orchestration.warehouse.connection import connect

CLIPPED_AT = 4
"""Changes are pulled in to so many robust standard deviations: a reporting mistake must not set the size of an error."""

STEPS = f"""
    with changes as (
        select
            c.measure_id, c.financial_year, c.year_before, c.continuity_code, v.breakdown, u.standard_error, u.sampling_standard_error,
            y.mid_year - b.mid_year as years,
            1.4826 * median(abs(c.step)) over everybody as deviation,
            greatest(least(c.step, {CLIPPED_AT} * deviation), -{CLIPPED_AT} * deviation) as step
        from intermediate.int_measure_changes as c
        inner join intermediate.int_measure_values as v using (measure_id, financial_year, area_code)
        inner join intermediate.int_value_uncertainty as u using (measure_id, financial_year, area_code)
        inner join seeds.financial_years as y on c.financial_year = y.financial_year
        inner join seeds.financial_years as b on c.year_before = b.financial_year
        window everybody as (partition by c.measure_id, c.financial_year, c.year_before)
    )
"""
PAIRED = """
    , paired as (
        select
            a.measure_id, a.financial_year, a.step, b.step as next_step,
            a.step - avg(a.step) over everybody as away, b.step - avg(b.step) over everybody as next_away
        from changes as a
        inner join changes as b
            on a.measure_id = b.measure_id and a.continuity_code = b.continuity_code and b.year_before = a.financial_year
        window everybody as (partition by a.measure_id, a.financial_year)
    )
"""
MEASURES = (
    STEPS
    + PAIRED
    + """
    , reversal as (
        select measure_id, -avg(away * next_away) as error_variance, count(*) as pairs from paired group by measure_id
    )
    , change as (
        select
            measure_id, 1.4826 * median(abs(step)) as deviation, median(standard_error) as standard_error,
            median(sampling_standard_error) as sampling_standard_error, avg(years) as years,
            count(*) as changes
        from changes group by measure_id
    )
    select
        measure_id, changes, years, standard_error, sampling_standard_error, deviation as change_deviation,
        sqrt(greatest(error_variance, 0)) as reversal_error, pairs,
        deviation / sqrt(2) / standard_error as observed_over_declared,
        sqrt(greatest(error_variance, 0)) / standard_error as reversal_over_declared,
        sqrt(greatest(power(deviation, 2) - 2 * power(standard_error, 2), 0) / years) as yearly_change
    from change left join reversal using (measure_id)
    order by measure_id
"""
)
"""One row a measure: the robust deviation of changes ÷ root 2 ÷ the declared standard error, the same of the part that reverses, and the
real change of one year that is left."""

TOGETHER = (
    STEPS
    + """
    , asked as (
        -- one row a question, council and change: where a survey is not split by age, two measures hold the same answer
        select distinct on (q.survey, q.question, c.financial_year, c.year_before, c.continuity_code)
            q.survey, q.question, c.financial_year, c.year_before, c.continuity_code, c.step
        from changes as c inner join seeds.survey_questions as q using (measure_id)
        where c.breakdown = 'total'
        order by q.survey, q.question, c.financial_year, c.year_before, c.continuity_code, c.measure_id
    )
    , by_year as (
        select a.survey, a.question, b.question as other_question, corr(a.step, b.step) as correlation, count(*) as pairs
        from asked as a
        inner join asked as b using (survey, financial_year, year_before, continuity_code)
        where a.question < b.question
        group by all
    )
    select survey, question, other_question, sum(correlation * pairs) / sum(pairs) as correlation, sum(pairs) as pairs
    from by_year group by all order by all
"""
)
"""Correlation of changes of two questions, averaged over years: one row a pair of a survey."""


def measure_errors(settings: Settings) -> pd.DataFrame:
    """What `MEASURES` finds, one row a measure that has changes."""
    return _read(settings, MEASURES)


def survey_correlations(settings: Settings) -> pd.DataFrame:
    """What `TOGETHER` finds: survey, question, other_question, correlation, pairs."""
    return _read(settings, TOGETHER)


def error_checks(settings: Settings) -> list[dict[str, object]]:
    """Rows of `index_diagnostics`: how declared errors compare with what the figures show, all years together, each measure."""
    found = measure_errors(settings)
    rows = found.merge(_read(settings, "select measure_id, domain_id from seeds.measures"), on="measure_id")
    return [
        {
            "definition_id": "default",
            "financial_year": "all",
            "statistic": statistic,
            "domain_id": row["domain_id"],
            "measure_id": row["measure_id"],
            "other_measure_id": None,
            "value": None if pd.isna(row[column]) else round(float(row[column]), 9),
        }
        for row in rows.to_dict("records")
        for statistic, column in (
            ("observed_change_over_declared_error", "observed_over_declared"),
            ("reversed_change_over_declared_error", "reversal_over_declared"),
        )
    ]


def _read(settings: Settings, sql: str) -> pd.DataFrame:
    with connect(str(settings.warehouse_path), read_only=True) as db:
        db.execute("set threads = 1")  # a sum in another order has other last bits
        return db.execute(sql).df()
