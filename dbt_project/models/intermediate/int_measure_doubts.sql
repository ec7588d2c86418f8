-- Values of measures that cannot be believed as they stand, one row a test, council, year and measure.
-- measure_jump and measure_collapse: int_measure_jumps. measure_level, publisher_note and months_swing: see doubt_tests.
with

measure_values as (
    select * from {{ ref('int_measure_values') }}
    where value is not null and value_basis != 'carried_forward'
),

figures as (select * from {{ ref('stg_figures') }}),

tests as (
    select
        max(threshold) filter (test_id = 'measure_level') as least_rate,
        max(threshold) filter (test_id = 'months_swing') as swing
    from {{ ref('doubt_tests') }}
),

of_chronic_conditions as (
    select
        measure_values.*,
        figures.locator
    from measure_values
    inner join figures on measure_values.figure_id = figures.figure_id
    where figures.framework = 'nhs_outcomes_framework'
),

levels as (
    select
        of_chronic_conditions.measure_id,
        of_chronic_conditions.financial_year,
        of_chronic_conditions.area_code,
        of_chronic_conditions.figure_id,
        'measure_level' as test_id,
        round(of_chronic_conditions.value, 1) || ' per 100,000: below ' || cast(tests.least_rate as integer)
        || ', as where trusts under-reported' as evidence
    from of_chronic_conditions
    cross join tests
    where of_chronic_conditions.value < tests.least_rate
),

notes as (
    select
        measure_id,
        financial_year,
        area_code,
        figure_id,
        'publisher_note' as test_id,
        'The source says of it: ' || regexp_extract(locator, '\((.*)\)', 1) as evidence
    from of_chronic_conditions
    where contains(locator, 'incomplete')
),

months as (
    select
        financial_year,
        area_code,
        min(value) as least_discharges,
        max(value) as most_discharges
    from figures
    where framework = 'discharge_ready_date' and item = 'discharges_in_month'
    group by financial_year, area_code
),

swings as (
    select
        measure_values.measure_id,
        measure_values.financial_year,
        measure_values.area_code,
        measure_values.figure_id,
        'months_swing' as test_id,
        'Discharges with acceptable data run from ' || cast(months.least_discharges as integer) || ' to '
        || cast(months.most_discharges as integer) || ' a month' as evidence
    from measure_values
    inner join figures on measure_values.figure_id = figures.figure_id and figures.framework = 'discharge_ready_date'
    inner join months
        on measure_values.financial_year = months.financial_year and measure_values.area_code = months.area_code
    cross join tests
    where months.most_discharges > tests.swing * months.least_discharges
),

final as (
    select
        measure_id,
        financial_year,
        area_code,
        figure_id,
        test_id,
        evidence
    from {{ ref('int_measure_jumps') }}
    union all
    select * from levels
    union all
    select * from notes
    union all
    select * from swings
)

select * from final
