-- Whether a column slipped by a row: councils' values beside those that the councils one and two rows away, in order of code, had before.
with

published as (select * from {{ ref('int_published_values') }}),

placed as (
    select
        this_year.financial_year,
        this_year.measure_id,
        row_number() over (partition by this_year.financial_year, this_year.measure_id order by this_year.area_code) as line,
        rank() over (partition by this_year.financial_year, this_year.measure_id order by this_year.value) as place_now,
        rank() over (partition by this_year.financial_year, this_year.measure_id order by last_year.value) as place_before
    from published as this_year
    inner join {{ ref('int_measure_comparisons') }} as own
        on
            this_year.financial_year = own.financial_year
            and this_year.measure_id = own.measure_id
            and own.measure_id = own.measure_id_before
    inner join published as last_year
        on
            own.year_before = last_year.financial_year
            and this_year.measure_id = last_year.measure_id
            and this_year.continuity_code = last_year.continuity_code
),

moved as (
    select
        one.financial_year,
        one.measure_id,
        corr(one.place_now, other.place_before) as rank_correlation
    from placed as one
    inner join placed as other
        on
            one.financial_year = other.financial_year
            and one.measure_id = other.measure_id
            and abs(other.line - one.line) in (1, 2)
    group by one.financial_year, one.measure_id, other.line - one.line
)

select
    financial_year,
    measure_id,
    max(rank_correlation) as rank_correlation
from moved
group by financial_year, measure_id
