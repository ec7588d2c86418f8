-- One row for each definition, year and council: rank with its interval and group, scores of the index and of each domain, spend, flags. A council's years share continuity_code.
with

domains as (
    select
        definition_id,
        financial_year,
        area_code,
        map_from_entries(list((domain_id, domain_score) order by domain_id)) as domain_scores,
        map_from_entries(list((domain_id, domain_rank) order by domain_id)) as domain_ranks
    from marts.fct_domain_score
    group by definition_id, financial_year, area_code
)

select
    r.definition_id,
    r.financial_year,
    y.is_latest_ranked,
    r.area_code,
    r.continuity_code,
    r.area_name,
    r.region,
    r.council_type,
    r.rank,
    u.rank_p05 as lower_rank,
    u.rank_p95 as upper_rank,
    g.group_5_pct as rank_group,
    r.rank_change,
    r.productivity,
    r.outcome_score,
    r.spend_per_adult_gbp,
    r.spend_index,
    d.domain_scores,
    d.domain_ranks,
    r.quadrant,
    r.coverage,
    r.carried_forward_values,
    r.withheld_values,
    r.is_spend_modelled,
    r.is_spend_doubtful,
    r.unranked_reason
from marts.productivity_ranking as r
left join marts.dim_financial_year as y on r.financial_year = y.financial_year
left join marts.rank_uncertainty as u
    on
        r.definition_id = u.definition_id
        and r.financial_year = u.financial_year
        and r.area_code = u.area_code
        and u.uncertainty_of = 'both'
left join marts.rank_group as g
    on r.definition_id = g.definition_id and r.financial_year = g.financial_year and r.area_code = g.area_code
left join domains as d
    on r.definition_id = d.definition_id and r.financial_year = d.financial_year and r.area_code = d.area_code
order by r.definition_id, r.financial_year, r.rank nulls last, r.area_name
