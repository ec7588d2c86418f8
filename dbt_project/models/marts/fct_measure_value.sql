-- What each council's outcome was, where the number was published, and why there is none where there is none.
with

measure_values as (select * from {{ ref('int_measure_values') }}),

measures as (select * from {{ ref('measures') }}),

england as (select * from {{ ref('int_england_values') }}),

doubts as (
    select * from {{ ref('int_doubts') }}
    where subject = 'measure'
),

final as (
    select
        measure_values.financial_year,
        measure_values.area_code,
        measure_values.measure_id,
        measures.domain_id,
        measure_values.value,
        measures.unit,
        measure_values.breakdown,
        measure_values.value_basis,
        measure_values.value_year,
        measure_values.missing_reason,
        coalesce(doubts.is_withheld, false) as is_withheld,
        doubts.evidence as doubt,
        england.england_value,
        measure_values.figure_id,
        measure_values.denominator_figure_id,
        england.england_figure_id
    from measure_values
    inner join measures on measure_values.measure_id = measures.measure_id
    left join england
        on measure_values.measure_id = england.measure_id and measure_values.value_year = england.financial_year
    -- by the figure, so that a value carried forward carries its doubt
    left join doubts
        on measure_values.measure_id = doubts.subject_id and measure_values.figure_id = doubts.figure_id
)

select * from final
order by financial_year, area_code, measure_id
