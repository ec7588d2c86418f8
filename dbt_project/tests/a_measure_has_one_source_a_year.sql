-- Two sources for one measure and year would double its rows.
select
    measure_sources.measure_id,
    years.financial_year,
    count(*) as sources
from {{ ref('measure_sources') }} as measure_sources
inner join {{ ref('financial_years') }} as years
    on years.financial_year between measure_sources.first_year and measure_sources.last_year
group by measure_sources.measure_id, years.financial_year
having count(*) > 1
