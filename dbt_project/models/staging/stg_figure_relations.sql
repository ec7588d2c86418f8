-- Where one publication says a thing twice: a row for each pair that can be held against each other, what is stated, what its parts make, how far
-- apart they are and how far they may be. Figures without a value are in no pair, and a relation of sums needs all its parts.
with

united as (
    select * from {{ ref('stg_relations_of_ascof') }}
    union all
    select * from {{ ref('stg_relations_of_outturn') }}
    union all
    select * from {{ ref('stg_relations_of_other_sources') }}
)

select
    relation,
    source,
    edition,
    financial_year,
    area_code,
    item,
    stated,
    worked,
    allowed,
    abs(stated - worked) as difference
from united
where stated is not null and worked is not null
