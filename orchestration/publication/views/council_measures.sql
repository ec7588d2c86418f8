-- One row for each year, council and measure, with names: value, England, polarity, and the score that the default definition gives it. A council's years share continuity_code.
select
    v.financial_year,
    v.area_code,
    c.continuity_code,
    c.area_name,
    c.region,
    m.domain_name,
    v.measure_id,
    m.measure_name,
    v.value,
    v.unit,
    v.breakdown,
    v.england_value,
    m.polarity,
    s.score,
    v.value_basis,
    v.value_year,
    coalesce(v.missing_reason, case when v.is_withheld then v.doubt end) as why_not_counted,
    v.figure_id
from marts.fct_measure_value as v
inner join marts.dim_council as c on v.area_code = c.area_code
inner join marts.dim_measure as m on v.measure_id = m.measure_id
left join marts.fct_measure_score as s
    on
        s.definition_id = 'default'
        and v.financial_year = s.financial_year
        and v.area_code = s.area_code
        and v.measure_id = s.measure_id
order by v.financial_year, c.area_name, m.domain_order, m.measure_name
