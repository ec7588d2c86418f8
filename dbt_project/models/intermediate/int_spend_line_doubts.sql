-- Lines of form RO3 that repeat another line of the same council: the same employees, running expenses and total expenditure for two
-- needs of one age cannot both be right. Where charges tell the line that is wrong apart (its share of income is out of line with the
-- council's other lines of that age), implied_total_gbp is what its income would stand for at their share: an estimate to show, never used.
with

figures as (
    select * from {{ ref('stg_figures') }}
    where framework = 'revenue_outturn' and regexp_matches(item, '^ro3_asc(phy|sns|mmr|lrn|mnt)(adl|old)_')
),

threshold as (
    select threshold * 1000 as least_gbp_thousand
    from {{ ref('doubt_tests') }}
    where test_id = 'identical_lines'
),

lines as (
    select
        financial_year,
        area_code,
        breakdown,
        regexp_extract(item, '^ro3_(asc[a-z]+)_', 1) as line,
        max(value) filter (ends_with(item, '_employees')) as employees,
        max(value) filter (ends_with(item, '_running_expenses')) as running_expenses,
        max(value) filter (ends_with(item, '_total_expenditure')) as total_expenditure,
        max(value) filter (ends_with(item, '_total_income')) as total_income,
        max(figure_id) filter (ends_with(item, '_net_current_expenditure')) as figure_id
    from figures
    where area_code != 'E92000001'
    group by financial_year, area_code, breakdown, line
),

twins as (
    select
        one.*,
        other.line as other_line
    from lines as one
    inner join lines as other
        on
            one.financial_year = other.financial_year
            and one.area_code = other.area_code
            and one.line != other.line
            and one.employees = other.employees
            and one.running_expenses = other.running_expenses
            and one.total_expenditure = other.total_expenditure
    cross join threshold
    where one.employees > 0 and one.total_expenditure > threshold.least_gbp_thousand
),

shares as (
    select
        twins.financial_year,
        twins.area_code,
        twins.line,
        any_value(twins.breakdown) as breakdown,
        any_value(twins.other_line) as other_line,
        any_value(twins.figure_id) as figure_id,
        any_value(twins.total_expenditure) as total_expenditure,
        any_value(twins.total_income) as total_income,
        any_value(twins.total_income) / nullif(any_value(twins.total_expenditure), 0) as income_share,
        sum(lines.total_income) / nullif(sum(lines.total_expenditure), 0) as income_share_of_others
    from twins
    inner join lines
        on
            twins.financial_year = lines.financial_year
            and twins.area_code = lines.area_code
            and twins.breakdown = lines.breakdown
            and twins.line != lines.line
    group by twins.financial_year, twins.area_code, twins.line
),

final as (
    select
        financial_year,
        area_code,
        line,
        breakdown,
        figure_id,
        income_share,
        income_share_of_others,
        case
            when income_share > 2 * income_share_of_others
                then (total_income / income_share_of_others - total_expenditure) * 1000
        end as implied_shortfall_gbp,
        'Line ' || line || ' of form RO3 has the same employees, running expenses and total (GBP '
        || cast(round(total_expenditure) as bigint) || ' thousand) as line ' || other_line
        || '; income is ' || printf('%.0f', 100 * income_share) || ' % of it, of the council''s other lines of that age '
        || printf('%.0f', 100 * income_share_of_others) || ' %' as evidence
    from shares
)

select * from final
