-- What England spends, one row for each fact and year: published for England, or the sum of councils.
with

net as (select * from {{ ref('stg_net_current_expenditure') }}),

gross as (select * from {{ ref('stg_gross_current_expenditure') }}),

spend as (
    select * from {{ ref('int_council_spend') }}
    where spend_basis = 'total_net'
),

net_expenditure as (
    select
        financial_year,
        'net_current_expenditure' as fact_id,
        'Adult social care net current expenditure' as fact,
        sum(net_current_expenditure_gbp) as value,
        'gbp' as unit,
        'sum of councils that published one' as basis,
        count(*) as councils
    from net
    group by financial_year
),

-- England's own figure, which includes estimates for councils that had not submitted: of the release that stands.
net_expenditure_of_england as (
    select
        financial_year,
        'net_current_expenditure_published' as fact_id,
        'Adult social care net current expenditure, England as published' as fact,
        net_current_expenditure_gbp as value,
        'gbp' as unit,
        'published for England: ' || edition as basis,
        cast(null as bigint) as councils
    from {{ ref('stg_outturn_releases') }}
    where area_code = 'E92000001' and superseded_by is null and net_current_expenditure_gbp is not null
    qualify row_number() over (partition by financial_year order by precedence) = 1
),

-- England's own total where the publication has one: some councils' totals are missing from the sum.
gross_expenditure as (
    select
        financial_year,
        'gross_current_expenditure' as fact_id,
        'Adult social care gross current expenditure' as fact,
        coalesce(
            sum(gross_current_expenditure_gbp) filter (
                item = 'gross_current_expenditure' and area_code = 'E92000001'
            ),
            -- every kind of care by council; a year of long-term care alone is not the whole
            case
                when count(*) filter (item = 'gross_current_expenditure_short_term' and area_code != 'E92000001') > 0
                    then
                        sum(gross_current_expenditure_gbp) filter (
                            item not in (
                                'gross_current_expenditure', 'gross_current_expenditure_equipment',
                                'gross_current_expenditure_series'
                            )
                            and area_code != 'E92000001'
                        )
            end,
            sum(gross_current_expenditure_gbp) filter (item = 'gross_current_expenditure_series')
        ) as value,
        'gbp' as unit,
        case
            when count(*) filter (item = 'gross_current_expenditure' and area_code = 'E92000001') > 0
                then 'published for England'
            when count(*) filter (item = 'gross_current_expenditure_short_term' and area_code != 'E92000001') > 0
                then 'sum of councils'
            else 'published for England as a series of years'
        end as basis,
        count(distinct area_code) filter (area_code != 'E92000001') as councils
    from gross
    group by financial_year
    having value is not null
),

spend_per_adult as (
    select
        financial_year,
        'spend_per_adult' as fact_id,
        'Net current expenditure per adult, councils with both figures' as fact,
        sum(spend_gbp) / sum(population) as value,
        'gbp' as unit,
        'sum of councils' as basis,
        count(*) as councils
    from spend
    where spend_per_head_gbp is not null
    group by financial_year
),

final as (
    select * from net_expenditure
    union all
    select * from net_expenditure_of_england
    union all
    select * from gross_expenditure
    union all
    select * from spend_per_adult
)

select * from final
