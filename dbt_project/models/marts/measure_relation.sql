-- How the figures of a measure stand to each other, by year: to the year before, to England's, to other measures. Wrong figures that look
-- plausible one by one (a column exchanged, a polarity turned, another year's numbers, a tenth of everything) show here.
with

measure_values as (
    select v.*
    from {{ ref('fct_measure_value') }} as v
    inner join {{ ref('int_council_years') }} as c
        on v.financial_year = c.financial_year and v.area_code = c.area_code and c.is_rankable
    where v.value is not null and v.value_basis != 'carried_forward'
),

council_years as (select * from {{ ref('int_council_years') }}),

breaks as (select * from {{ ref('dim_break') }}),

spreads as (
    select
        financial_year,
        measure_id,
        count(*) as councils,
        count(distinct value) as distinct_values,
        count(*) filter (value = 0) as zeros,
        min(value) as lowest,
        avg(value) as mean,
        median(value) as median,
        max(value) as highest,
        stddev_samp(value) as standard_deviation,
        any_value(england_value) as england_value
    from measure_values
    group by financial_year, measure_id
),

-- the same council over the same area, this year and the year before
paired as (
    select
        this_year.financial_year,
        this_year.measure_id,
        last_year.measure_id as measure_id_before,
        this_year.value as value_now,
        last_year.value as value_before,
        rank() over (partition by this_year.financial_year, this_year.measure_id, last_year.measure_id order by this_year.value)
            as place_now,
        rank() over (partition by this_year.financial_year, this_year.measure_id, last_year.measure_id order by last_year.value)
            as place_before
    from measure_values as this_year
    inner join council_years as now
        on this_year.financial_year = now.financial_year and this_year.area_code = now.area_code
    inner join council_years as before
        on now.previous_financial_year = before.financial_year and now.continuity_code = before.continuity_code
    inner join measure_values as last_year
        on before.financial_year = last_year.financial_year and before.area_code = last_year.area_code
),

compared as (
    select
        financial_year,
        measure_id,
        measure_id_before,
        count(*) as councils_compared,
        corr(place_now, place_before) as rank_correlation,
        avg(case when value_now = value_before then 1.0 else 0.0 end) as share_unchanged,
        median(value_now) - median(value_before) as change_of_median,
        median(value_now) / nullif(median(value_before), 0) as ratio_of_medians,
        stddev_samp(value_before) as standard_deviation_before
    from paired
    group by financial_year, measure_id, measure_id_before
),

-- columns of two measures that are one another's, cell by cell; a survey for all ages is one column in two domains, and that is meant
equal as (
    select
        one.financial_year,
        one.measure_id,
        avg(case when one.value = other.value then 1.0 else 0.0 end) as share_equal
    from measure_values as one
    inner join measure_values as other
        on
            one.financial_year = other.financial_year and one.area_code = other.area_code and one.measure_id != other.measure_id
            and one.figure_id != other.figure_id
    group by one.financial_year, one.measure_id, other.measure_id
    having count(*) >= 30
),

copied as (
    select
        financial_year,
        measure_id,
        max(share_equal) as share_equal_to_another
    from equal
    group by financial_year, measure_id
),

most_alike as (
    select * from compared
    where measure_id != measure_id_before and councils_compared >= 30
    qualify row_number() over (
        partition by financial_year, measure_id order by rank_correlation desc nulls last, measure_id_before asc
    ) = 1
),

final as (
    select
        spreads.financial_year,
        spreads.measure_id,
        spreads.councils,
        spreads.distinct_values,
        spreads.zeros,
        own.councils_compared,
        exists(
            select 1 from breaks
            where
                breaks.measure_id = spreads.measure_id and breaks.first_year_after = spreads.financial_year
        ) as is_broken,
        own.rank_correlation,
        other.rank_correlation as rank_correlation_with_another,
        other.measure_id_before as measure_most_alike,
        own.share_unchanged,
        own.change_of_median / nullif(own.standard_deviation_before, 0) as change_in_standard_deviations,
        own.ratio_of_medians,
        spreads.standard_deviation / nullif(own.standard_deviation_before, 0) as ratio_of_standard_deviations,
        (spreads.england_value - spreads.mean) / nullif(spreads.standard_deviation, 0) as england_in_standard_deviations,
        spreads.england_value between spreads.lowest and spreads.highest as is_england_inside,
        copied.share_equal_to_another
    from spreads
    left join compared as own
        on
            spreads.financial_year = own.financial_year
            and spreads.measure_id = own.measure_id
            and own.measure_id = own.measure_id_before
    left join most_alike as other
        on spreads.financial_year = other.financial_year and spreads.measure_id = other.measure_id
    left join copied
        on spreads.financial_year = copied.financial_year and spreads.measure_id = copied.measure_id
)

select * from final
order by financial_year, measure_id
