-- The share of all weight that each measure in force has in each definition and year, if no council missed anything.
with

oriented as (select * from {{ ref('int_oriented_values') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

domain_weights as (select * from {{ ref('stg_domain_weights') }}),

in_force as (
    select distinct
        definition_id,
        financial_year,
        measure_id,
        domain_id,
        weight
    from oriented
),

domain_shares as (
    select
        definitions.definition_id,
        domain_weights.domain_id,
        domain_weights.weight / sum(domain_weights.weight) over (partition by definitions.definition_id) as domain_share
    from definitions
    inner join domain_weights on definitions.weight_set = domain_weights.weight_set and domain_weights.weight > 0
),

final as (
    select
        in_force.definition_id,
        in_force.financial_year,
        in_force.domain_id,
        in_force.measure_id,
        domain_shares.domain_share * in_force.weight / sum(in_force.weight) over (
            partition by in_force.definition_id, in_force.financial_year, in_force.domain_id
        ) as share
    from in_force
    inner join domain_shares
        on in_force.definition_id = domain_shares.definition_id and in_force.domain_id = domain_shares.domain_id
)

select * from final
