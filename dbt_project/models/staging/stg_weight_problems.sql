-- Why the weights of a definition cannot be, one row for each reason.
with

definitions as (select * from {{ ref('stg_definitions') }}),

domain_weights as (select * from {{ ref('stg_domain_weights') }}),

measure_weights as (select * from {{ ref('stg_measure_weights') }}),

measures as (select * from {{ ref('measures') }}),

domains as (select * from {{ ref('domains') }}),

unknown_measure as (
    select
        definitions.definition_id,
        'unknown measure ' || coalesce(measure_weights.measure_id, '(empty)') || ' in weight set '
        || definitions.weight_set as problem
    from definitions
    inner join measure_weights on definitions.weight_set = measure_weights.weight_set
    left join measures on measure_weights.measure_id = measures.measure_id
    where measures.measure_id is null
),

unknown_domain as (
    select
        definitions.definition_id,
        'unknown domain ' || coalesce(domain_weights.domain_id, '(empty)') || ' in weight set '
        || definitions.weight_set as problem
    from definitions
    inner join domain_weights on definitions.weight_set = domain_weights.weight_set
    left join domains on domain_weights.domain_id = domains.domain_id
    where domains.domain_id is null
),

bad_weight as (
    select
        definitions.definition_id,
        'weights of set ' || definitions.weight_set || ' must be numbers that are not negative' as problem
    from definitions
    where
        definitions.weight_set in (
            select w.weight_set from domain_weights as w
            where w.weight is null or w.weight < 0
            union all
            select w.weight_set from measure_weights as w
            where w.weight is null or w.weight < 0
        )
),

domain_sum as (
    select
        definitions.definition_id,
        'weights of the domains of set '
        || coalesce(definitions.weight_set, '(empty)')
        || ' do not sum to more than zero' as problem
    from definitions
    left join domain_weights on definitions.weight_set = domain_weights.weight_set
    group by definitions.definition_id, definitions.weight_set
    having coalesce(sum(domain_weights.weight), 0) <= 0
),

measure_sum as (
    select
        definitions.definition_id,
        'weights of the measures of ' || domain_weights.domain_id || ' in set ' || definitions.weight_set
        || ' do not sum to more than zero' as problem
    from definitions
    inner join domain_weights on definitions.weight_set = domain_weights.weight_set and domain_weights.weight > 0
    left join measures on domain_weights.domain_id = measures.domain_id
    left join measure_weights
        on definitions.weight_set = measure_weights.weight_set and measures.measure_id = measure_weights.measure_id
    group by definitions.definition_id, definitions.weight_set, domain_weights.domain_id
    having coalesce(sum(measure_weights.weight), 0) <= 0
),

-- Two sets of one name would be added together.
taken_name as (
    select
        definitions.definition_id,
        'weight set ' || definitions.weight_set || ' is the project''s own: give the weights another name' as problem
    from definitions
    where
        definitions.weight_set in (
            select w.weight_set from {{ ref('domain_weights') }} as w
            union all
            select w.weight_set from {{ ref('measure_weights') }} as w
        )
        and definitions.weight_set in (
            select w.weight_set from {{ source('raw', 'user_domain_weights') }} as w
            union all
            select w.weight_set from {{ source('raw', 'user_measure_weights') }} as w
        )
),

final as (
    select * from unknown_measure
    union all
    select * from unknown_domain
    union all
    select * from bad_weight
    union all
    select * from domain_sum
    union all
    select * from measure_sum
    union all
    select * from taken_name
)

select * from final
