-- How much of a year's weight compares with the year before: measures in force in both, with no break of levels between.
-- comparable_weight is the smaller share of the two years. Below the definition's minimum, movement of ranks is not shown.
with

shares as (select * from {{ ref('int_measure_shares') }}),

years as (select * from {{ ref('financial_years') }}),

breaks as (
    select * from {{ ref('breaks') }}
    where breaks_levels
),

definitions as (select * from {{ ref('stg_definitions') }}),

with_previous as (
    select
        shares.*,
        years.previous_financial_year
    from shares
    inner join years on shares.financial_year = years.financial_year
),

scored_years as (
    select distinct
        definition_id,
        financial_year
    from shares
),

paired as (
    select
        coalesce(this_year.definition_id, last_year.definition_id) as definition_id,
        coalesce(this_year.financial_year, next_years.financial_year) as financial_year,
        coalesce(this_year.measure_id, last_year.measure_id) as measure_id,
        coalesce(this_year.share, 0) as share_this_year,
        coalesce(last_year.share, 0) as share_last_year
    from with_previous as this_year
    full join shares as last_year
        on
            this_year.definition_id = last_year.definition_id
            and this_year.previous_financial_year = last_year.financial_year
            and this_year.measure_id = last_year.measure_id
    left join years as next_years on last_year.financial_year = next_years.previous_financial_year
),

judged as (
    select
        paired.*,
        case
            when paired.share_last_year = 0 then 'new'
            when paired.share_this_year = 0 then 'ended'
            when breaks.break_id is not null then 'broken'
            else 'comparable'
        end as status
    from paired
    inner join scored_years
        on paired.definition_id = scored_years.definition_id and paired.financial_year = scored_years.financial_year
    left join breaks on paired.measure_id = breaks.measure_id and paired.financial_year = breaks.first_year_after
),

summed as (
    select
        definition_id,
        financial_year,
        sum(share_last_year) as weight_last_year,
        least(
            coalesce(sum(share_this_year) filter (status = 'comparable'), 0),
            coalesce(sum(share_last_year) filter (status = 'comparable'), 0)
        ) as comparable_weight,
        string_agg(status || ': ' || measure_id, ', ' order by status, measure_id) filter (status != 'comparable')
            as changes
    from judged
    group by definition_id, financial_year
),

final as (
    select
        summed.definition_id,
        summed.financial_year,
        summed.comparable_weight,
        summed.comparable_weight >= definitions.min_comparable_weight - 1e-9 as is_movement_shown,
        case
            when summed.weight_last_year = 0 then 'There are no outcomes of the year before'
            when summed.comparable_weight < definitions.min_comparable_weight - 1e-9
                then
                    'Not compared with the year before: only '
                    || cast(round(100 * summed.comparable_weight) as integer)
                    || ' % of the weight compares (' || summed.changes || ')'
            when summed.changes is not null
                then
                    cast(round(100 * summed.comparable_weight) as integer)
                    || ' % of the weight compares with the year before (' || summed.changes || ')'
        end as movement_note
    from summed
    inner join definitions on summed.definition_id = definitions.definition_id
)

select * from final
