-- The default ranking of the latest ranked year, best first, unranked councils last with the reason.
select
    financial_year,
    area_code,
    continuity_code,
    area_name,
    region,
    council_type,
    rank,
    lower_rank,
    upper_rank,
    rank_group,
    rank_change,
    productivity,
    outcome_score,
    spend_per_adult_gbp,
    spend_index,
    domain_scores,
    domain_ranks,
    quadrant,
    coverage,
    carried_forward_values,
    withheld_values,
    is_spend_modelled,
    is_spend_doubtful,
    unranked_reason
from marts.council_scorecard
where definition_id = 'default' and is_latest_ranked
order by rank nulls last, area_name
