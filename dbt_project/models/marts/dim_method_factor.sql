-- The choices that are varied when the uncertainty of ranks is simulated, and what each varies between.
select
    factor_id,
    factor_name,
    alternative,
    probability / sum(probability) over (partition by factor_id) as probability,
    low,
    high,
    meaning
from {{ ref('method_factors') }}
order by factor_id, alternative
