-- Oriented values pulled in to the definition's lower and upper quantile of the year.
with

oriented as (select * from {{ ref('int_oriented_values') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

sorted as (
    select
        definition_id,
        financial_year,
        measure_id,
        list_sort(list(oriented_value) filter (oriented_value is not null)) as sorted_values
    from oriented
    group by definition_id, financial_year, measure_id
),

limits as (
    select
        sorted.definition_id,
        sorted.financial_year,
        sorted.measure_id,
        {{ quantile_of_sorted('sorted.sorted_values', 'definitions.winsorise_lower') }} as lower_limit,
        {{ quantile_of_sorted('sorted.sorted_values', 'definitions.winsorise_upper') }} as upper_limit
    from sorted
    inner join definitions on sorted.definition_id = definitions.definition_id
),

final as (
    select
        oriented.definition_id,
        oriented.financial_year,
        oriented.area_code,
        oriented.measure_id,
        oriented.domain_id,
        oriented.polarity,
        oriented.weight,
        oriented.is_withheld,
        oriented.is_carried_forward,
        oriented.england_value,
        oriented.value,
        oriented.oriented_value,
        oriented.oriented_worst,
        oriented.oriented_best,
        limits.lower_limit,
        limits.upper_limit,
        case
            when oriented.oriented_value is not null
                then least(greatest(oriented.oriented_value, limits.lower_limit), limits.upper_limit)
        end as winsorised_value
    from oriented
    inner join limits
        on
            oriented.definition_id = limits.definition_id
            and oriented.financial_year = limits.financial_year
            and oriented.measure_id = limits.measure_id
)

select * from final
