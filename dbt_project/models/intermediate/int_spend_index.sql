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
        case
            when spend.spend_per_adult_gbp > 0
                then spend.spend_per_adult_gbp / england.england_spend_per_adult_gbp
        end as spend_index,
        spend.is_modelled as is_spend_modelled,
        -- Against England's own change, so that a year in which all spend rises flags nobody for it.
        coalesce(
            abs(
                spend.spend_per_adult_gbp / spend.previous_spend_per_adult_gbp
                / (england.england_spend_per_adult_gbp / last_year.england_spend_per_adult_gbp) - 1
            ) * 100 > {{ var('implausible_spend_change_pct') }},
            false
        ) as is_implausible_change
    from spend
    left join england on spend.financial_year = england.financial_year and spend.spend_basis = england.spend_basis
    left join england as last_year
        on spend.previous_financial_year = last_year.financial_year and spend.spend_basis = last_year.spend_basis
)

select * from final
