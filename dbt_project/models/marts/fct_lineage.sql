-- The published figures under each council and year: those of its measures, its spend, its population and its deprivation.
-- Every score, index and rank of the council and year is arithmetic on these and on the same of other councils.
with

measure_values as (
    select * from {{ ref('int_measure_values') }}
    where figure_id is not null
),

council_spend as (
    select * from {{ ref('int_council_spend') }}
    where figure_ids is not null
),

need as (
    select * from {{ ref('int_need') }}
    where deprivation_figure_id is not null
),

population as (select * from {{ ref('int_population') }}),

figures as (select * from {{ ref('stg_figures') }}),

history as (select * from {{ ref('int_council_history') }}),

code_changes as (select * from {{ ref('stg_code_changes') }}),

years as (select distinct financial_year from {{ ref('int_council_spend') }}),

of_measures as (
    select
        financial_year,
        area_code,
        'measure' as component,
        measure_id as component_id,
        figure_id
    from measure_values
    where value is not null
    union all
    select
        financial_year,
        area_code,
        'measure' as component,
        measure_id as component_id,
        denominator_figure_id as figure_id
    from measure_values
    where value is not null and denominator_figure_id is not null
),

of_spend as (
    select distinct
        financial_year,
        area_code,
        'spend' as component,
        spend_basis as component_id,
        unnest(string_split(figure_ids, ' ')) as figure_id
    from council_spend
),

-- The codes whose population figures were used: the council's own, another of the same council, or those it was split into.
population_codes as (
    select
        population.financial_year,
        population.area_code,
        population.population_mid_year,
        others.area_code as counted_code
    from population
    inner join history on population.area_code = history.area_code
    inner join history as others on history.continuity_code = others.continuity_code
    where population.population_basis != 'summed_from_successors'
    union all
    select
        population.financial_year,
        population.area_code,
        population.population_mid_year,
        code_changes.new_code as counted_code
    from population
    inner join code_changes on population.area_code = code_changes.old_code and code_changes.sums_to_old
    where population.population_basis = 'summed_from_successors'
),

of_population as (
    select
        population_codes.financial_year,
        population_codes.area_code,
        'population' as component,
        figures.breakdown as component_id,
        figures.figure_id
    from population_codes
    inner join figures
        on
            figures.framework = 'mid_year_estimates'
            and population_codes.counted_code = figures.area_code
            and figures.period = 'mid-' || population_codes.population_mid_year
),

of_need as (
    select
        financial_year,
        area_code,
        'deprivation' as component,
        'imd_average_score' as component_id,
        deprivation_figure_id as figure_id
    from need
),

united as (
    select * from of_measures
    union all
    select * from of_spend
    union all
    select * from of_population
    union all
    select * from of_need
),

-- obtained says whether the trail ends at the publisher's own file or at a copy or compilation of it
final as (
    select
        united.financial_year,
        united.area_code,
        united.component,
        united.component_id,
        united.figure_id,
        figures.obtained
    from united
    left join figures on united.figure_id = figures.figure_id
    where united.financial_year in (select y.financial_year from years as y)
)

select * from final
order by financial_year, area_code, component, component_id, figure_id
