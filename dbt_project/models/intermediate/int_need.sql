-- What spend depends on and councils do not choose: deprivation and age structure.
-- A council that was split off has no average score of its own in the edition: it takes its predecessor's, and says so.
with

council_years as (select * from {{ ref('int_council_years') }}),

years as (select * from {{ ref('financial_years') }}),

history as (select * from {{ ref('int_council_history') }}),

code_changes as (select * from {{ ref('stg_code_changes') }}),

population as (select * from {{ ref('int_population') }}),

deprivation as (
    select
        figure_id,
        area_code,
        cast(period as integer) as deprivation_year,
        value as deprivation_score
    from {{ ref('stg_figures') }}
    where framework = 'index_of_multiple_deprivation' and item = 'imd_average_score' and value is not null
),

by_continuity as (
    select
        history.continuity_code,
        deprivation.figure_id,
        deprivation.deprivation_year,
        deprivation.deprivation_score
    from deprivation
    inner join history on deprivation.area_code = history.area_code
),

frame as (
    select
        council_years.financial_year,
        council_years.area_code,
        council_years.continuity_code,
        years.deprivation_year
    from council_years
    inner join years on council_years.financial_year = years.financial_year
),

-- The council itself under any code (1), else the council it came from (2).
candidates as (
    select
        frame.financial_year,
        frame.area_code,
        by_continuity.figure_id,
        by_continuity.deprivation_score,
        1 as preference
    from frame
    inner join by_continuity
        on
            frame.continuity_code = by_continuity.continuity_code
            and frame.deprivation_year = by_continuity.deprivation_year
    union all
    select
        frame.financial_year,
        frame.area_code,
        deprivation.figure_id,
        deprivation.deprivation_score,
        2 as preference
    from frame
    inner join code_changes on frame.area_code = code_changes.new_code and code_changes.sums_to_old
    inner join deprivation
        on code_changes.old_code = deprivation.area_code and frame.deprivation_year = deprivation.deprivation_year
),

chosen as (
    select *
    from candidates
    qualify row_number() over (partition by financial_year, area_code order by preference asc, figure_id asc) = 1
),

final as (
    select
        frame.financial_year,
        frame.area_code,
        chosen.deprivation_score,
        frame.deprivation_year,
        chosen.figure_id as deprivation_figure_id,
        chosen.preference = 2 as is_predecessors_deprivation,
        100.0 * population.population_65_and_over / nullif(population.population_adults, 0) as share_65_and_over_pct,
        population.population_adults
    from frame
    left join chosen on frame.financial_year = chosen.financial_year and frame.area_code = chosen.area_code
    left join population on frame.financial_year = population.financial_year and frame.area_code = population.area_code
)

select * from final
