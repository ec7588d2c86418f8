-- How the values of a measure lie among councils in a year: what one council's value is held against.
-- Of councils that can be ranked, withheld values left out; quantiles interpolate linearly between order statistics (type 7).
with

measure_values as (select * from {{ ref('fct_measure_value') }}),

council_years as (select * from {{ ref('int_council_years') }}),

final as (
    select
        measure_values.financial_year,
        measure_values.measure_id,
        count(*) as councils,
        min(measure_values.value) as lowest,
        quantile_cont(measure_values.value, 0.25) as lower_quartile,
        quantile_cont(measure_values.value, 0.5) as median,
        quantile_cont(measure_values.value, 0.75) as upper_quartile,
        max(measure_values.value) as highest,
        any_value(measure_values.england_value) as england_value
    from measure_values
    inner join council_years
        on
            measure_values.financial_year = council_years.financial_year
            and measure_values.area_code = council_years.area_code
            and council_years.is_rankable
    where measure_values.value is not null and not measure_values.is_withheld
    group by measure_values.financial_year, measure_values.measure_id
)

select * from final
order by financial_year, measure_id
