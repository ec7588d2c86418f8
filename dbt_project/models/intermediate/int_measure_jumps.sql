-- Values that moved far and came back, one row a test, council, year and measure.
-- measure_jump: far beyond all councils' changes, its own error and the spread of councils, and gone again in the next published year (or
-- there is none to compare with) and not shown by a second source. The year that changes back is not doubtful. measure_collapse: a small part of the
-- value before and back again, which among low values is no large step: a nought for a mark, a fraction for a percentage.
with

changes as (select * from {{ ref('int_measure_changes') }}),

tests as (
    select
        max(threshold) filter (test_id = 'measure_jump') as jump,
        max(threshold) filter (test_id = 'measure_spread') as spread,
        max(threshold) filter (test_id = 'measure_collapse') as collapse,
        max(threshold) filter (test_id = 'measure_returned') as returned,
        max(threshold) filter (test_id = 'measure_second_source') as second_source
    from {{ ref('doubt_tests') }}
),

far as (
    select
        changes.*,
        lead(changes.step) over council as next_step,
        coalesce(
            least(abs(changes.z), abs(changes.z_of_error)) >= tests.jump
            and abs(changes.step) >= tests.spread * changes.spread, false
        ) as is_far
    from changes
    cross join tests
    window council as (partition by changes.measure_id, changes.continuity_code order by changes.financial_year)
),

followed as (
    select
        *,
        lag(is_far) over council as last_was_far,
        lag(step) over council as last_step
    from far
    window council as (partition by measure_id, continuity_code order by financial_year)
),

-- Delayed transfers were published by month too: days of the year, in logarithms, against England's.
days as (
    select
        'delayed_days_' || case organisation when 'both' then 'joint' else organisation end as measure_id,
        financial_year,
        area_code,
        -- by month held: the last year ends in February
        ln(nullif(sum(delayed_days), 0) / count(distinct month)) as log_days
    from {{ ref('stg_delayed_days') }}
    group by organisation, financial_year, area_code
),

day_changes as (
    select
        followed.measure_id,
        followed.financial_year,
        followed.area_code,
        (these.log_days - those.log_days - (england_now.log_days - england_then.log_days))
        / nullif(ln(followed.value / nullif(followed.value_before, 0)), 0) as second_source_share
    from followed
    inner join days as these
        on
            followed.measure_id = these.measure_id
            and followed.financial_year = these.financial_year
            and followed.area_code = these.area_code
    inner join days as those
        on
            followed.measure_id = those.measure_id
            and followed.year_before = those.financial_year
            and followed.area_code = those.area_code
    inner join days as england_now
        on
            followed.measure_id = england_now.measure_id
            and followed.financial_year = england_now.financial_year
            and england_now.area_code = 'E92000001'
    inner join days as england_then
        on
            followed.measure_id = england_then.measure_id
            and followed.year_before = england_then.financial_year
            and england_then.area_code = 'E92000001'
    where followed.is_far and followed.value > 0
),

jumps as (
    select
        followed.measure_id,
        followed.financial_year,
        followed.area_code,
        followed.figure_id,
        'measure_jump' as test_id,
        'From ' || round(followed.value_before, 1) || ' to ' || round(followed.value, 1) || ' since '
        || followed.year_before || ': ' || printf('%.0f', abs(followed.z))
        || ' robust standard deviations of all councils'' changes, '
        || printf('%.0f', abs(followed.z_of_error)) || ' of its own declared error'
        || case
            when followed.next_step is null then '; there is no later value to compare with'
            else
                '; ' || printf('%.0f', -100 * followed.next_step / followed.step)
                || ' % of it was gone in the next published year'
        end as evidence
    from followed
    cross join tests
    left join day_changes
        on
            followed.measure_id = day_changes.measure_id
            and followed.financial_year = day_changes.financial_year
            and followed.area_code = day_changes.area_code
    where
        followed.is_far
        and (followed.next_step is null or -followed.next_step / followed.step >= tests.returned)
        and not coalesce(followed.last_was_far and followed.last_step * followed.step < 0, false)
        and not coalesce(day_changes.second_source_share >= tests.second_source, false)
),

collapses as (
    select
        followed.measure_id,
        followed.financial_year,
        followed.area_code,
        followed.figure_id,
        'measure_collapse' as test_id,
        'From ' || round(followed.value_before, 1) || ' to ' || round(followed.value, 1) || ' since '
        || followed.year_before || ', ' || printf('%.0f', abs(followed.z_of_error)) || ' of its own declared error'
        || case
            when followed.next_step is null then '; there is no later value to compare with'
            else '; it came back in the next published year'
        end as evidence
    from followed
    cross join tests
    where
        followed.value * tests.collapse <= followed.value_before
        and abs(followed.z_of_error) >= tests.jump
        and (followed.next_step is null or -followed.next_step / followed.step >= tests.returned)
),

final as (
    select * from jumps
    union all
    select * from collapses
)

select * from final
