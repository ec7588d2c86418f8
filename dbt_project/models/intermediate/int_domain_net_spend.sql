-- Net current expenditure of each domain from form RO3: support of older people, support of adults aged 18-64, and what is of no age.
-- A council has them only where every line is published.
with

figures as (
    select * from {{ ref('stg_figures') }}
    where framework = 'revenue_outturn' and starts_with(item, 'ro3_asc') and area_code != 'E92000001'
),

whole as (
    select
        financial_year,
        area_code,
        sum(value) filter (breakdown = '65_and_over') * 1000 as older_gbp,
        sum(value) filter (breakdown = '18_to_64') * 1000 as younger_gbp,
        sum(value) filter (item = 'ro3_asctot_net_current_expenditure') * 1000 as total_gbp,
        string_agg(figure_id, ' ' order by figure_id) filter (breakdown = '65_and_over') as older_ids,
        string_agg(figure_id, ' ' order by figure_id) filter (breakdown = '18_to_64') as younger_ids,
        string_agg(figure_id, ' ' order by figure_id) as all_ids
    from figures
    group by financial_year, area_code
    having count(value) = 11
),

final as (
    select
        financial_year,
        area_code,
        'older_adults' as domain_id,
        older_gbp as spend_gbp,
        older_ids as figure_ids
    from whole
    union all
    select
        financial_year,
        area_code,
        'all_age_disability' as domain_id,
        younger_gbp as spend_gbp,
        younger_ids as figure_ids
    from whole
    union all
    select
        financial_year,
        area_code,
        'health_interface' as domain_id,
        total_gbp - older_gbp - younger_gbp as spend_gbp,
        all_ids as figure_ids
    from whole
)

select * from final
