-- Two years of the same council over the same area that have a productivity, with what the contributions to a change are made of.
-- A standardised combination is not a ratio, and a mean of three years has no one year before: they have no rows.
with

definitions as (select * from {{ ref('stg_definitions') }}),

spend_bases as (select * from {{ ref('spend_bases') }}),

annual as (select * from {{ ref('int_annual_productivity') }}),

final as (
    select
        this_year.definition_id,
        definitions.k,
        definitions.domain_aggregation,
        definitions.outcome_aggregation,
        definitions.spend_basis,
        definitions.weight_set,
        spend_bases.level,
        this_year.financial_year,
        this_year.area_code,
        last_year.financial_year as year_before,
        last_year.area_code as code_before,
        this_year.productivity as p1,
        last_year.productivity as p0,
        this_year.outcome_score as o1,
        last_year.outcome_score as o0,
        this_year.spend_index as i1,
        last_year.spend_index as i0,
        {{ log_mean('this_year.productivity', 'last_year.productivity') }} as mean_p,
        {{ log_mean('this_year.outcome_score', 'last_year.outcome_score') }} as mean_o
    from annual as this_year
    inner join definitions
        on
            this_year.definition_id = definitions.definition_id
            and definitions.window_years = 1
            and definitions.combination = 'ratio'
    inner join spend_bases on definitions.spend_basis = spend_bases.spend_basis
    inner join annual as last_year
        on
            this_year.definition_id = last_year.definition_id
            and this_year.previous_financial_year = last_year.financial_year
            and this_year.continuity_code = last_year.continuity_code
    where this_year.productivity is not null and last_year.productivity is not null
)

select * from final
