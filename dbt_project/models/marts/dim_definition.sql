-- The definitions of the index that stand side by side; each row is a complete set of choices.
select
    definition_id,
    definition_name,
    description,
    normalisation,
    winsorise_lower,
    winsorise_upper,
    scale_low,
    scale_high,
    scale_centre,
    scale_spread,
    domain_aggregation,
    outcome_aggregation,
    min_domain_coverage,
    min_year_coverage,
    spend_basis,
    k
from {{ ref('index_definitions') }}
order by definition_id
