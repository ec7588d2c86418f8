-- The councils in force in each financial year: the frame on which every value is hung.
with

councils as (select * from {{ ref('int_council_history') }}),

years as (select * from {{ ref('financial_years') }}),

exclusions as (select * from {{ ref('ranking_exclusions') }}),

final as (
    select
        years.financial_year,
        years.previous_financial_year,
        years.mid_year,
        councils.area_code,
        councils.continuity_code,
        exclusions.reason as exclusion_reason,
        exclusions.reason is null as is_rankable
    from years
    inner join councils
        on
            years.starts_on >= coalesce(councils.in_force_from, cast('1974-04-01' as date))
            and years.starts_on < coalesce(councils.in_force_until, cast('9999-12-31' as date))
    left join exclusions on councils.area_code = exclusions.area_code
)

select * from final
