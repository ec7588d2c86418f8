-- What form RO3 of the revenue outturn states twice: columns of a line, ages of a line, and lines beside their total.
with

figures as (select * from {{ ref('stg_all_figures') }}),

outturn as (
    select
        source,
        edition,
        financial_year,
        area_code,
        breakdown,
        regexp_extract(item, '^ro3_(asc[a-z]+)_', 1) as line,
        max(value) filter (ends_with(item, '_employees')) as employees,
        max(value) filter (ends_with(item, '_running_expenses')) as running_expenses,
        max(value) filter (ends_with(item, '_total_expenditure')) as total_expenditure,
        max(value) filter (ends_with(item, '_sales_fees_and_charges')) as sales_fees_and_charges,
        max(value) filter (ends_with(item, '_other_income')) as other_income,
        max(value) filter (ends_with(item, '_total_income')) as total_income,
        max(value) filter (ends_with(item, '_net_current_expenditure')) as net_current_expenditure
    from figures
    where framework = 'revenue_outturn' and starts_with(item, 'ro3_')
    group by all
),

columns_of_the_outturn as (
    select
        'columns of a line of the outturn add up' as relation,
        source,
        edition,
        financial_year,
        area_code,
        'ro3_' || line as item,
        unnest([total_expenditure, total_income, net_current_expenditure]) as stated,
        unnest([
            employees + running_expenses, sales_fees_and_charges + other_income, total_expenditure - total_income
        ]) as worked,
        -- three roundings to a thousand
        1.5 as allowed
    from outturn
),

ages_of_the_outturn as (
    select
        'ages of a line of the outturn add up' as relation,
        totals.source,
        totals.edition,
        totals.financial_year,
        totals.area_code,
        'ro3_' || totals.line as item,
        totals.net_current_expenditure as stated,
        younger.net_current_expenditure + older.net_current_expenditure as worked,
        1.5 as allowed
    from outturn as totals
    inner join outturn as younger
        on
            totals.source = younger.source
            and totals.edition = younger.edition
            and totals.financial_year = younger.financial_year
            and totals.area_code = younger.area_code
            and younger.line = totals.line || 'adl'
    inner join outturn as older
        on
            totals.source = older.source
            and totals.edition = older.edition
            and totals.financial_year = older.financial_year
            and totals.area_code = older.area_code
            and older.line = totals.line || 'old'
),

lines_of_the_outturn as (
    select
        case
            when financial_year >= '2024-25' then 'lines of the outturn add up'
            else 'lines of the outturn add up, in returns that were not held to it'
        end as relation,
        source,
        edition,
        financial_year,
        area_code,
        'ro3_asctot' as item,
        max(net_current_expenditure) filter (line = 'asctot') as stated,
        sum(net_current_expenditure) filter (line != 'asctot') as worked,
        -- GBP thousand; furthest seen in the earlier ones: 23,533
        case when financial_year >= '2024-25' then 15 else 25000 end as allowed
    from outturn
    -- the other totals are the sums of two ages each, which are in
    where breakdown != 'total' or line in ('asctot', 'ascsclasy', 'ascsclisl', 'ascsclsbs')
    group by all
    having count(net_current_expenditure) = count(*)
),

final as (
    select * from columns_of_the_outturn
    union all
    select * from ages_of_the_outturn
    union all
    select * from lines_of_the_outturn
)

select * from final
