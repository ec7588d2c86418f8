-- Weight of each domain in each definition.
with

definitions as (select * from {{ ref('stg_definitions') }}),

domain_weights as (select * from {{ ref('stg_domain_weights') }}),

domains as (select * from {{ ref('domains') }}),

final as (
    select
        definitions.definition_id,
        domain_weights.domain_id,
        domains.domain_name,
        domains.display_order as domain_order,
        domain_weights.weight as domain_weight
    from definitions
    inner join domain_weights on definitions.weight_set = domain_weights.weight_set
    inner join domains on domain_weights.domain_id = domains.domain_id
)

select * from final
order by definition_id, domain_order
