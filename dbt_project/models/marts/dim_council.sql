-- Councils, one row for each ONS code they have had.
with

history as (select * from {{ ref('int_council_history') }}),

exclusions as (select * from {{ ref('ranking_exclusions') }}),

hexagons as (select * from {{ source('raw', 'hex_layout') }}),

final as (
    select
        history.area_code,
        history.area_name,
        history.council_type,
        history.region,
        history.cassr_code,
        history.continuity_code,
        history.in_force_from,
        history.in_force_until,
        history.predecessor_codes,
        history.successor_codes,
        history.ended_by,
        exclusions.reason is null as is_rankable,
        exclusions.reason as exclusion_reason,
        cast(hexagons.q as integer) as hex_q,
        cast(hexagons.r as integer) as hex_r
    from history
    left join exclusions on history.area_code = exclusions.area_code
    left join hexagons on history.area_code = hexagons.area_code
)

select * from final
order by area_code
