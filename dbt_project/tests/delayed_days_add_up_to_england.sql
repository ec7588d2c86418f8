-- Councils plus non-residents add up to England in every month and for every organisation.
select
    month,
    organisation,
    sum(delayed_days) filter (area_code = 'E92000001') as england,
    sum(delayed_days) filter (area_code != 'E92000001') as councils_and_non_residents
from {{ ref('stg_delayed_days') }}
group by month, organisation
having england is distinct from councils_and_non_residents
