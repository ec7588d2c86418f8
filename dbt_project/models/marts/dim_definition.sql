-- The definitions of the index that stand side by side; each row is a complete set of choices.
select
    definition_id,
    definition_name,
    description,
    provenance,
    weight_set,
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
    min_domain_measures,
    min_year_coverage,
    min_comparable_weight,
    spend_basis,
    k,
    combination,
    window_years,
    doubtful_figures
from {{ ref('stg_definitions') }}
order by definition_id
