-- How the councils' values of a measure stand to those of an earlier year, of the same measure and of each other one: year_before is the last
-- in which most councils had a value, up to three back, because a survey is taken every other year, or was voluntary once.
with

published as (select * from {{ ref('int_published_values') }}),

measure_years as (
    select
        financial_year,
        measure_id,
        any_value(mid_year) as mid_year,
        count(*) as councils
    from published
    group by financial_year, measure_id
),

previous as (
    select
        now.financial_year,
        now.measure_id,
        before.financial_year as year_before
    from measure_years as now
    inner join measure_years as before
        on now.measure_id = before.measure_id and before.councils >= 100 and now.mid_year - before.mid_year between 1 and 3
    qualify row_number() over (partition by now.financial_year, now.measure_id order by before.financial_year desc) = 1
),

-- the same council over the same area, in both years
paired as (
    select
        this_year.financial_year,
        previous.year_before,
        this_year.measure_id,
        last_year.measure_id as measure_id_before,
        this_year.value as value_now,
        last_year.value as value_before,
        rank() over (partition by this_year.financial_year, this_year.measure_id, last_year.measure_id order by this_year.value)
            as place_now,
        rank() over (partition by this_year.financial_year, this_year.measure_id, last_year.measure_id order by last_year.value)
            as place_before
    from published as this_year
    inner join previous on this_year.financial_year = previous.financial_year and this_year.measure_id = previous.measure_id
    inner join published as last_year
        on previous.year_before = last_year.financial_year and this_year.continuity_code = last_year.continuity_code
)

select
    financial_year,
    year_before,
    measure_id,
    measure_id_before,
    count(*) as councils_compared,
    corr(place_now, place_before) as rank_correlation,
    avg(case when value_now = value_before then 1.0 else 0.0 end) as share_unchanged,
    median(value_now) - median(value_before) as change_of_median,
    median(value_now) / nullif(median(value_before), 0) as ratio_of_medians,
    stddev_samp(value_before) as standard_deviation_before
from paired
group by financial_year, year_before, measure_id, measure_id_before
