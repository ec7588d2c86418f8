-- Register of breaks: what changed, from which year on, for which measure.
select
    break_id,
    subject,
    case subject when 'population' then 'population' else coalesce(measure_id, 'all') end as measure_id,
    first_year_after,
    breaks_levels,
    what_changed
from {{ ref('breaks') }}
order by first_year_after, break_id, measure_id
