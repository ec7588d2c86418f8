-- Outcome score ÷ spend index^k, ranked within the year; rank 1 is best, ties share a rank, ranks have no gaps.
-- A year is ranked only where enough rankable councils have an outcome score.
with

council_years as (select * from {{ ref('int_council_years') }}),

definitions as (select * from {{ ref('index_definitions') }}),

outcomes as (select * from {{ ref('int_outcome_scores') }}),

spend as (select * from {{ ref('int_spend_index') }}),

scored_years as (
    select
        definition_id,
        financial_year,
        count(outcome_score) as councils_with_outcome,
        count(*) as rankable_councils
    from outcomes
    group by definition_id, financial_year
),

frame as (
    select
        definitions.definition_id,
        definitions.k,
        definitions.spend_basis,
        council_years.financial_year,
        council_years.previous_financial_year,
        council_years.area_code,
        council_years.continuity_code,
        council_years.exclusion_reason,
        scored_years.councils_with_outcome,
        scored_years.rankable_councils,
        scored_years.councils_with_outcome
        >= definitions.min_year_coverage * scored_years.rankable_councils as is_ranked_year
    from definitions
    inner join scored_years on definitions.definition_id = scored_years.definition_id
    inner join council_years on scored_years.financial_year = council_years.financial_year
),

joined as (
    select
        frame.*,
        outcomes.outcome_score,
        outcomes.coverage,
        outcomes.missing_domains,
        spend.spend_per_adult_gbp,
        spend.england_spend_per_adult_gbp,
        spend.spend_index,
        coalesce(spend.is_spend_modelled, false) as is_spend_modelled,
        coalesce(spend.is_implausible_change, false) as is_implausible_change,
        -- power(0, 0) would be 1: with k = 0 a council without spend is ranked on outcomes alone, and that is meant
        case
            when frame.k = 0 then outcomes.outcome_score
            else outcomes.outcome_score / power(spend.spend_index, frame.k)
        end as productivity
    from frame
    left join outcomes
        on
            frame.definition_id = outcomes.definition_id
            and frame.financial_year = outcomes.financial_year
            and frame.area_code = outcomes.area_code
    left join spend
        on
            frame.financial_year = spend.financial_year
            and frame.area_code = spend.area_code
            and frame.spend_basis = spend.spend_basis
),

explained as (
    select
        *,
        case
            when exclusion_reason is not null then exclusion_reason
            when not is_ranked_year
                then
                    'The year is not ranked: ' || councils_with_outcome || ' of ' || rankable_councils
                    || ' councils have enough measures'
            when outcome_score is null then 'Too few measures: ' || missing_domains
            when productivity is null and spend_per_adult_gbp is null
                then 'No net current expenditure was published for the council, or no population is held'
            when productivity is null then 'Net current expenditure is not positive'
        end as unranked_reason
    from joined
),

final as (
    select
        *,
        case when unranked_reason is null then dense_rank() over (
            partition by definition_id, financial_year, unranked_reason is null order by productivity desc
        ) end as rank,
        unranked_reason is null and count(*) over (
            partition by definition_id, financial_year, unranked_reason is null, productivity
        ) > 1 as is_tied
    from explained
)

select * from final
