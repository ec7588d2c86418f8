-- Adult social care net current expenditure as each release of the revenue outturn had it, councils and England, GBP.
-- Three items are one line: of the summary (RS) or the data set of many years, of RSX, and the total of form RO3.
-- precedence: which of them stands where several are held; the compiled table is of a later release than the forms.
with

figures as (select * from {{ ref('stg_all_figures') }}),

final as (
    select
        figure_id,
        source,
        edition,
        financial_year,
        area_code,
        item,
        value * 1000 as net_current_expenditure_gbp,
        mark,
        superseded_by,
        case item
            when 'adult_social_care_net_current_expenditure' then 1
            when 'rsx_asc_net_current_expenditure' then 2
            when 'ro3_asctot_net_current_expenditure' then 3
        end as precedence
    from figures
    where
        framework = 'revenue_outturn'
        and item in (
            'adult_social_care_net_current_expenditure',
            'rsx_asc_net_current_expenditure',
            'ro3_asctot_net_current_expenditure'
        )
)

select * from final
