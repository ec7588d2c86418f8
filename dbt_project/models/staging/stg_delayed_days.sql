-- Days of delayed transfer in a month by area and attributable organisation.
select
    figure_id,
    financial_year,
    period as month,
    area_code,
    breakdown as organisation,
    value as delayed_days
from {{ ref('stg_figures') }}
where framework = 'delayed_transfers' and item = 'delayed_days'
