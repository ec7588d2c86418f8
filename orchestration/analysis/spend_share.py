"""How much spend decides, and how steady ranks are: two facts of each definition and year, told from the marts by SQL.

What belongs here: statistics of the finished ranking. What does not: anything that is drawn (`simulation.py`).
"""

from __future__ import annotations

from orchestration.settings import Settings
from orchestration.warehouse.connection import connect

SPEND_SHARE = """
    with ranked as (
        select
            r.definition_id, r.financial_year, d.combination, d.k, ln(r.spend_index) as log_spend,
            case d.combination when 'ratio' then ln(r.productivity) else r.productivity end as result
        from marts.productivity_ranking as r
        inner join marts.dim_definition as d using (definition_id)
        where r.rank is not null and d.window_years = 1 and d.spend_basis not like 'by_domain%' and r.spend_index is not null
    ),
    spread as (
        select *, stddev_samp(log_spend) over (partition by definition_id, financial_year) as deviation from ranked
    )
    select
        definition_id, financial_year, 'spend_share_of_variance' as statistic,
        covar_samp(
            case combination when 'ratio' then -k * log_spend else -10 * k / (1 + k) * log_spend / deviation end, result
        ) / var_samp(result) as value
    from spread group by all order by all
"""
"""Share of the variance of log productivity (standardised: of productivity) that is spend's: the covariance of its part with the whole ÷
the variance of the whole, so that spend's share and the outcome's add up to 1 (Shorrocks 1982, natural decomposition of the variance)."""

STABILITY = """
    with ranked as (
        select r.definition_id, r.financial_year, y.previous_financial_year, y.continuity_code, r.rank
        from marts.productivity_ranking as r
        inner join intermediate.int_council_years as y using (financial_year, area_code)
        where r.rank is not null
    ),
    paired as (
        select
            this_year.definition_id, this_year.financial_year,
            rank() over (partition by this_year.definition_id, this_year.financial_year order by this_year.rank) as now,
            rank() over (partition by this_year.definition_id, this_year.financial_year order by last_year.rank) as before
        from ranked as this_year
        inner join ranked as last_year
            on
                this_year.definition_id = last_year.definition_id
                and this_year.previous_financial_year = last_year.financial_year
                and this_year.continuity_code = last_year.continuity_code
    )
    select definition_id, financial_year, 'rank_correlation_with_year_before' as statistic, corr(now, before) as value
    from paired group by all order by all
"""
"""Spearman's correlation of the ranks of two years in a row, councils ranked in both, whatever breaks lie between."""


def spend_share_and_stability(settings: Settings) -> list[dict[str, object]]:
    """Rows of `index_diagnostics` for every definition and year: statistic, value, domain `all`."""
    with connect(str(settings.warehouse_path), read_only=True) as db:
        found = [row for sql in (SPEND_SHARE, STABILITY) for row in db.execute(sql).df().to_dict("records")]
    return [
        {str(k): v for k, v in row.items()} | {"domain_id": "all", "measure_id": None, "other_measure_id": None} for row in found
    ]
