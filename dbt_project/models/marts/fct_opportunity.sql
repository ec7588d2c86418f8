-- What a council would spend at the outcome it has, were it as productive as the upper quartile of its peers:
-- productivity is outcome ÷ index^k, so the same outcome at productivity Q costs spend × (own ÷ Q)^(1/k).
-- A council that is already there keeps its spend. Only where one spend stands against one year's outcome and k is above 0.
with

ranking as (select * from {{ ref('productivity_ranking') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

spend_bases as (select * from {{ ref('spend_bases') }}),

spend as (
    select * from {{ ref('int_council_spend') }}
    where domain_id = 'all'
),

comparison as (
    select * from {{ ref('fct_peer_comparison') }}
    where item_kind = 'productivity'
),

final as (
    select
        ranking.definition_id,
        ranking.financial_year,
        ranking.area_code,
        spend.spend_gbp,
        ranking.productivity,
        comparison.peer_upper_quartile as peer_upper_quartile_productivity,
        comparison.peers_with_value,
        spend.spend_gbp * least(power(ranking.productivity / comparison.peer_upper_quartile, 1 / definitions.k), 1)
            as spend_at_peer_upper_quartile_gbp,
        spend.spend_gbp
        * (1 - least(power(ranking.productivity / comparison.peer_upper_quartile, 1 / definitions.k), 1))
            as opportunity_gbp
    from ranking
    inner join definitions
        on
            ranking.definition_id = definitions.definition_id and definitions.k > 0 and definitions.window_years = 1
            and definitions.combination = 'ratio'
    inner join spend_bases on definitions.spend_basis = spend_bases.spend_basis and spend_bases.level = 'total'
    inner join spend
        on
            ranking.financial_year = spend.financial_year
            and ranking.area_code = spend.area_code
            and spend.spend_basis
            = case definitions.spend_basis when 'total_net_need_adjusted' then 'total_net' else definitions.spend_basis end
    inner join comparison
        on
            ranking.financial_year = comparison.financial_year
            and ranking.area_code = comparison.area_code
            and ranking.definition_id = comparison.item_id
    where ranking.rank is not null
)

select * from final
order by definition_id, financial_year, area_code
