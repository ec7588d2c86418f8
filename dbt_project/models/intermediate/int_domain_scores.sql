-- Weighted mean of the scores a council has, if they are enough measures and carry enough of the domain's weight in force that year.
with

scores as (select * from {{ ref('int_measure_scores') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

aggregated as (
    select
        scores.definition_id,
        scores.financial_year,
        scores.area_code,
        scores.domain_id,
        count(scores.score) as measures_with_value,
        count(*) as measures_in_force,
        coalesce(sum(scores.weight) filter (scores.score is not null), 0) / sum(scores.weight) as coverage,
        any_value(definitions.min_domain_coverage) as min_domain_coverage,
        any_value(definitions.min_domain_measures) as min_domain_measures,
        {{ weighted_mean('scores.score', 'scores.weight', 'any_value(definitions.domain_aggregation)') }}
            as weighted_mean_score
    from scores
    inner join definitions on scores.definition_id = definitions.definition_id
    group by scores.definition_id, scores.financial_year, scores.area_code, scores.domain_id
),

final as (
    select
        definition_id,
        financial_year,
        area_code,
        domain_id,
        measures_with_value,
        measures_in_force,
        coverage,
        -- 1e-9: sums of weights such as 0.1 are not exact in binary
        case
            when coverage >= min_domain_coverage - 1e-9 and measures_with_value >= min_domain_measures
                then weighted_mean_score
        end as domain_score
    from aggregated
)

select * from final
