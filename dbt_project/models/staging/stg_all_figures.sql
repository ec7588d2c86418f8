-- Every published figure of every release, with the ONS code of its area and what its edition says of it. One that was set aside has no value
-- here, and a mark that says by which rule.
-- A table, not a view: a dozen models read it, and each would hash every figure again.
{{ config(materialized='table') }}

with

figures as (select * from {{ source('raw', 'figures') }}),

editions as (select * from {{ ref('stg_editions') }}),

cassr_codes as (select * from {{ source('raw', 'cassr_codes') }}),

set_aside as (
    select
        {{ figure_id('quarantine') }} as figure_id,
        string_agg(quarantine.rule, '. ' order by quarantine.rule) as rules
    from {{ source('raw', 'quarantine') }} as quarantine
    group by all
),

identified as (
    select
        figures.*,
        {{ figure_id('figures') }} as figure_id
    from figures
),

final as (
    select
        figures.figure_id,
        figures.source,
        figures.edition,
        figures.framework,
        figures.financial_year,
        figures.period,
        coalesce(cassr_codes.ons_code, figures.area_code) as area_code,
        figures.area_code as published_area_code,
        figures.item,
        figures.breakdown,
        figures.unit,
        case when set_aside.rules is null then figures.value end as value,
        coalesce('{{ var('set_aside') }}: ' || set_aside.rules, nullif(figures.mark, '')) as mark,
        figures.locator,
        figures.provenance,
        editions.obtained,
        editions.superseded_by
    from identified as figures
    left join editions on figures.source = editions.source and figures.edition = editions.edition
    left join cassr_codes on figures.area_code = 'cassr:' || cassr_codes.cassr_code
    left join set_aside on figures.figure_id = set_aside.figure_id
)

select * from final
