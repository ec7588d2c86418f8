-- Productivity over the definition's window of years, ranked within the year; rank 1 is best, ties share a rank, no gaps.
-- Ranks are of productivity rounded to 1e-9: councils with the same score are not told apart by the last bits of a sum.
-- A year is ranked only where the share `min_year_coverage` of rankable councils has an outcome score, and as many have a
-- productivity.
with

annual as (select * from {{ ref('int_annual_productivity') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

net as (
    select * from {{ ref('int_council_spend') }}
    where spend_basis = 'total_net'
),

-- Three years in a row of the same council over the same area; one missing year and there is no mean.
windowed as (
    select
        this_year.definition_id,
        this_year.financial_year,
        this_year.area_code,
        case definitions.window_years
            when 1 then this_year.outcome_score
            else (this_year.outcome_score + one_back.outcome_score + two_back.outcome_score) / 3
        end as outcome_score,
        case definitions.window_years
            when 1 then this_year.spend_index
            else (this_year.spend_index + one_back.spend_index + two_back.spend_index) / 3
        end as spend_index,
        case definitions.window_years
            when 1 then this_year.productivity
            else (this_year.productivity + one_back.productivity + two_back.productivity) / 3
        end as productivity,
        -- least squares through three equally spaced years: half the difference of the ends
        case definitions.window_years
            when 3 then
                case
                    when one_back.productivity is not null
                        then (this_year.productivity - two_back.productivity) / 2
                end
        end as productivity_slope,
        -- a window inherits the doubts of its years
        case definitions.window_years
            when 1 then this_year.is_spend_withheld
            else
                this_year.is_spend_withheld or coalesce(one_back.is_spend_withheld, false)
                or coalesce(two_back.is_spend_withheld, false)
        end as is_spend_withheld,
        case definitions.window_years
            when 1 then this_year.spend_doubt
            else
                nullif(concat_ws(
                    '. ', this_year.spend_doubt,
                    one_back.financial_year || ': ' || one_back.spend_doubt,
                    two_back.financial_year || ': ' || two_back.spend_doubt
                ), '')
        end as spend_doubt
    from annual as this_year
    inner join definitions on this_year.definition_id = definitions.definition_id
    left join annual as one_back
        on
            definitions.window_years = 3
            and this_year.definition_id = one_back.definition_id
            and this_year.previous_financial_year = one_back.financial_year
            and this_year.continuity_code = one_back.continuity_code
    left join annual as two_back
        on
            one_back.definition_id = two_back.definition_id
            and one_back.previous_financial_year = two_back.financial_year
            and one_back.continuity_code = two_back.continuity_code
),

joined as (
    select
        annual.definition_id,
        definitions.window_years,
        annual.financial_year,
        annual.previous_financial_year,
        annual.area_code,
        annual.continuity_code,
        annual.exclusion_reason,
        annual.coverage,
        annual.missing_domains,
        annual.spend_per_adult_gbp,
        net.spend_gbp as net_spend_gbp,
        annual.england_spend_per_adult_gbp,
        annual.is_spend_modelled,
        windowed.is_spend_withheld,
        windowed.spend_doubt,
        annual.outcome_score as annual_outcome_score,
        annual.productivity as annual_productivity,
        annual.spend_index as annual_spend_index,
        windowed.outcome_score,
        windowed.spend_index,
        windowed.productivity,
        windowed.productivity_slope,
        count(annual.outcome_score) filter (annual.exclusion_reason is null) over year as councils_with_outcome,
        count(windowed.productivity) filter (annual.exclusion_reason is null) over year as councils_with_productivity,
        count(*) filter (annual.exclusion_reason is null) over year as rankable_councils,
        definitions.min_year_coverage
    from annual
    inner join definitions on annual.definition_id = definitions.definition_id
    left join net on annual.financial_year = net.financial_year and annual.area_code = net.area_code
    inner join windowed
        on
            annual.definition_id = windowed.definition_id
            and annual.financial_year = windowed.financial_year
            and annual.area_code = windowed.area_code
    window year as (partition by annual.definition_id, annual.financial_year)
),

explained as (
    select
        *,
        case
            when exclusion_reason is not null then exclusion_reason
            when councils_with_outcome < min_year_coverage * rankable_councils
                then
                    'The year is not ranked: ' || councils_with_outcome || ' of ' || rankable_councils
                    || ' councils have enough measures'
            when councils_with_productivity < min_year_coverage * rankable_councils and window_years = 3
                then
                    'The year is not ranked: ' || councils_with_productivity || ' of ' || rankable_councils
                    || ' councils have three years in a row'
            when councils_with_productivity < min_year_coverage * rankable_councils
                then
                    'The year is not ranked: ' || councils_with_productivity || ' of ' || rankable_councils
                    || ' councils have spend on this basis'
            when annual_outcome_score is null then 'Too few measures: ' || missing_domains
            when is_spend_withheld then 'Spend is doubtful and withheld from this ranking. ' || spend_doubt
            when productivity is null and window_years = 3
                then 'The council does not have three years in a row with outcomes and spend over the same area'
            when productivity is null and spend_per_adult_gbp is null and net_spend_gbp is null
                then 'No net current expenditure was published for the council'
            when productivity is null and spend_per_adult_gbp is null
                then 'No population of the council is held'
            when productivity is null then 'No positive spend on this basis was published or can be modelled for the council'
        end as unranked_reason
    from joined
),

final as (
    select
        *,
        case when unranked_reason is null then dense_rank() over (
            partition by definition_id, financial_year, unranked_reason is null order by round(productivity, 9) desc
        ) end as rank,
        unranked_reason is null and count(*) over (
            partition by definition_id, financial_year, unranked_reason is null, round(productivity, 9)
        ) > 1 as is_tied
    from explained
)

select * from final
