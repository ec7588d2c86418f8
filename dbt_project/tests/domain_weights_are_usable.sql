-- Weights are not negative and every domain of a definition has a measure with weight.
select
    definitions.definition_id,
    domains.domain_id
from {{ ref('index_definitions') }} as definitions
inner join {{ ref('definition_domains') }} as domains
    on definitions.definition_id = domains.definition_id and domains.weight > 0
left join {{ ref('measures') }} as measures on domains.domain_id = measures.domain_id
left join {{ ref('definition_measures') }} as weights
    on definitions.definition_id = weights.definition_id and measures.measure_id = weights.measure_id
group by definitions.definition_id, domains.domain_id
having coalesce(sum(weights.weight), 0) <= 0 or min(weights.weight) < 0
