-- How many measures of a weight set rest on the same published figures in a year: a survey that is not split by age serves a measure
-- of older people and one of those aged 18 to 64, and is to count once in the outcome.
with

measure_sources as (select * from {{ ref('measure_sources') }}),

years as (select * from {{ ref('financial_years') }}),

weights as (
    select * from {{ ref('stg_measure_weights') }}
    where weight > 0
),

final as (
    select
        weights.weight_set,
        years.financial_year,
        measure_sources.measure_id,
        count(*) over (
            partition by
                weights.weight_set, years.financial_year, measure_sources.framework, measure_sources.item,
                measure_sources.breakdown, measure_sources.denominator_item
        ) as measures_of_the_source
    from measure_sources
    inner join years
        on years.financial_year between measure_sources.first_year and coalesce(measure_sources.last_year, '9999-00')
    inner join weights on measure_sources.measure_id = weights.measure_id
)

select * from final
