-- Weights of measures in their domain by set: the project's own and users'.
select
    weight_set,
    measure_id,
    weight
from {{ ref('measure_weights') }}
union all
select
    weight_set,
    measure_id,
    try_cast(weight as double) as weight
from {{ source('raw', 'user_measure_weights') }}
