-- Which year has which measure for how many councils, and on which basis.
with

measure_values as (select * from {{ ref('int_measure_values') }}),

council_years as (select * from {{ ref('int_council_years') }}),

measures as (select * from {{ ref('measures') }}),

final as (
    select
        measure_values.financial_year,
        measures.domain_id,
        measure_values.measure_id,
        any_value(measure_values.breakdown) as breakdown,
        max(measure_values.value_year) as value_year,
        max(measure_values.value_basis) as value_basis,
        count(measure_values.value) as councils_with_value,
        count(*) as councils_in_force
    from measure_values
    inner join council_years
        on
            measure_values.financial_year = council_years.financial_year
            and measure_values.area_code = council_years.area_code
    inner join measures on measure_values.measure_id = measures.measure_id
    group by measure_values.financial_year, measures.domain_id, measure_values.measure_id
)

select * from final
order by financial_year, domain_id, measure_id
