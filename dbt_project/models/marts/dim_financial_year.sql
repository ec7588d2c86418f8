-- Financial years, whether the default definition ranks them, and which is the latest that it ranks.
with

years as (select * from {{ ref('financial_years') }}),

ranking as (select * from {{ ref('productivity_ranking') }}),

-- a year comes in piece by piece: outcomes in one autumn, spend in the next, and some councils later than others
ranked as (
    select
        financial_year,
        count(rank) as councils_ranked,
        min(unranked_reason) filter (unranked_reason like 'The year is not ranked%') as year_reason
    from ranking
    where definition_id = 'default'
    group by financial_year
),

others as (
    select
        financial_year,
        string_agg(distinct definition_id, ', ' order by definition_id) as ranked_by
    from ranking
    where rank is not null
    group by financial_year
),

provisional as (
    select
        figures.financial_year,
        string_agg(
            distinct editions.source || ' ' || editions.edition, ', ' order by editions.source || ' ' || editions.edition
        ) as editions
    from {{ ref('stg_figures') }} as figures
    inner join {{ ref('stg_editions') }} as editions
        on figures.source = editions.source and figures.edition = editions.edition
    where editions.maturity = 'provisional'
    group by figures.financial_year
),

latest as (
    select max(financial_year) as ranked_year
    from ranked
    where councils_ranked > 0
),

final as (
    select
        years.financial_year,
        years.starts_on,
        years.previous_financial_year,
        years.mid_year,
        ranked.councils_ranked,
        ranked.councils_ranked > 0 as is_ranked,
        others.ranked_by,
        years.financial_year > latest.ranked_year or provisional.editions is not null as is_provisional,
        nullif(concat_ws('; ', ranked.year_reason, 'provisional: ' || provisional.editions), '') as what_is_missing,
        years.financial_year = latest.ranked_year as is_latest_ranked
    from years
    cross join latest
    inner join ranked on years.financial_year = ranked.financial_year
    left join others on years.financial_year = others.financial_year
    left join provisional on years.financial_year = provisional.financial_year
)

select * from final
order by financial_year
