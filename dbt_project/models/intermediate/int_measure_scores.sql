-- Winsorised values scaled within the year by the definition's normalisation. A missing value has no score.
-- A measure that is the same everywhere tells nobody apart: everyone gets the middle of the scale.
-- ratio_to_england: 100 × value ÷ England's, or England's ÷ value where lower is better, held between scale_low and scale_high. Where no
-- value of England was published (an age band of a survey), the mean of the councils stands in.
with

winsorised as (select * from {{ ref('int_winsorised_values') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

spread as (
    select
        definition_id,
        financial_year,
        measure_id,
        count(winsorised_value) as councils_with_value,
        min(winsorised_value) as lowest,
        max(winsorised_value) as highest,
        avg(winsorised_value) as mean,
        stddev_samp(winsorised_value) as standard_deviation
    from winsorised
    group by definition_id, financial_year, measure_id
),

positioned as (
    select
        *,
        rank() over (
            partition by definition_id, financial_year, measure_id order by winsorised_value asc nulls last
        ) as position_from_lowest
    from winsorised
),

final as (
    select
        positioned.definition_id,
        positioned.financial_year,
        positioned.area_code,
        positioned.measure_id,
        positioned.domain_id,
        positioned.weight,
        positioned.value,
        positioned.is_withheld,
        positioned.is_carried_forward,
        positioned.winsorised_value,
        positioned.oriented_value != positioned.winsorised_value as is_winsorised,
        case
            when positioned.winsorised_value is null then null
            when definitions.normalisation = 'ratio_to_england' and positioned.polarity * positioned.winsorised_value <= 0
                then case positioned.polarity when 1 then definitions.scale_low else definitions.scale_high end
            when definitions.normalisation = 'ratio_to_england'
                then
                    least(greatest(
                        100 * power(
                            positioned.polarity * positioned.winsorised_value
                            / coalesce(positioned.england_value, positioned.polarity * spread.mean), positioned.polarity
                        ), definitions.scale_low
                    ), definitions.scale_high)
            when definitions.normalisation = 'goalposts'
                then
                    definitions.scale_low + (definitions.scale_high - definitions.scale_low) * least(greatest(
                        (positioned.winsorised_value - positioned.oriented_worst)
                        / (positioned.oriented_best - positioned.oriented_worst), 0
                    ), 1)
            when definitions.normalisation = 'z_score'
                then
                    definitions.scale_centre + definitions.scale_spread * case
                        when spread.highest = spread.lowest then 0
                        else (positioned.winsorised_value - spread.mean) / spread.standard_deviation
                    end
            when spread.highest = spread.lowest then (definitions.scale_low + definitions.scale_high) / 2
            when definitions.normalisation = 'min_max'
                then
                    definitions.scale_low + (definitions.scale_high - definitions.scale_low)
                    * (positioned.winsorised_value - spread.lowest) / (spread.highest - spread.lowest)
            when definitions.normalisation = 'percentile_rank'
                then
                    definitions.scale_low + (definitions.scale_high - definitions.scale_low)
                    * (positioned.position_from_lowest - 1) / (spread.councils_with_value - 1)
        end as score
    from positioned
    inner join definitions on positioned.definition_id = definitions.definition_id
    inner join spread
        on
            positioned.definition_id = spread.definition_id
            and positioned.financial_year = spread.financial_year
            and positioned.measure_id = spread.measure_id
)

select * from final
