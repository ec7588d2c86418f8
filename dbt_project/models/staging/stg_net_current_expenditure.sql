-- Adult social care net current expenditure of each council and year: of the release that stands, GBP.
select
    figure_id,
    financial_year,
    area_code,
    net_current_expenditure_gbp
from {{ ref('stg_outturn_releases') }}
where area_code != 'E92000001' and superseded_by is null and net_current_expenditure_gbp is not null
qualify row_number() over (partition by financial_year, area_code order by precedence) = 1
