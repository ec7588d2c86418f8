-- Definitions of the index: the project's own, and those a user put beside them (ASC_DEFINITIONS_DIR).
-- What a user wrote and cannot be read as a number becomes null here and is refused by the gate on definitions.
with

own as (select * from {{ ref('index_definitions') }}),

users as (select * from {{ source('raw', 'user_definitions') }}),

final as (
    select
        definition_id,
        definition_name,
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
        doubtful_figures,
        description,
        'project' as provenance
    from own
    union all
    select
        definition_id,
        definition_name,
        weight_set,
        normalisation,
        try_cast(winsorise_lower as double) as winsorise_lower,
        try_cast(winsorise_upper as double) as winsorise_upper,
        try_cast(scale_low as double) as scale_low,
        try_cast(scale_high as double) as scale_high,
        try_cast(scale_centre as double) as scale_centre,
        try_cast(scale_spread as double) as scale_spread,
        domain_aggregation,
        outcome_aggregation,
        try_cast(min_domain_coverage as double) as min_domain_coverage,
        try_cast(min_domain_measures as integer) as min_domain_measures,
        try_cast(min_year_coverage as double) as min_year_coverage,
        try_cast(min_comparable_weight as double) as min_comparable_weight,
        spend_basis,
        try_cast(k as double) as k,
        combination,
        try_cast(window_years as integer) as window_years,
        doubtful_figures,
        description,
        'user' as provenance
    from users
)

select * from final
