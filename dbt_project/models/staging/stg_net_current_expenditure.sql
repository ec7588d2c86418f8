-- Adult social care net current expenditure from revenue outturn. GBP thousand become GBP.
select
    figure_id,
    financial_year,
    area_code,
    value * 1000 as net_current_expenditure_gbp
from {{ ref('stg_figures') }}
where
    framework = 'revenue_outturn'
    and item in ('adult_social_care_net_current_expenditure', 'ro3_asctot_net_current_expenditure')
    and area_code != 'E92000001'
    and value is not null
-- where both the summary and form RO3 are held, the summary stands
qualify row_number() over (partition by financial_year, area_code order by item) = 1
