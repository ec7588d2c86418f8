-- Values of rankable councils turned so that higher is better, for each definition that uses the measure. A value that is withheld is
-- missing where the definition withholds doubtful figures. A value that serves two measures counts half in each.
with

measure_values as (select * from {{ ref('int_measure_values') }}),

council_years as (select * from {{ ref('int_council_years') }}),

measures as (select * from {{ ref('measures') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

weights as (select * from {{ ref('stg_measure_weights') }}),

shared as (select * from {{ ref('int_measure_shared_sources') }}),

england as (select * from {{ ref('int_england_values') }}),

withheld as (
    select distinct
        subject_id as measure_id,
        figure_id
    from {{ ref('int_doubts') }}
    where subject = 'measure' and is_withheld
),

joined as (
    select
        definitions.definition_id,
        measure_values.financial_year,
        measure_values.area_code,
        measure_values.measure_id,
        measures.domain_id,
        measures.polarity,
        weights.weight / coalesce(shared.measures_of_the_source, 1) as weight,
        withheld.figure_id is not null and definitions.doubtful_figures = 'withhold' as is_withheld,
        measure_values.value_basis = 'carried_forward' and measure_values.value is not null as is_carried_forward,
        measure_values.value,
        england.england_value,
        measures.goalpost_worst * measures.polarity as oriented_worst,
        measures.goalpost_best * measures.polarity as oriented_best
    from measure_values
    inner join council_years
        on
            measure_values.financial_year = council_years.financial_year
            and measure_values.area_code = council_years.area_code
            and council_years.is_rankable
    inner join measures on measure_values.measure_id = measures.measure_id
    inner join weights on measure_values.measure_id = weights.measure_id and weights.weight > 0
    inner join definitions on weights.weight_set = definitions.weight_set
    left join shared
        on
            weights.weight_set = shared.weight_set
            and measure_values.value_year = shared.financial_year
            and measure_values.measure_id = shared.measure_id
    left join england
        on measure_values.measure_id = england.measure_id and measure_values.value_year = england.financial_year
    left join withheld
        on measure_values.measure_id = withheld.measure_id and measure_values.figure_id = withheld.figure_id
),

final as (
    select
        * exclude (value),
        case when not is_withheld then value end as value,
        case when not is_withheld then value * polarity end as oriented_value
    from joined
)

select * from final
