-- Adult social care gross current expenditure from ASC-FR by care type and age band. GBP thousand become GBP.
select
    figure_id,
    financial_year,
    area_code,
    item,
    breakdown,
    value * 1000 as gross_current_expenditure_gbp
from {{ ref('stg_figures') }}
where framework = 'ascfr' and starts_with(item, 'gross_current_expenditure') and value is not null
