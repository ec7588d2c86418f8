-- Each value on the scale of the definition: winsorised, turned so that higher is better, normalised within the year.
select
    definition_id,
    financial_year,
    area_code,
    measure_id,
    domain_id,
    weight,
    value,
    winsorised_value,
    is_winsorised,
    is_withheld,
    score
from {{ ref('int_measure_scores') }}
order by definition_id, financial_year, area_code, measure_id
