-- Which code of which framework is a measure, in which years.
select
    measure_id,
    framework,
    item,
    breakdown,
    first_year,
    last_year,
    denominator_item,
    scale
from {{ ref('measure_sources') }}
order by measure_id, framework, item, breakdown, first_year
