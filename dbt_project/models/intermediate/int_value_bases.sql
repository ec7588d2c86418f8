-- How many people a value of a proportion may rest on, where its own year says nothing: the council's own base of the latest year before that
-- has one, else of the first after.
with

measure_values as (select * from {{ ref('int_measure_values') }}),

measure_sources as (select * from {{ ref('measure_sources') }}),

years as (select * from {{ ref('financial_years') }}),

history as (select * from {{ ref('int_council_history') }}),

figures as (select * from {{ ref('stg_figures') }}),

-- Every base a council has published for a measure, whatever the framework called it.
own_bases as (
    select distinct
        measure_sources.measure_id,
        history.continuity_code,
        figures.financial_year,
        years.mid_year,
        figures.value as base
    from measure_sources
    inner join figures
        on
            measure_sources.framework = figures.framework
            and measure_sources.item || '_denominator' = figures.item
            and measure_sources.breakdown = figures.breakdown
            and figures.financial_year between measure_sources.first_year and coalesce(measure_sources.last_year, '9999-00')
    inner join history on figures.area_code = history.area_code
    inner join years on figures.financial_year = years.financial_year
    where figures.value > 0
    qualify row_number() over (
        partition by measure_sources.measure_id, history.continuity_code, figures.financial_year
        order by figures.area_code desc
    ) = 1
),

final as (
    select
        measure_values.financial_year,
        measure_values.area_code,
        measure_values.measure_id,
        own_bases.base,
        own_bases.financial_year as base_year
    from measure_values
    inner join years on measure_values.value_year = years.financial_year
    inner join history on measure_values.area_code = history.area_code
    inner join own_bases
        on
            measure_values.measure_id = own_bases.measure_id
            and history.continuity_code = own_bases.continuity_code
    qualify row_number() over (
        partition by measure_values.financial_year, measure_values.area_code, measure_values.measure_id
        order by
            own_bases.mid_year > years.mid_year,
            abs(own_bases.mid_year - years.mid_year)
    ) = 1
)

select * from final
