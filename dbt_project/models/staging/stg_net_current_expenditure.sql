-- Adult social care net current expenditure from revenue outturn. GBP thousand become GBP.
select
    figure_id,
    financial_year,
    area_code,
    value * 1000 as net_current_expenditure_gbp
from {{ ref('stg_figures') }}
where framework = 'revenue_outturn' and item = 'adult_social_care_net_current_expenditure' and value is not null
