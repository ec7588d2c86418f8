-- The most similar councils of each council and year, nearest first.
with

distances as (select * from {{ ref('int_peer_distances') }}),

final as (
    select
        financial_year,
        area_code,
        peer_area_code,
        distance,
        row_number() over (partition by financial_year, area_code order by distance asc, peer_area_code asc) as nearness
    from distances
    qualify nearness <= {{ var('peers') }}
)

select * from final
order by financial_year, area_code, nearness
