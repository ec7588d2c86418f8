-- The break of the denominator: estimates of mid-2015 to mid-2020 were rolled forward from the census of 2011, those from mid-2021 rest on
-- the census of 2021. step: how far the logarithm of a council's adults moved from mid-2020 to mid-2021 beyond the median council.
with

population as (
    select * from {{ ref('int_population') }}
    where population_basis != 'carried_forward'
),

council_years as (
    select * from {{ ref('int_council_years') }}
    where is_rankable
),

adults as (
    select
        council_years.mid_year,
        council_years.area_code,
        council_years.continuity_code,
        ln(population.population_adults) as log_adults
    from council_years
    inner join population
        on
            council_years.financial_year = population.financial_year
            and council_years.area_code = population.area_code
),

steps as (
    select
        after_census.continuity_code,
        after_census.log_adults - before_census.log_adults as change
    from adults as after_census
    inner join adults as before_census
        on
            after_census.continuity_code = before_census.continuity_code
            and after_census.mid_year = 2021
            and before_census.mid_year = 2020
),

final as (
    select
        continuity_code,
        change - median(change) over () as step
    from steps
)

select * from final
