-- Every published figure with the ONS code of its area. CASSR codes stand in publications without ONS codes.
with

figures as (select * from {{ source('raw', 'figures') }}),

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
        figures.provenance
    from figures
    left join cassr_codes on figures.area_code = 'cassr:' || cassr_codes.cassr_code
)

select * from final
