-- GDP deflator of each financial year; forecast years are published without an index and are absent here.
select
    financial_year,
    value as deflator_index
from {{ ref('stg_figures') }}
where framework = 'gdp_deflator' and value is not null
