-- Every code a council has had: when it was in force, and the last code of the same council for the same area.
with recursive

councils as (select * from {{ ref('stg_councils') }}),

code_changes as (select * from {{ ref('stg_code_changes') }}),

-- 2025's new codes are not in the councils' table: the council keeps the name and region of its old code.
known as (
    select
        area_code,
        area_name,
        council_type,
        region,
        cassr_code
    from councils
    union all
    select
        code_changes.new_code,
        councils.area_name,
        councils.council_type,
        councils.region,
        councils.cassr_code
    from code_changes
    inner join councils on code_changes.old_code = councils.area_code
    left join councils as already on code_changes.new_code = already.area_code
    where code_changes.same_area and already.area_code is null
),

chain as (
    select
        area_code,
        area_code as continuity_code
    from known
    union all
    select
        chain.area_code,
        code_changes.new_code
    from chain
    inner join code_changes on chain.continuity_code = code_changes.old_code
    where code_changes.same_area
),

-- The end of the chain: the code that no change of the same area replaces.
continuity as (
    select
        area_code,
        continuity_code
    from chain
    where not exists (
        select 1 from code_changes
        where code_changes.same_area and code_changes.old_code = chain.continuity_code
    )
),

spans as (
    select
        known.area_code,
        max(began.changed_on) as in_force_from,
        min(ended.changed_on) as in_force_until
    from known
    left join code_changes as began on known.area_code = began.new_code
    left join code_changes as ended on known.area_code = ended.old_code and ended.ends_old_code
    group by known.area_code
),

predecessors as (
    select
        new_code as area_code,
        string_agg(old_code, ' ' order by old_code) as predecessor_codes
    from code_changes
    where old_code is not null
    group by new_code
),

successors as (
    select
        old_code as area_code,
        string_agg(new_code, ' ' order by new_code) as successor_codes,
        string_agg(distinct kind, ', ' order by kind) as ended_by
    from code_changes
    where old_code is not null
    group by old_code
),

final as (
    select
        known.area_code,
        known.area_name,
        known.council_type,
        known.region,
        known.cassr_code,
        continuity.continuity_code,
        spans.in_force_from,
        spans.in_force_until,
        predecessors.predecessor_codes,
        successors.successor_codes,
        successors.ended_by
    from known
    inner join continuity on known.area_code = continuity.area_code
    inner join spans on known.area_code = spans.area_code
    left join predecessors on known.area_code = predecessors.area_code
    left join successors on known.area_code = successors.area_code
)

select * from final
