-- Facts about England, one row for each fact and year, each saying whether it was published or is our sum.
with

council_years as (select * from {{ ref('int_council_years') }}),

net as (select * from {{ ref('stg_net_current_expenditure') }}),

gross as (select * from {{ ref('stg_gross_current_expenditure') }}),

delayed as (select * from {{ ref('stg_delayed_days') }}),

figures as (select * from {{ ref('stg_figures') }}),

spend as (
    select * from {{ ref('int_council_spend') }}
    where spend_basis = 'total_net'
),

england as (select * from {{ ref('int_england_values') }}),

measures as (select * from {{ ref('measures') }}),

ranking as (select * from {{ ref('productivity_ranking') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

opportunity as (select * from {{ ref('fct_opportunity') }}),

councils_in_force as (
    select
        council_years.financial_year,
        'councils_in_force' as fact_id,
        'Councils with adult social care duties' as fact,
        count(*) as value,
        'count' as unit,
        'code changes' as basis,
        count(*) as councils
    from council_years
    where council_years.financial_year in (select s.financial_year from spend as s)
    group by council_years.financial_year
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

ranked as (
    select
        ranking.financial_year,
        'councils_ranked_' || ranking.definition_id as fact_id,
        'Councils ranked: ' || any_value(definitions.definition_name) as fact,
        count(ranking.rank) as value,
        'count' as unit,
        'this index' as basis,
        count(*) as councils
    from ranking
    inner join definitions on ranking.definition_id = definitions.definition_id
    group by ranking.financial_year, ranking.definition_id
),

kept as (
    select
        ranking.financial_year,
        'kept_top_ten_' || ranking.definition_id as fact_id,
        'Of last year''s top ten, in it again: ' || any_value(definitions.definition_name) as fact,
        count(*) filter (ranking.kept_top_ten) as value,
        'count' as unit,
        'this index' as basis,
        count(*) filter (ranking.rank <= 10) as councils
    from ranking
    inner join definitions on ranking.definition_id = definitions.definition_id
    group by ranking.financial_year, ranking.definition_id
    having count(ranking.rank) > 0 and count(ranking.previous_rank) > 0
),

opportunities as (
    select
        opportunity.financial_year,
        'opportunity_' || opportunity.definition_id as fact_id,
        'Spend that would buy the same outcomes at the productivity of peers'' upper quartile, less: '
        || any_value(definitions.definition_name) as fact,
        sum(opportunity.opportunity_gbp) as value,
        'gbp' as unit,
        'this index; the authors of the original claimed GBP 3 billion a year by a method they did not publish'
            as basis,
        count(*) as councils
    from opportunity
    inner join definitions on opportunity.definition_id = definitions.definition_id
    group by opportunity.financial_year, opportunity.definition_id
),

united as (
    select * from councils_in_force
    union all
    select * from net_expenditure
    union all
    select * from net_expenditure_of_england
    union all
    select * from gross_expenditure
    union all
    select * from delayed_days
    union all
    select * from reablement_facts
    union all
    select * from spend_per_adult
    union all
    select * from outcomes
    union all
    select * from ranked
    union all
    select * from kept
    union all
    select * from opportunities
),

final as (
    select
        financial_year,
        fact_id,
        fact,
        cast(value as double) as value,
        unit,
        basis,
        cast(councils as bigint) as councils
    from united
)

select * from final
order by financial_year, fact_id
