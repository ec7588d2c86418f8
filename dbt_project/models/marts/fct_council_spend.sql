-- Spend of each council and year, cash and real, with how its population was had and whether it jumped.
with

spend as (select * from {{ ref('int_council_spend') }}),

spend_index as (select * from {{ ref('int_spend_index') }}),

final as (
    select
        spend.financial_year,
        spend.area_code,
        spend.spend_basis,
        spend.spend_gbp,
        spend.population_adults,
        spend.population_mid_year,
        spend.population_basis,
        spend.is_modelled,
        spend.spend_per_adult_gbp,
        spend.real_spend_per_adult_gbp,
        spend_index.england_spend_per_adult_gbp,
        spend_index.spend_index,
        spend.spend_change_pct,
        spend_index.is_implausible_change,
        spend.spend_figure_id
    from spend
    inner join spend_index
        on
            spend.financial_year = spend_index.financial_year
            and spend.area_code = spend_index.area_code
            and spend.spend_basis = spend_index.spend_basis
)

select * from final
order by financial_year, area_code, spend_basis
