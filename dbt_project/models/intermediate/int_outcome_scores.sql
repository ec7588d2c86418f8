-- Weighted mean of the domain scores, if the council has them all.
-- Coverage is the share of all weight that has a value.
with

council_years as (select * from {{ ref('int_council_years') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

domain_weights as (select * from {{ ref('stg_domain_weights') }}),

domains as (select * from {{ ref('domains') }}),

domain_scores as (select * from {{ ref('int_domain_scores') }}),

scored_years as (
    select distinct
        definition_id,
        financial_year
    from domain_scores
),

frame as (
    select
        definitions.definition_id,
        definitions.outcome_aggregation,
        definitions.min_domain_coverage,
        definitions.min_domain_measures,
        council_years.financial_year,
        council_years.area_code,
        domain_weights.domain_id,
        domain_weights.weight,
        domains.domain_name,
        domains.display_order
    from definitions
    inner join scored_years on definitions.definition_id = scored_years.definition_id
    inner join council_years on scored_years.financial_year = council_years.financial_year and council_years.is_rankable
    inner join domain_weights on definitions.weight_set = domain_weights.weight_set
    inner join domains on domain_weights.domain_id = domains.domain_id
    where domain_weights.weight > 0
),

aggregated as (
    select
        frame.definition_id,
        frame.financial_year,
        frame.area_code,
        sum(frame.weight * coalesce(domain_scores.coverage, 0)) / sum(frame.weight) as coverage,
        count(*) = count(domain_scores.domain_score) as has_every_domain,
        string_agg(
            frame.domain_name || ' has ' || coalesce(domain_scores.measures_with_value, 0)
            || ' of ' || coalesce(domain_scores.measures_in_force, 0) || ' measures ('
            || cast(round(100 * coalesce(domain_scores.coverage, 0)) as integer) || ' % of the weight; '
            || cast(round(100 * frame.min_domain_coverage) as integer) || ' % and '
            || frame.min_domain_measures || ' measures needed)',
            ', ' order by frame.display_order
        ) filter (domain_scores.domain_score is null) as missing_domains,
        {{ weighted_mean('domain_scores.domain_score', 'frame.weight', 'any_value(frame.outcome_aggregation)') }}
            as weighted_mean_score
    from frame
    left join domain_scores
        on
            frame.definition_id = domain_scores.definition_id
            and frame.financial_year = domain_scores.financial_year
            and frame.area_code = domain_scores.area_code
            and frame.domain_id = domain_scores.domain_id
    group by frame.definition_id, frame.financial_year, frame.area_code
),

final as (
    select
        definition_id,
        financial_year,
        area_code,
        coverage,
        missing_domains,
        case when has_every_domain then weighted_mean_score end as outcome_score
    from aggregated
)

select * from final
