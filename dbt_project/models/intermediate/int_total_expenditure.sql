-- Adult social care spend of form RO3 on wider bases than net: total expenditure, and total less charges to people.
with

lines as (
    select
        financial_year,
        area_code,
        max(value) filter (item = 'ro3_asctot_total_expenditure') * 1000 as total_gbp,
        max(value) filter (item = 'ro3_asctot_sales_fees_and_charges') * 1000 as charges_gbp,
        max(figure_id) filter (item = 'ro3_asctot_total_expenditure') as total_id,
        max(figure_id) filter (item = 'ro3_asctot_sales_fees_and_charges') as charges_id
    from {{ ref('stg_figures') }}
    where
        framework = 'revenue_outturn' and area_code != 'E92000001'
        and item in ('ro3_asctot_total_expenditure', 'ro3_asctot_sales_fees_and_charges')
    group by financial_year, area_code
),

final as (
    select
        'total_expenditure' as spend_basis,
        financial_year,
        area_code,
        total_gbp as spend_gbp,
        total_id as figure_ids
    from lines
    where total_gbp is not null
    union all
    select
        'before_other_income' as spend_basis,
        financial_year,
        area_code,
        total_gbp - charges_gbp as spend_gbp,
        total_id || ' ' || charges_id as figure_ids
    from lines
    where total_gbp is not null and charges_gbp is not null
)

select * from final
