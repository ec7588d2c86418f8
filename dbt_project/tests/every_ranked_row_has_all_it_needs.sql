-- Ranks run from 1 without gaps; a ranked row has every number behind it, an unranked one a reason.
with ranking as (select * from {{ ref('productivity_ranking') }})

select
    definition_id,
    financial_year,
    'ranks have gaps' as problem
from ranking
group by definition_id, financial_year
having count(distinct rank) != coalesce(max(rank), 0)
union all
select
    definition_id,
    financial_year,
    area_code || ' is ranked with a number missing, or unranked without a reason' as problem
from ranking
where
    (rank is null) = (unranked_reason is null)
    or (rank is not null and (productivity is null or outcome_score is null or outcome_score <= 0))
