-- How councils' spend stands to the year before, by basis: a column exchanged, another year's numbers, a tenth of everything show here.
-- Over councils with spend of the same area in both years.
with

spend as (
    select * from {{ ref('fct_council_spend') }}
    where domain_id = 'all' and spend_gbp > 0
),

council_years as (select * from {{ ref('int_council_years') }}),

paired as (
    select
        this_year.financial_year,
        this_year.spend_basis,
        this_year.spend_gbp as now_gbp,
        last_year.spend_gbp as before_gbp,
        rank() over (partition by this_year.financial_year, this_year.spend_basis order by this_year.spend_gbp) as place_now,
        rank() over (partition by this_year.financial_year, this_year.spend_basis order by last_year.spend_gbp) as place_before
    from spend as this_year
    inner join council_years as now
        on this_year.financial_year = now.financial_year and this_year.area_code = now.area_code
    inner join council_years as before
        on now.previous_financial_year = before.financial_year and now.continuity_code = before.continuity_code
    inner join spend as last_year
        on
            before.financial_year = last_year.financial_year
            and before.area_code = last_year.area_code
            and this_year.spend_basis = last_year.spend_basis
),

final as (
    select
        financial_year,
        spend_basis,
        count(*) as councils_compared,
        corr(place_now, place_before) as rank_correlation,
        avg(case when now_gbp = before_gbp then 1.0 else 0.0 end) as share_unchanged,
        100 * (sum(now_gbp) / sum(before_gbp) - 1) as change_of_sum_pct,
        100 * (median(now_gbp / before_gbp) - 1) as median_change_pct
    from paired
    group by financial_year, spend_basis
)

select * from final
order by financial_year, spend_basis
