-- Why a definition cannot be computed, one row for each reason. The gate on definitions lets none through.
with

definitions as (select * from {{ ref('stg_definitions') }}),

spend_bases as (select * from {{ ref('spend_bases') }}),

of_choices as (select * from {{ ref('stg_choice_problems') }}),

of_weights as (select * from {{ ref('stg_weight_problems') }}),

unknown_spend as (
    select
        definitions.definition_id,
        'no spend basis ' || coalesce(definitions.spend_basis, '(empty)') || ': choose '
        || (select string_agg(b.spend_basis, ', ' order by b.spend_basis) from spend_bases as b) as problem
    from definitions
    left join spend_bases on definitions.spend_basis = spend_bases.spend_basis
    where spend_bases.spend_basis is null
),

domain_basis as (
    select
        definitions.definition_id,
        'combination standardised needs a spend basis with one spend for everything, not ' || definitions.spend_basis
            as problem
    from definitions
    inner join spend_bases on definitions.spend_basis = spend_bases.spend_basis
    where definitions.combination = 'standardised' and spend_bases.level = 'domain'
),

twice as (
    select
        definition_id,
        'the id is used by ' || count(*) || ' definitions' as problem
    from definitions
    group by definition_id
    having count(*) > 1
),

final as (
    select * from of_choices
    union all
    select * from unknown_spend
    union all
    select * from of_weights
    union all
    select * from domain_basis
    union all
    select * from twice
)

select
    definition_id,
    problem
from final
