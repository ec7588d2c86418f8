-- Register of breaks: what changed, from which year on, for which measure.
select
    break_id,
    coalesce(measure_id, 'all') as measure_id,
    first_year_after,
    breaks_levels,
    what_changed
from {{ ref('breaks') }}
order by first_year_after, break_id, measure_id
