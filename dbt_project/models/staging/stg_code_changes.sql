-- Changes of councils and their codes, with what each kind of change means for the area.
with

changes as (select * from {{ source('raw', 'code_changes') }}),

kinds as (select * from {{ ref('code_change_kinds') }}),

final as (
    select
        cast(changes.date as date) as changed_on,
        changes.kind,
        nullif(changes.old_code, '') as old_code,
        changes.new_code,
        changes.new_name,
        changes.note,
        kinds.ends_old_code,
        kinds.same_area,
        kinds.sums_to_old
    from changes
    inner join kinds on changes.kind = kinds.kind
)

select * from final
