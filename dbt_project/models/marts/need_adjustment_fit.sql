-- The regression behind need-adjusted spend: its coefficients and how much of the variation it explains, each year.
select
    financial_year,
    councils,
    intercept,
    b_deprivation,
    b_share_65_and_over,
    r_squared
from {{ ref('int_need_adjustment_fit') }}
order by financial_year
