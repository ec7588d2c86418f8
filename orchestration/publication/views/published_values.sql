-- One row for each year, council and published value that the index reads: a value published for all ages is one row, whichever measures it stands for. A council's years share continuity_code.
select
    v.financial_year,
    v.area_code,
    c.continuity_code,
    c.area_name,
    c.region,
    regexp_replace(min(m.measure_name), ', (18-64|65\+) where split$', '') as value_name,
    v.breakdown,
    v.value,
    v.unit,
    v.england_value,
    v.value_year,
    list(v.measure_id order by m.domain_order, v.measure_id) as measure_ids,
    list(distinct m.domain_name order by m.domain_name) as domain_names,
    f.source,
    f.edition,
    f.framework,
    f.item,
    f.locator,
    v.figure_id
from marts.fct_measure_value as v
inner join marts.dim_council as c on v.area_code = c.area_code
inner join marts.dim_measure as m on v.measure_id = m.measure_id
inner join marts.fct_published_figure as f on v.figure_id = f.figure_id
group by all
order by v.financial_year, c.area_name, value_name, v.breakdown
