-- How far spend per adult may be from what it is said to be, one standard deviation in per cent: of the spend as its kind is stated, and of
-- a population that was rolled forward from the census of 2011, whose error grew every year to the step that the census of 2021 showed.
with

spend as (select * from {{ ref('int_council_spend') }}),

council_years as (select * from {{ ref('int_council_years') }}),

steps as (select * from {{ ref('int_population_step') }}),

kinds as (select * from {{ ref('spend_uncertainty') }}),

joined as (
    select
        spend.financial_year,
        spend.area_code,
        spend.spend_basis,
        spend.domain_id,
        kinds.variation_pct as spend_variation_pct,
        case
            when spend.population_mid_year <= 2020
                then 100 * abs(coalesce(steps.step, 0)) * (spend.population_mid_year - 2011) / (2020.0 - 2011.0)
            else 0
        end as population_variation_pct
    from spend
    inner join council_years
        on spend.financial_year = council_years.financial_year and spend.area_code = council_years.area_code
    inner join kinds on kinds.spend_kind = case when spend.is_modelled then 'modelled' else 'published' end
    left join steps on council_years.continuity_code = steps.continuity_code
),

final as (
    select
        financial_year,
        area_code,
        spend_basis,
        domain_id,
        population_variation_pct,
        sqrt(power(spend_variation_pct, 2) + power(population_variation_pct, 2)) as variation_pct
    from joined
)

select * from final
