-- How far A is from B is how far B is from A.
with distances as (select * from {{ ref('int_peer_distances') }})

select
    one.financial_year,
    one.area_code,
    one.peer_area_code
from distances as one
left join distances as other
    on
        one.financial_year = other.financial_year
        and one.area_code = other.peer_area_code
        and one.peer_area_code = other.area_code
where other.distance is null or abs(one.distance - other.distance) > 1e-12
