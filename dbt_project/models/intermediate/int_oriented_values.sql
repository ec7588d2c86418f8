-- Values of rankable councils turned so that higher is better, for each definition that uses the measure.
with

measure_values as (select * from {{ ref('int_measure_values') }}),

council_years as (select * from {{ ref('int_council_years') }}),

measures as (select * from {{ ref('measures') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

weights as (select * from {{ ref('stg_measure_weights') }}),

final as (
    select
        definitions.definition_id,
        measure_values.financial_year,
        measure_values.area_code,
        measure_values.measure_id,
        measures.domain_id,
        weights.weight,
        measure_values.value,
        measure_values.value * measures.polarity as oriented_value,
        measures.goalpost_worst * measures.polarity as oriented_worst,
        measures.goalpost_best * measures.polarity as oriented_best
    from measure_values
    inner join council_years
        on
            measure_values.financial_year = council_years.financial_year
            and measure_values.area_code = council_years.area_code
            and council_years.is_rankable
    inner join measures on measure_values.measure_id = measures.measure_id
    inner join weights on measure_values.measure_id = weights.measure_id and weights.weight > 0
    inner join definitions on weights.weight_set = definitions.weight_set
)

select * from final
