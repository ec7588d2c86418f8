-- Spend per head ÷ England's. England is the sum of the councils that have both a spend and a population.
with

spend as (select * from {{ ref('int_council_spend') }}),

england as (
    select
        financial_year,
        spend_basis,
        sum(spend_gbp) / sum(population_adults) as england_spend_per_adult_gbp
    from spend
    where spend_per_adult_gbp is not null
    group by financial_year, spend_basis
),

final as (
    select
        spend.financial_year,
        spend.area_code,
        spend.spend_basis,
        spend.spend_per_adult_gbp,
        england.england_spend_per_adult_gbp,
        case when spend.spend_per_adult_gbp > 0
            then spend.spend_per_adult_gbp / england.england_spend_per_adult_gbp
        end as spend_index,
        spend.is_modelled as is_spend_modelled,
        spend.is_implausible_change
    from spend
    left join england on spend.financial_year = england.financial_year and spend.spend_basis = england.spend_basis
)

select * from final
