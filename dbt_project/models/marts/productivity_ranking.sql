-- The ranking: outcome value per pound.
-- One row for each definition, year and council in force, ranked or with the reason why not.
with

productivity as (select * from {{ ref('int_productivity') }}),

councils as (select * from {{ ref('int_council_history') }}),

comparability as (select * from {{ ref('int_comparability') }}),

-- of the definition's own measures
counted as (
    select
        definition_id,
        financial_year,
        area_code,
        count(*) filter (is_carried_forward and not is_withheld) as carried_forward_values,
        count(*) filter (is_withheld) as withheld_values
    from {{ ref('int_measure_scores') }}
    group by definition_id, financial_year, area_code
),

average as (
    select
        definition_id,
        financial_year,
        avg(outcome_score) as average_outcome_score
    from productivity
    where rank is not null
    group by definition_id, financial_year
),

-- Movement is only of the same council over the same area: a merged or split council has no previous rank.
final as (
    select
        this_year.definition_id,
        this_year.financial_year,
        this_year.area_code,
        councils.area_name,
        councils.region,
        councils.council_type,
        this_year.outcome_score,
        this_year.spend_per_adult_gbp,
        this_year.england_spend_per_adult_gbp,
        this_year.spend_index,
        this_year.productivity,
        this_year.rank,
        this_year.is_tied,
        case when comparability.is_movement_shown and this_year.rank is not null then last_year.rank end as previous_rank,
        case when comparability.is_movement_shown then last_year.rank - this_year.rank end as rank_change,
        case
            when this_year.rank is not null and last_year.rank is not null and comparability.is_movement_shown
                then this_year.rank <= 10 and last_year.rank <= 10
        end as kept_top_ten,
        comparability.movement_note,
        this_year.annual_productivity,
        this_year.annual_outcome_score,
        this_year.annual_spend_index,
        this_year.productivity_slope,
        case
            when this_year.rank is null then null
            when this_year.outcome_score >= average.average_outcome_score and this_year.spend_index <= 1
                then 'better outcomes, lower spend'
            when this_year.outcome_score >= average.average_outcome_score then 'better outcomes, higher spend'
            when this_year.spend_index <= 1 then 'worse outcomes, lower spend'
            else 'worse outcomes, higher spend'
        end as quadrant,
        this_year.coverage,
        coalesce(counted.carried_forward_values, 0) as carried_forward_values,
        coalesce(counted.withheld_values, 0) as withheld_values,
        this_year.is_spend_modelled,
        this_year.spend_doubt is not null as is_spend_doubtful,
        this_year.spend_doubt,
        this_year.unranked_reason
    from productivity as this_year
    inner join councils on this_year.area_code = councils.area_code
    left join productivity as last_year
        on
            this_year.definition_id = last_year.definition_id
            and this_year.previous_financial_year = last_year.financial_year
            and this_year.continuity_code = last_year.continuity_code
    left join comparability
        on
            this_year.definition_id = comparability.definition_id
            and this_year.financial_year = comparability.financial_year
    left join average
        on this_year.definition_id = average.definition_id and this_year.financial_year = average.financial_year
    left join counted
        on
            this_year.definition_id = counted.definition_id
            and this_year.financial_year = counted.financial_year
            and this_year.area_code = counted.area_code
)

select * from final
order by definition_id, financial_year, rank nulls last, area_code
