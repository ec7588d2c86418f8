-- Spend of each council and year on the basis total_net: net current expenditure per adult, cash and real.
with

council_years as (select * from {{ ref('int_council_years') }}),

spend as (select * from {{ ref('stg_net_current_expenditure') }}),

population as (select * from {{ ref('int_population') }}),

deflators as (select * from {{ ref('stg_deflators') }}),

joined as (
    select
        council_years.financial_year,
        council_years.previous_financial_year,
        council_years.area_code,
        council_years.continuity_code,
        'total_net' as spend_basis,
        spend.figure_id as spend_figure_id,
        spend.net_current_expenditure_gbp as spend_gbp,
        population.population_adults,
        population.population_mid_year,
        population.population_basis,
        coalesce(population.is_modelled, false) as is_modelled,
        spend.net_current_expenditure_gbp / nullif(population.population_adults, 0) as spend_per_adult_gbp,
        spend.net_current_expenditure_gbp * 100 / nullif(population.population_adults, 0) / deflators.deflator_index
            as real_spend_per_adult_gbp
    from council_years
    left join spend
        on
            council_years.area_code = spend.area_code
            and council_years.financial_year = spend.financial_year
    left join population
        on
            council_years.area_code = population.area_code
            and council_years.financial_year = population.financial_year
    left join deflators on council_years.financial_year = deflators.financial_year
),

final as (
    select
        this_year.financial_year,
        this_year.area_code,
        this_year.spend_basis,
        this_year.spend_figure_id,
        this_year.spend_gbp,
        this_year.population_adults,
        this_year.population_mid_year,
        this_year.population_basis,
        this_year.is_modelled,
        this_year.spend_per_adult_gbp,
        this_year.real_spend_per_adult_gbp,
        (this_year.spend_per_adult_gbp / last_year.spend_per_adult_gbp - 1) * 100 as spend_change_pct,
        last_year.spend_per_adult_gbp as previous_spend_per_adult_gbp,
        this_year.previous_financial_year
    from joined as this_year
    left join joined as last_year
        on
            this_year.previous_financial_year = last_year.financial_year
            and this_year.continuity_code = last_year.continuity_code
    where this_year.financial_year in (select spend.financial_year from spend)
)

select * from final
