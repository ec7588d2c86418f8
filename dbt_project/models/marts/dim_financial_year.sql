-- Financial years, whether the default definition ranks them, and which is the latest that it ranks.
with

years as (select * from {{ ref('financial_years') }}),

ranked as (
    select
        financial_year,
        count(rank) as councils_ranked
    from {{ ref('productivity_ranking') }}
    where definition_id = 'default'
    group by financial_year
),

final as (
    select
        years.financial_year,
        years.starts_on,
        years.previous_financial_year,
        years.mid_year,
        ranked.councils_ranked,
        ranked.councils_ranked > 0 as is_ranked,
        years.financial_year = max(years.financial_year) filter (ranked.councils_ranked > 0) over () as is_latest_ranked
    from years
    inner join ranked on years.financial_year = ranked.financial_year
)

select * from final
order by financial_year
