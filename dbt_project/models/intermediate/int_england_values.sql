-- England's own published value of each measure and year.
with

measure_sources as (select * from {{ ref('measure_sources') }}),

figures as (select * from {{ ref('stg_figures') }}),

final as (
    select
        measure_sources.measure_id,
        figures.financial_year,
        figures.figure_id as england_figure_id,
        case
            when measure_sources.denominator_item is null then figures.value
            else measure_sources.scale * figures.value / nullif(denominators.value, 0)
        end as england_value
    from measure_sources
    inner join figures
        on
            measure_sources.framework = figures.framework
            and measure_sources.item = figures.item
            and measure_sources.breakdown = figures.breakdown
            and figures.financial_year between measure_sources.first_year and coalesce(measure_sources.last_year, '9999-00')
    left join figures as denominators
        on
            figures.framework = denominators.framework
            and figures.source is not distinct from denominators.source
            and figures.edition is not distinct from denominators.edition
            and measure_sources.denominator_item = denominators.item
            and figures.breakdown = denominators.breakdown
            and figures.financial_year = denominators.financial_year
            and figures.area_code = denominators.area_code
    where figures.area_code = 'E92000001' and figures.value is not null
)

select * from final
