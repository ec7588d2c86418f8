-- Adults of each council and year, and how the number was had. The middle of 2017 belongs to 2017-18.
--   published               under the council's own code
--   recoded                 under another code of the same council and area
--   summed_from_successors  the councils that a split council became add up to it
--   carried_forward         the last mid-year before: modelled
with

council_years as (select * from {{ ref('int_council_years') }}),

history as (select * from {{ ref('int_council_history') }}),

code_changes as (select * from {{ ref('stg_code_changes') }}),

population as (select * from {{ ref('stg_population') }}),

published as (
    select
        council_years.financial_year,
        council_years.area_code,
        population.population_18_to_64,
        population.population_65_and_over,
        population.mid_year,
        'published' as population_basis,
        1 as preference
    from council_years
    inner join population
        on council_years.area_code = population.area_code and council_years.mid_year = population.mid_year
),

by_continuity as (
    select
        history.continuity_code,
        population.*
    from population
    inner join history on population.area_code = history.area_code
),

recoded as (
    select
        council_years.financial_year,
        council_years.area_code,
        by_continuity.population_18_to_64,
        by_continuity.population_65_and_over,
        by_continuity.mid_year,
        'recoded' as population_basis,
        2 as preference
    from council_years
    inner join by_continuity
        on
            council_years.continuity_code = by_continuity.continuity_code
            and council_years.area_code != by_continuity.area_code
            and council_years.mid_year = by_continuity.mid_year
),

parts as (
    select
        old_code,
        new_code,
        count(*) over (partition by old_code) as parts_expected
    from code_changes
    where sums_to_old and old_code is not null
),

summed as (
    select
        council_years.financial_year,
        council_years.area_code,
        sum(population.population_18_to_64) as population_18_to_64,
        sum(population.population_65_and_over) as population_65_and_over,
        council_years.mid_year,
        'summed_from_successors' as population_basis,
        3 as preference
    from council_years
    inner join parts on council_years.area_code = parts.old_code
    inner join population on parts.new_code = population.area_code and council_years.mid_year = population.mid_year
    group by council_years.financial_year, council_years.area_code, council_years.mid_year
    having count(*) = max(parts.parts_expected)
),

carried_forward as (
    select
        council_years.financial_year,
        council_years.area_code,
        by_continuity.population_18_to_64,
        by_continuity.population_65_and_over,
        by_continuity.mid_year,
        'carried_forward' as population_basis,
        4 as preference
    from council_years
    inner join by_continuity
        on
            council_years.continuity_code = by_continuity.continuity_code
            and council_years.mid_year > by_continuity.mid_year
),

candidates as (
    select * from published
    union all
    select * from recoded
    union all
    select * from summed
    union all
    select * from carried_forward
),

final as (
    select
        financial_year,
        area_code,
        population_18_to_64,
        population_65_and_over,
        population_18_to_64 + population_65_and_over as population_adults,
        mid_year as population_mid_year,
        population_basis,
        population_basis = 'carried_forward' as is_modelled
    from candidates
    qualify
        row_number() over (partition by financial_year, area_code order by preference asc, mid_year desc) = 1
)

select * from final
