-- Net current expenditure of each domain from form RO3. Older people and adults aged 18-64: their lines of support, and assessment,
-- commissioning, information, equipment and support of carers by the age they are published for. The interface has no line of its own:
-- what happens between hospital and home is the work of all adult social care, so it stands against the whole.
-- A council has them only where every line is published.
with

figures as (
    select
        *,
        regexp_extract(item, '^ro3_(asc[a-z]+)_', 1) as line
    from {{ ref('stg_figures') }}
    where
        framework = 'revenue_outturn'
        and regexp_matches(item, '^ro3_asc[a-z]+_net_current_expenditure$')
        and area_code != 'E92000001'
),

whole as (
    select
        financial_year,
        area_code,
        sum(value) filter (breakdown = '65_and_over') * 1000 as older_gbp,
        sum(value) filter (breakdown = '18_to_64') * 1000 as younger_gbp,
        sum(value) filter (line = 'asctot') * 1000 as total_gbp,
        string_agg(figure_id, ' ' order by figure_id) filter (breakdown = '65_and_over') as older_ids,
        string_agg(figure_id, ' ' order by figure_id) filter (breakdown = '18_to_64') as younger_ids,
        string_agg(figure_id, ' ' order by figure_id) filter (line = 'asctot') as total_ids
    from figures
    group by financial_year, area_code
    -- ten lines of an age (five needs, five of the others) twice, and the total
    having
        count(value) filter (breakdown = '65_and_over') = 10
        and count(value) filter (breakdown = '18_to_64') = 10
        and count(value) filter (line = 'asctot') = 1
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
        total_gbp as spend_gbp,
        total_ids as figure_ids
    from whole
)

select * from final
