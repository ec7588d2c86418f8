-- What became of every published figure: used for a council, England's to compare with, revised, without a value, set aside, used otherwise or not
-- used, with the reason. No figure is passed over: the figures of each line add up to what was published. One that a measure is made of and that
-- is under no value is lost, which closes a gate; one that no line of the seed knows is unknown, which is shown.
with

figures as (select * from {{ ref('stg_all_figures') }}),

uses as (select * from {{ ref('figure_uses') }}),

council_years as (select * from {{ ref('int_council_years') }}),

years as (select distinct financial_year from council_years),

years_with_spend as (select distinct financial_year from {{ ref('int_council_spend') }}),

measure_sources as (select * from {{ ref('measure_sources') }}),

in_lineage as (
    select distinct figure_id from {{ ref('fct_lineage') }}
),

-- What a measure is made of in a year, of a council in force: only a line of the seed that says so may pass it over.
of_a_measure as (
    select distinct figures.figure_id
    from figures
    inner join measure_sources
        on
            figures.framework = measure_sources.framework
            and figures.item in (measure_sources.item, measure_sources.denominator_item)
            and figures.breakdown = measure_sources.breakdown
            and figures.financial_year between measure_sources.first_year and coalesce(measure_sources.last_year, '9999-00')
    inner join council_years
        on figures.financial_year = council_years.financial_year and figures.area_code = council_years.area_code
    where figures.financial_year >= '{{ var('first_scored_year') }}'
),

asked as (
    select
        figures.*,
        of_a_measure.figure_id is not null as is_of_a_measure
    from figures
    left join of_a_measure on figures.figure_id = of_a_measure.figure_id
),

named as (
    select distinct
        framework,
        item,
        breakdown,
        is_of_a_measure
    from asked
),

-- the first line of the seed that fits
others as (
    select
        named.framework,
        named.item,
        named.breakdown,
        named.is_of_a_measure,
        arg_min(uses.use, uses.place) as use,
        arg_min(uses.reason, uses.place) as reason
    from named
    inner join uses
        on
            named.framework = uses.framework
            and regexp_full_match(named.item, uses.item_matches)
            and regexp_full_match(named.breakdown, uses.breakdown_matches)
            and (uses.even_of_a_measure or not named.is_of_a_measure)
    group by named.framework, named.item, named.breakdown, named.is_of_a_measure
),

judged as (
    select
        asked.*,
        case
            when asked.superseded_by is not null then 'revised'
            when starts_with(asked.mark, '{{ var('set_aside') }}') then 'set aside'
            when asked.value is null then 'no value'
            when in_lineage.figure_id is not null then 'in the index'
            when asked.area_code = 'E92000001' then 'England'
            when not regexp_matches(asked.area_code, '^E(06|08|09|10)') and asked.framework != 'gdp_deflator' then 'another area'
            when years.financial_year is not null and council_years.area_code is null and asked.framework != 'gdp_deflator'
                then 'code not in force'
            when asked.is_of_a_measure and years_with_spend.financial_year is null then 'waits for spend'
            when asked.is_of_a_measure and others.use is null then 'lost'
            else others.use
        end as use,
        others.reason as reason_of_others
    from asked
    left join in_lineage on asked.figure_id = in_lineage.figure_id
    left join years on asked.financial_year = years.financial_year
    left join council_years
        on asked.financial_year = council_years.financial_year and asked.area_code = council_years.area_code
    left join years_with_spend on asked.financial_year = years_with_spend.financial_year
    left join others
        on
            asked.framework = others.framework
            and asked.item = others.item
            and asked.breakdown = others.breakdown
            and asked.is_of_a_measure = others.is_of_a_measure
),

final as (
    select
        source,
        edition,
        framework,
        item,
        breakdown,
        financial_year,
        coalesce(use, 'unknown') as use,
        case use
            when 'revised' then 'The edition ' || superseded_by || ' revised it'
            when 'set aside' then mark
            when 'no value' then 'The publisher gives none'
            when 'in the index' then 'Under a council''s values, spend, population or deprivation'
            when 'England' then 'England''s own, to compare with'
            when 'code not in force' then 'Under a code that was not in force that year: the council''s own of that year stands'
            when 'waits for spend' then 'The spend of its year is not published yet: the year is ranked once it is'
            when 'another area' then 'Of a region or a place without these duties'
            else coalesce(reason_of_others, '')
        end as reason,
        count(*) as figures
    from judged
    group by all
)

select
    source,
    edition,
    framework,
    item,
    breakdown,
    financial_year,
    use,
    reason,
    figures
from final
order by source, edition, framework, item, breakdown, financial_year, use, reason
