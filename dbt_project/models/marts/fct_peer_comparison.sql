-- Each council beside its peers: quartiles of their values for each measure, and of their scores in each definition.
with

peers as (select * from {{ ref('fct_peer') }}),

measure_values as (select * from {{ ref('fct_measure_value') }}),

ranking as (select * from {{ ref('productivity_ranking') }}),

items as (
    select
        financial_year,
        area_code,
        'measure' as item_kind,
        measure_id as item_id,
        case when not is_withheld then value end as value
    from measure_values
    union all
    select
        financial_year,
        area_code,
        'productivity' as item_kind,
        definition_id as item_id,
        case when rank is not null then productivity end as value
    from ranking
    union all
    select
        financial_year,
        area_code,
        'outcome_score' as item_kind,
        definition_id as item_id,
        case when rank is not null then outcome_score end as value
    from ranking
    union all
    select
        financial_year,
        area_code,
        'spend_index' as item_kind,
        definition_id as item_id,
        case when rank is not null then spend_index end as value
    from ranking
),

final as (
    select
        items.financial_year,
        items.area_code,
        items.item_kind,
        items.item_id,
        any_value(items.value) as value,
        count(of_peers.value) as peers_with_value,
        quantile_cont(of_peers.value, 0.25) as peer_lower_quartile,
        quantile_cont(of_peers.value, 0.5) as peer_median,
        quantile_cont(of_peers.value, 0.75) as peer_upper_quartile
    from items
    inner join peers on items.financial_year = peers.financial_year and items.area_code = peers.area_code
    inner join items as of_peers
        on
            peers.financial_year = of_peers.financial_year
            and peers.peer_area_code = of_peers.area_code
            and items.item_kind = of_peers.item_kind
            and items.item_id = of_peers.item_id
    group by items.financial_year, items.area_code, items.item_kind, items.item_id
    having count(of_peers.value) > 0
)

select * from final
order by financial_year, area_code, item_kind, item_id
