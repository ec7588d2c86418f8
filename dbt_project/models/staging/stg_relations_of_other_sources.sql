-- What publications of the health service, of clients and of population state twice: organisations and months beside their sums, parts beside
-- wholes, rates beside their intervals and counts, councils beside England.
with

figures as (select * from {{ ref('stg_all_figures') }}),

delayed_days as (
    select
        'delayed days of organisations add up' as relation,
        source,
        edition,
        any_value(financial_year) as financial_year,
        area_code,
        'delayed_days ' || period as item,
        max(value) filter (breakdown = 'total') as stated,
        sum(value) filter (breakdown != 'total') as worked,
        0.5 as allowed
    from figures
    where framework = 'delayed_transfers'
    group by source, edition, area_code, period
    having count(value) = 4
),

discharges as (
    select
        source,
        edition,
        financial_year,
        area_code,
        max(value) filter (item = 'delay_days') as delay_days,
        sum(value) filter (item = 'delay_days_in_month') as delay_days_in_months,
        max(value) filter (item = 'discharges') as discharges,
        sum(value) filter (item = 'discharges_in_month') as discharges_in_months,
        max(value) filter (item = 'delayed_discharges') as delayed_discharges,
        sum(value) filter (item = 'delayed_discharges_in_month') as delayed_discharges_in_months
    from figures
    where framework = 'discharge_ready_date'
    group by all
),

months as (
    select
        'months add up to the year' as relation,
        source,
        edition,
        financial_year,
        area_code,
        unnest(['delay_days', 'discharges', 'delayed_discharges']) as item,
        unnest([delay_days, discharges, delayed_discharges]) as stated,
        unnest([delay_days_in_months, discharges_in_months, delayed_discharges_in_months]) as worked,
        0.5 as allowed
    from discharges
    union all
    select
        'delayed discharges are among the discharges' as relation,
        source,
        edition,
        financial_year,
        area_code,
        'delayed_discharges' as item,
        delayed_discharges as stated,
        least(delayed_discharges, discharges) as worked,
        0.5 as allowed
    from discharges
),

clients as (
    select
        'clients in the community are among the clients' as relation,
        source,
        edition,
        financial_year,
        area_code,
        'long_term_clients_in_community' as item,
        max(value) filter (item = 'long_term_clients_in_community') as stated,
        least(
            max(value) filter (item = 'long_term_clients_in_community'), max(value) filter (item = 'long_term_clients')
        ) as worked,
        0.5 as allowed
    from figures
    where framework = 'salt'
    group by source, edition, financial_year, area_code
),

admissions as (
    select
        source,
        edition,
        financial_year,
        area_code,
        max(value) filter (item = 'chronic_acsc_admissions') as rate,
        max(value) filter (item = 'chronic_acsc_admissions_lower_95') as lower_95,
        max(value) filter (item = 'chronic_acsc_admissions_upper_95') as upper_95,
        max(value) filter (item = 'chronic_acsc_admissions_count') as admissions
    from figures
    where framework = 'nhs_outcomes_framework'
    group by all
),

intervals as (
    select
        'a rate lies within its interval' as relation,
        source,
        edition,
        financial_year,
        area_code,
        'chronic_acsc_admissions' as item,
        rate as stated,
        greatest(least(rate, upper_95), lower_95) as worked,
        0.06 as allowed
    from admissions
    union all
    -- of a count that is Poisson: 2 x 1.96 over the root of the count, and more for small counts and standardised ages
    select
        'the width of an interval is that of its count' as relation,
        source,
        edition,
        financial_year,
        area_code,
        'chronic_acsc_admissions_count' as item,
        (upper_95 - lower_95) / rate * sqrt(admissions) as stated,
        3.92 as worked,
        0.6 as allowed
    from admissions
    where rate > 0 and admissions > 0
),

england as (
    select
        'councils add up to England' as relation,
        source,
        edition,
        financial_year,
        'E92000001' as area_code,
        concat_ws(' ', framework, item, breakdown, period) as item,
        max(value) filter (area_code = 'E92000001') as stated,
        sum(value) filter (area_code != 'E92000001') as worked,
        5 as allowed
    from figures
    where framework = 'mid_year_estimates' and (area_code = 'E92000001' or regexp_matches(area_code, '^E(06|08|09|10)'))
    group by source, edition, framework, financial_year, item, breakdown, period
    having count(value) = count(*)
),

final as (
    select * from delayed_days
    union all
    select * from months
    union all
    select * from clients
    union all
    select * from intervals
    union all
    select * from england
)

select * from final
