-- Weights of domains by set: the project's own and users'.
select
    weight_set,
    domain_id,
    weight
from {{ ref('domain_weights') }}
union all
select
    weight_set,
    domain_id,
    try_cast(weight as double) as weight
from {{ source('raw', 'user_domain_weights') }}
