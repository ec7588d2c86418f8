-- The value of each measure for each council in force, from the framework and code that published it that year.
-- A council without a value keeps its row, with the reason. A value carried forward says from which year. A publication that goes back
-- over years names a council by its code of today: a figure under another code of the same council is the council's own.
with

council_years as (select * from {{ ref('int_council_years') }}),

years as (select * from {{ ref('financial_years') }}),

measures as (select * from {{ ref('measures') }}),

measure_sources as (select * from {{ ref('measure_sources') }}),

history as (select * from {{ ref('int_council_history') }}),

figures as (
    select
        figures.* exclude (area_code),
        council_years.area_code
    from {{ ref('stg_figures') }} as figures
    inner join history on figures.area_code = history.area_code
    inner join council_years
        on
            figures.financial_year = council_years.financial_year
            and history.continuity_code = council_years.continuity_code
    where
        exists (
            select 1 from measure_sources
            where
                measure_sources.framework = figures.framework
                and figures.item in (measure_sources.item, measure_sources.denominator_item)
        )
    qualify
        row_number() over (
            partition by
                figures.framework, figures.item, figures.breakdown, figures.financial_year, council_years.area_code
            order by figures.area_code != council_years.area_code, figures.area_code
        ) = 1
),

source_years as (
    select
        measure_sources.measure_id,
        measure_sources.framework,
        measure_sources.item,
        measure_sources.breakdown,
        measure_sources.denominator_item,
        measure_sources.scale,
        years.financial_year,
        years.mid_year
    from measure_sources
    inner join years
        on years.financial_year between measure_sources.first_year and coalesce(measure_sources.last_year, '9999-00')
),

published as (
    select
        source_years.measure_id,
        source_years.financial_year,
        source_years.mid_year,
        source_years.breakdown,
        council_years.area_code,
        council_years.continuity_code,
        figures.figure_id,
        denominators.figure_id as denominator_figure_id,
        case
            when source_years.denominator_item is null then figures.value
            else source_years.scale * figures.value / nullif(denominators.value, 0)
        end as value,
        case when source_years.denominator_item is null then 'published' else 'computed' end as value_basis,
        coalesce(figures.mark, denominators.mark) as mark
    from source_years
    inner join council_years on source_years.financial_year = council_years.financial_year
    left join figures
        on
            source_years.framework = figures.framework
            and source_years.item = figures.item
            and source_years.breakdown = figures.breakdown
            and source_years.financial_year = figures.financial_year
            and council_years.area_code = figures.area_code
    -- of the same edition: a numerator of one and a denominator of another make no share
    left join figures as denominators
        on
            figures.source is not distinct from denominators.source
            and figures.edition is not distinct from denominators.edition
            and source_years.framework = denominators.framework
            and source_years.denominator_item = denominators.item
            and source_years.breakdown = denominators.breakdown
            and source_years.financial_year = denominators.financial_year
            and council_years.area_code = denominators.area_code
),

-- A measure counts in a year when at least one council has a value: what nobody published nobody lacks.
published_years as (
    select
        measure_id,
        financial_year,
        mid_year
    from published
    group by measure_id, financial_year, mid_year
    having count(value) > 0
),

carried_years as (
    select
        measures.measure_id,
        years.financial_year,
        max(published_years.mid_year) as from_mid_year
    from measures
    inner join published_years on measures.measure_id = published_years.measure_id
    inner join years
        on
            published_years.mid_year < years.mid_year
            and years.mid_year - published_years.mid_year <= measures.carry_forward_years
    left join published_years as this_year
        on measures.measure_id = this_year.measure_id and years.financial_year = this_year.financial_year
    where this_year.measure_id is null
    group by measures.measure_id, years.financial_year
),

carried as (
    select
        carried_years.measure_id,
        carried_years.financial_year,
        published.breakdown,
        council_years.area_code,
        published.figure_id,
        published.denominator_figure_id,
        published.value,
        published.mark,
        source_year.financial_year as value_year
    from carried_years
    inner join council_years on carried_years.financial_year = council_years.financial_year
    inner join years as source_year on carried_years.from_mid_year = source_year.mid_year
    left join published
        on
            carried_years.measure_id = published.measure_id
            and carried_years.from_mid_year = published.mid_year
            and council_years.continuity_code = published.continuity_code
),

united as (
    select
        published.financial_year,
        published.area_code,
        published.measure_id,
        published.value,
        published.breakdown,
        published.financial_year as value_year,
        published.figure_id,
        published.denominator_figure_id,
        case when published.value is not null then published.value_basis end as value_basis,
        case
            when published.value is not null then null
            when starts_with(published.mark, '{{ var('set_aside') }}') then published.mark
            when published.mark is not null then 'suppressed or not available: ' || published.mark
            else 'not in the publication'
        end as missing_reason
    from published
    inner join published_years
        on
            published.measure_id = published_years.measure_id
            and published.financial_year = published_years.financial_year
    union all
    select
        financial_year,
        area_code,
        measure_id,
        value,
        breakdown,
        value_year,
        case when value is not null then figure_id end as figure_id,
        case when value is not null then denominator_figure_id end as denominator_figure_id,
        case when value is not null then 'carried_forward' end as value_basis,
        case when value is null then 'nothing to carry forward from ' || value_year end as missing_reason
    from carried
    where financial_year <= (select max(p.financial_year) from published_years as p)
),

-- Years before the first that is scored are only carried forward from.
final as (
    select * from united
    where financial_year >= '{{ var('first_scored_year') }}'
)

select * from final
