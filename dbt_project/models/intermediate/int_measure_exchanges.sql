-- What a measure's rank correlations with the years around would gain, were a year and the year before exchanged: the year between is nearer to
-- both than they are to each other, unless two of them stand in each other's place.
with

ranked as (
    select
        measure_id,
        continuity_code,
        mid_year,
        rank() over (partition by measure_id, mid_year order by value) as place
    from {{ ref('int_published_values') }}
),

apart as (
    select
        one.measure_id,
        one.mid_year as earlier,
        other.mid_year as later,
        corr(one.place, other.place) as rank_correlation
    from ranked as one
    inner join ranked as other
        on
            one.measure_id = other.measure_id
            and one.continuity_code = other.continuity_code
            and other.mid_year - one.mid_year in (1, 2)
    group by one.measure_id, one.mid_year, other.mid_year
    having count(*) >= 100
)

select
    pairs.measure_id,
    pairs.later as mid_year,
    before_skipped.rank_correlation - before.rank_correlation as gain_before,
    after_skipped.rank_correlation - after.rank_correlation as gain_after
from apart as pairs
left join apart as before
    on pairs.measure_id = before.measure_id and pairs.earlier = before.later and before.later - before.earlier = 1
left join apart as before_skipped
    on
        pairs.measure_id = before_skipped.measure_id
        and pairs.later = before_skipped.later
        and pairs.earlier - 1 = before_skipped.earlier
left join apart as after
    on pairs.measure_id = after.measure_id and pairs.later = after.earlier and after.later - after.earlier = 1
left join apart as after_skipped
    on
        pairs.measure_id = after_skipped.measure_id
        and pairs.earlier = after_skipped.earlier
        and pairs.later + 1 = after_skipped.later
where pairs.later - pairs.earlier = 1
