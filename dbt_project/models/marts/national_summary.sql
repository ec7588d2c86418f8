-- Facts about England, one row for each fact and year, each saying whether it was published or is our sum.
with

council_years as (select * from {{ ref('int_council_years') }}),

spend as (select * from {{ ref('int_national_spend') }}),

outcomes as (select * from {{ ref('int_national_outcomes') }}),

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
    where council_years.financial_year in (select s.financial_year from {{ ref('int_council_spend') }} as s)
    group by council_years.financial_year
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
    select * from spend
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
