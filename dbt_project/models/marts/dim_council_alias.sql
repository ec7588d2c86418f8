-- Names that people write for a council beside its own, for finding it: never joined on.
with

aliases as (select * from {{ ref('council_aliases') }}),

history as (select * from {{ ref('int_council_history') }}),

final as (
    select
        aliases.alias,
        aliases.area_code,
        history.area_name,
        aliases.kind
    from aliases
    inner join history on aliases.area_code = history.area_code
)

select * from final
order by alias
