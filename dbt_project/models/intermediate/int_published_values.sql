-- Values that were published for the year itself, of councils that can be ranked: what is held against other years and other measures.
select
    measure_values.financial_year,
    years.mid_year,
    measure_values.measure_id,
    measure_values.area_code,
    council_years.continuity_code,
    measure_values.value,
    measure_values.figure_id
from {{ ref('int_measure_values') }} as measure_values
inner join {{ ref('int_council_years') }} as council_years
    on
        measure_values.financial_year = council_years.financial_year
        and measure_values.area_code = council_years.area_code
        and council_years.is_rankable
inner join {{ ref('financial_years') }} as years on measure_values.financial_year = years.financial_year
where measure_values.value is not null and measure_values.value_basis != 'carried_forward'
