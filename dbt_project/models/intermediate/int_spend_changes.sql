-- How each rankable council's net spend changed against England's change of the year, in logarithms of GBP: not per adult, so that the
-- census of 2021 is no jump of spend. z is in robust standard deviations of all councils' changes of the year (1.4826 × median absolute
-- deviation). second_source_step is the same change in the councils' finance return (long-term gross expenditure), where both years have one.
with

council_years as (
    select * from {{ ref('int_council_years') }}
    where is_rankable
),

net as (
    select * from {{ ref('stg_net_current_expenditure') }}
    where net_current_expenditure_gbp > 0
),

gross as (
    select
        financial_year,
        area_code,
        sum(gross_current_expenditure_gbp) as long_term_gross_gbp
    from {{ ref('stg_gross_current_expenditure') }}
    where item = 'gross_current_expenditure_long_term' and area_code != 'E92000001'
    group by financial_year, area_code
    having count(*) = 2
),

spend as (
    select
        council_years.financial_year,
        council_years.previous_financial_year,
        council_years.area_code,
        council_years.continuity_code,
        net.figure_id,
        net.net_current_expenditure_gbp,
        gross.long_term_gross_gbp,
        ln(net.net_current_expenditure_gbp) as log_net,
        ln(gross.long_term_gross_gbp) as log_gross
    from council_years
    inner join net on council_years.financial_year = net.financial_year and council_years.area_code = net.area_code
    left join gross on council_years.financial_year = gross.financial_year and council_years.area_code = gross.area_code
),

changes as (
    select
        this_year.financial_year,
        this_year.previous_financial_year,
        this_year.area_code,
        this_year.continuity_code,
        this_year.figure_id,
        this_year.net_current_expenditure_gbp,
        this_year.long_term_gross_gbp,
        (this_year.net_current_expenditure_gbp / last_year.net_current_expenditure_gbp - 1) * 100 as change_pct,
        this_year.log_net - last_year.log_net as log_change,
        this_year.log_gross - last_year.log_gross as gross_log_change
    from spend as this_year
    left join spend as last_year
        on
            this_year.previous_financial_year = last_year.financial_year
            and this_year.continuity_code = last_year.continuity_code
),

england as (
    select
        financial_year,
        median(log_change) as median_change,
        1.4826 * mad(log_change) as deviation,
        median(gross_log_change) as median_gross_change
    from changes
    group by financial_year
),

final as (
    select
        changes.financial_year,
        changes.previous_financial_year,
        changes.area_code,
        changes.continuity_code,
        changes.figure_id,
        changes.net_current_expenditure_gbp,
        changes.long_term_gross_gbp,
        changes.change_pct,
        england.deviation,
        changes.log_change - england.median_change as step,
        (changes.log_change - england.median_change) / nullif(england.deviation, 0) as z,
        changes.gross_log_change - england.median_gross_change as second_source_step
    from changes
    inner join england on changes.financial_year = england.financial_year
)

select * from final
