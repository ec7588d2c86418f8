-- How far chance may have carried each value of each measure.
select
    financial_year,
    area_code,
    measure_id,
    value,
    method,
    is_default,
    base,
    base_year,
    lower_95,
    upper_95,
    sampling_standard_error,
    carried_standard_error,
    standard_error,
    margin_figure_id
from {{ ref('int_value_uncertainty') }}
order by financial_year, area_code, measure_id
