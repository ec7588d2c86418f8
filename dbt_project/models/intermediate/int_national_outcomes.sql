-- Outcomes and delayed days of England, one row for each fact and year, and how far councils differ in short-term support.
with

delayed as (select * from {{ ref('stg_delayed_days') }}),

figures as (select * from {{ ref('stg_figures') }}),

england as (select * from {{ ref('int_england_values') }}),

measures as (select * from {{ ref('measures') }}),

delayed_days as (
    select
        financial_year,
        'delayed_days_' || organisation as fact_id,
        'Delayed transfer days attributable to: ' || replace(organisation, '_', ' ')
        || case
            when count(distinct month) < 12
                then ' (' || count(distinct month) || ' months held)'
            else ''
        end as fact,
        sum(delayed_days) as value,
        'days' as unit,
        'published for England, months added up' as basis,
        max(councils) as councils
    from (
        select
            *,
            count(distinct area_code) filter (starts_with(area_code, 'E') and area_code != 'E92000001')
                over (partition by financial_year, month) as councils
        from delayed
    ) as months
    where area_code = 'E92000001'
    group by financial_year, organisation
),

reablement as (
    select
        financial_year,
        value,
        area_code
    from figures
    where framework = 'salt' and item = 'st_max_completed_per_100k'
),

reablement_facts as (
    select
        financial_year,
        'reablement_per_100k_england' as fact_id,
        'Completed short-term support to maximise independence per 100,000 adults, England' as fact,
        max(value) as value,
        'per_100k' as unit,
        'published for England' as basis,
        count(*) as councils
    from reablement
    where area_code = 'E92000001'
    group by financial_year
    union all
    select
        financial_year,
        'reablement_per_100k_lowest' as fact_id,
        'The same: the lowest council' as fact,
        min(value) as value,
        'per_100k' as unit,
        'published for councils' as basis,
        count(value) as councils
    from reablement
    where area_code != 'E92000001'
    group by financial_year
    union all
    select
        financial_year,
        'reablement_per_100k_highest' as fact_id,
        'The same: the highest council' as fact,
        max(value) as value,
        'per_100k' as unit,
        'published for councils' as basis,
        count(value) as councils
    from reablement
    where area_code != 'E92000001'
    group by financial_year
    union all
    select
        financial_year,
        'reablement_per_100k_average' as fact_id,
        'The same: the average of councils' as fact,
        avg(value) as value,
        'per_100k' as unit,
        'published for councils, averaged' as basis,
        count(value) as councils
    from reablement
    where area_code != 'E92000001'
    group by financial_year
    union all
    select
        financial_year,
        'reablement_per_100k_ratio' as fact_id,
        'The same: how many times the lowest the highest is' as fact,
        max(value) / nullif(min(value), 0) as value,
        'times' as unit,
        'published for councils, divided' as basis,
        count(value) as councils
    from reablement
    where area_code != 'E92000001'
    group by financial_year
),

outcomes as (
    select
        england.financial_year,
        'measure_' || england.measure_id as fact_id,
        measures.measure_name as fact,
        england.england_value as value,
        measures.unit,
        'published for England' as basis,
        cast(null as bigint) as councils
    from england
    inner join measures on england.measure_id = measures.measure_id
),

final as (
    select * from delayed_days
    union all
    select * from reablement_facts
    union all
    select * from outcomes
)

select * from final
