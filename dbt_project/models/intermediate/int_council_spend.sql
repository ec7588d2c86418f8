-- Spend of each council and year on each basis: GBP, per head of those it is for, cash and real.
-- domain_id is 'all' where the basis has one spend for everything.
with

council_years as (select * from {{ ref('int_council_years') }}),

net as (select * from {{ ref('stg_net_current_expenditure') }}),

domain_spend as (
    select
        'by_domain_gross' as spend_basis,
        financial_year,
        area_code,
        domain_id,
        spend_gbp,
        figure_ids,
        is_interpolated
    from {{ ref('int_domain_spend') }}
    union all
    select
        'by_domain_net' as spend_basis,
        financial_year,
        area_code,
        domain_id,
        spend_gbp,
        figure_ids,
        false as is_interpolated
    from {{ ref('int_domain_net_spend') }}
),

domain_spend_years as (
    select distinct
        spend_basis,
        financial_year
    from domain_spend
),

population as (select * from {{ ref('int_population') }}),

deflators as (select * from {{ ref('stg_deflators') }}),

domains as (select * from {{ ref('domains') }}),

wider as (select * from {{ ref('int_total_expenditure') }}),

wider_years as (
    select distinct
        spend_basis,
        financial_year
    from wider
),

by_total_expenditure as (
    select
        council_years.financial_year,
        council_years.area_code,
        wider_years.spend_basis,
        'all' as domain_id,
        wider.figure_ids,
        wider.spend_gbp,
        population.population_adults as population,
        false as is_interpolated
    from council_years
    inner join wider_years on council_years.financial_year = wider_years.financial_year
    left join wider
        on
            wider_years.spend_basis = wider.spend_basis
            and council_years.financial_year = wider.financial_year
            and council_years.area_code = wider.area_code
    left join population
        on
            council_years.area_code = population.area_code
            and council_years.financial_year = population.financial_year
),

total as (
    select
        council_years.financial_year,
        council_years.area_code,
        'total_net' as spend_basis,
        'all' as domain_id,
        net.figure_id as figure_ids,
        net.net_current_expenditure_gbp as spend_gbp,
        population.population_adults as population,
        false as is_interpolated
    from council_years
    left join net on council_years.area_code = net.area_code and council_years.financial_year = net.financial_year
    left join population
        on
            council_years.area_code = population.area_code
            and council_years.financial_year = population.financial_year
    where council_years.financial_year in (select n.financial_year from net as n)
),

by_domain as (
    select
        council_years.financial_year,
        council_years.area_code,
        domain_spend_years.spend_basis,
        domains.domain_id,
        domain_spend.figure_ids,
        domain_spend.spend_gbp,
        case domains.domain_id
            when 'older_adults' then population.population_65_and_over
            when 'all_age_disability' then population.population_18_to_64
            else population.population_adults
        end as population,
        coalesce(domain_spend.is_interpolated, false) as is_interpolated
    from council_years
    inner join domain_spend_years on council_years.financial_year = domain_spend_years.financial_year
    cross join domains
    left join domain_spend
        on
            domain_spend_years.spend_basis = domain_spend.spend_basis
            and council_years.area_code = domain_spend.area_code
            and council_years.financial_year = domain_spend.financial_year
            and domains.domain_id = domain_spend.domain_id
    left join population
        on
            council_years.area_code = population.area_code
            and council_years.financial_year = population.financial_year
),

united as (
    select * from total
    union all
    select * from by_total_expenditure
    union all
    select * from by_domain
),

joined as (
    select
        united.financial_year,
        council_years.previous_financial_year,
        united.area_code,
        council_years.continuity_code,
        united.spend_basis,
        united.domain_id,
        united.figure_ids,
        united.spend_gbp,
        united.population,
        population.population_mid_year,
        population.population_basis,
        coalesce(population.is_modelled, false) or united.is_interpolated as is_modelled,
        united.is_interpolated,
        united.spend_gbp / nullif(united.population, 0) as spend_per_head_gbp,
        united.spend_gbp * 100 / nullif(united.population, 0) / deflators.deflator_index as real_spend_per_head_gbp
    from united
    inner join council_years
        on united.financial_year = council_years.financial_year and united.area_code = council_years.area_code
    left join population
        on united.financial_year = population.financial_year and united.area_code = population.area_code
    left join deflators on united.financial_year = deflators.financial_year
),

final as (
    select
        this_year.financial_year,
        this_year.previous_financial_year,
        this_year.area_code,
        this_year.spend_basis,
        this_year.domain_id,
        this_year.figure_ids,
        this_year.spend_gbp,
        this_year.population,
        this_year.population_mid_year,
        this_year.population_basis,
        this_year.is_modelled,
        this_year.is_interpolated,
        this_year.spend_per_head_gbp,
        this_year.real_spend_per_head_gbp,
        -- of GBP, not per head: the population changes its base with the census
        (this_year.spend_gbp / nullif(last_year.spend_gbp, 0) - 1) * 100 as spend_change_pct
    from joined as this_year
    left join joined as last_year
        on
            this_year.previous_financial_year = last_year.financial_year
            and this_year.continuity_code = last_year.continuity_code
            and this_year.spend_basis = last_year.spend_basis
            and this_year.domain_id = last_year.domain_id
)

select * from final
