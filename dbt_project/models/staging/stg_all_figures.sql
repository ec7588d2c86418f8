-- Every published figure of every release, with the ONS code of its area and what its edition says of it.
-- A table, not a view: a dozen models read it, and each would hash every figure again.
{{ config(materialized='table') }}

with

figures as (select * from {{ source('raw', 'figures') }}),

editions as (select * from {{ ref('stg_editions') }}),

cassr_codes as (select * from {{ source('raw', 'cassr_codes') }}),

final as (
    select
        md5(concat_ws(
            '|', figures.source, figures.edition, figures.framework, figures.financial_year, figures.period,
            figures.area_code, figures.item, figures.breakdown
        )) as figure_id,
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
        figures.value,
        nullif(figures.mark, '') as mark,
        figures.locator,
        figures.provenance,
        editions.obtained,
        editions.superseded_by
    from figures
    left join editions on figures.source = editions.source and figures.edition = editions.edition
    left join cassr_codes on figures.area_code = 'cassr:' || cassr_codes.cassr_code
)

select * from final
