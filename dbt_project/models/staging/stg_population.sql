-- Residents by age band in the middle of a year, one row for each area and mid-year.
select
    area_code,
    cast(replace(period, 'mid-', '') as integer) as mid_year,
    max(value) filter (breakdown = '18_to_64') as population_18_to_64,
    max(value) filter (breakdown = '65_and_over') as population_65_and_over
from {{ ref('stg_figures') }}
where framework = 'mid_year_estimates' and item = 'population'
group by area_code, period
