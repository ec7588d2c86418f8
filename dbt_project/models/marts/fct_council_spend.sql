-- Spend of each council, year and basis: in GBP, per head, relative to England, and how it was had.
with

spend as (select * from {{ ref('int_council_spend') }}),

spend_index as (select * from {{ ref('int_spend_index') }}),

doubts as (select * from {{ ref('int_spend_basis_doubts') }}),

uncertainty as (select * from {{ ref('int_spend_uncertainty') }}),

final as (
    select
        spend_index.financial_year,
        spend_index.area_code,
        spend_index.spend_basis,
        spend_index.domain_id,
        spend.spend_gbp,
        spend.population,
        spend.population_mid_year,
        spend.population_basis,
        spend.is_modelled,
        spend.is_interpolated,
        spend.spend_per_head_gbp,
        spend.real_spend_per_head_gbp,
        spend_index.england_spend_per_head_gbp,
        spend_index.spend_index,
        spend.spend_change_pct,
        uncertainty.variation_pct,
        coalesce(doubts.is_withheld, false) as is_withheld,
        doubts.doubt,
        spend.figure_ids as spend_figure_ids
    from spend_index
    inner join spend
        on
            spend_index.financial_year = spend.financial_year
            and spend_index.area_code = spend.area_code
            and spend_index.domain_id = spend.domain_id
            and spend.spend_basis = case spend_index.spend_basis
                when 'total_net_need_adjusted' then 'total_net' else spend_index.spend_basis
            end
    left join uncertainty
        on
            spend.financial_year = uncertainty.financial_year
            and spend.area_code = uncertainty.area_code
            and spend.spend_basis = uncertainty.spend_basis
            and spend.domain_id = uncertainty.domain_id
    left join doubts
        on
            spend_index.financial_year = doubts.financial_year
            and spend_index.area_code = doubts.area_code
            and spend_index.spend_basis = doubts.spend_basis
)

select * from final
order by financial_year, area_code, spend_basis, domain_id
