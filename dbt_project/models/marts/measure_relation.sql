-- How the figures of a measure stand to each other, by year: to the last year that has them, to England's, to other measures. Wrong figures that look
-- plausible one by one (a column exchanged, a polarity turned, another year's numbers, a tenth of everything) show here.
with

measure_values as (
    select v.*
    from {{ ref('fct_measure_value') }} as v
    inner join {{ ref('int_council_years') }} as c
        on v.financial_year = c.financial_year and v.area_code = c.area_code and c.is_rankable
    where v.value is not null and v.value_basis != 'carried_forward'
),

breaks as (select * from {{ ref('dim_break') }}),

beside_the_middle as (
    select
        *,
        median(value) over (partition by financial_year, measure_id) as middle
    from measure_values
),

spreads as (
    select
        financial_year,
        measure_id,
        count(*) as councils,
        count(distinct value) as distinct_values,
        count(*) filter (value = 0) as zeros,
        avg(case when value < middle / 20 then 1.0 else 0.0 end) as share_far_below,
        min(value) as lowest,
        avg(value) as mean,
        median(value) as median,
        max(value) as highest,
        stddev_samp(value) as standard_deviation,
        any_value(england_value) as england_value
    from beside_the_middle
    group by financial_year, measure_id
),

compared as (select * from {{ ref('int_measure_comparisons') }}),

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
        spreads.share_far_below,
        own.year_before,
        own.councils_compared,
        exists(
            select 1 from breaks
            where
                breaks.measure_id = spreads.measure_id
                and breaks.first_year_after > own.year_before
                and breaks.first_year_after <= spreads.financial_year
        ) as is_broken,
        own.rank_correlation,
        other.rank_correlation as rank_correlation_with_another,
        other.measure_id_before as measure_most_alike,
        neighbours.rank_correlation as rank_correlation_with_neighbours,
        own.share_unchanged,
        own.change_of_median / nullif(own.standard_deviation_before, 0) as change_in_standard_deviations,
        own.ratio_of_medians,
        spreads.standard_deviation / nullif(own.standard_deviation_before, 0) as ratio_of_standard_deviations,
        (spreads.england_value - spreads.mean) / nullif(spreads.standard_deviation, 0) as england_in_standard_deviations,
        spreads.england_value between spreads.lowest and spreads.highest as is_england_inside,
        copied.share_equal_to_another,
        exchanged.gain_before + exchanged.gain_after as gain_if_exchanged,
        coalesce(exchanged.gain_before, exchanged.gain_after) as gain_if_exchanged_on_one_side
    from spreads
    inner join {{ ref('financial_years') }} as years on spreads.financial_year = years.financial_year
    left join {{ ref('int_measure_exchanges') }} as exchanged
        on spreads.measure_id = exchanged.measure_id and years.mid_year = exchanged.mid_year
    left join compared as own
        on
            spreads.financial_year = own.financial_year
            and spreads.measure_id = own.measure_id
            and own.measure_id = own.measure_id_before
    left join {{ ref('int_measure_neighbours') }} as neighbours
        on spreads.financial_year = neighbours.financial_year and spreads.measure_id = neighbours.measure_id
    left join most_alike as other
        on spreads.financial_year = other.financial_year and spreads.measure_id = other.measure_id
    left join copied
        on spreads.financial_year = copied.financial_year and spreads.measure_id = copied.measure_id
)

select * from final
order by financial_year, measure_id
