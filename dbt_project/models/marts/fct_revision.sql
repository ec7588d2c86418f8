-- What a later release changed: adult social care net current expenditure of councils and England, each release against the one that stands.
with

releases as (select * from {{ ref('stg_outturn_releases') }}),

standing as (
    select * from releases
    where superseded_by is null
    qualify
        row_number() over (
            partition by financial_year, area_code
            order by net_current_expenditure_gbp is null, precedence
        ) = 1
),

compared as (
    select
        earlier.financial_year,
        earlier.area_code,
        earlier.source,
        earlier.edition as earlier_edition,
        standing.edition as standing_edition,
        earlier.item as earlier_item,
        earlier.net_current_expenditure_gbp as earlier_gbp,
        standing.net_current_expenditure_gbp as standing_gbp,
        earlier.figure_id as earlier_figure_id,
        standing.figure_id as standing_figure_id
    from releases as earlier
    inner join standing
        on
            earlier.financial_year = standing.financial_year
            and earlier.area_code = standing.area_code
            and earlier.figure_id != standing.figure_id
),

final as (
    select
        *,
        case
            when earlier_gbp is null then 'added'
            when standing_gbp is null then 'withdrawn'
            else 'revised'
        end as change,
        standing_gbp - earlier_gbp as change_gbp,
        (standing_gbp / nullif(earlier_gbp, 0) - 1) * 100 as change_pct
    from compared
    -- amounts are published to the nearest GBP thousand by some councils
    where (earlier_gbp is null) != (standing_gbp is null) or abs(standing_gbp - earlier_gbp) >= 1000
)

select * from final
order by financial_year, area_code, earlier_edition, earlier_item
