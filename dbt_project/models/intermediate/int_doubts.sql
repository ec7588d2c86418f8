-- Every figure that is doubtful and what was decided of it: one row a subject, council and year.
-- Detected by a test, whose decision stands, or named by a person in the seed doubtful_figures, whose decision overrides. Nothing is
-- deleted and no figure is replaced: `withheld` leaves it out of definitions that withhold, `kept` and `kept, wider` use it, flagged.
with

tests as (select * from {{ ref('doubt_tests') }}),

named as (select * from {{ ref('doubtful_figures') }}),

net as (select * from {{ ref('stg_net_current_expenditure') }}),

measure_values as (select * from {{ ref('int_measure_values') }}),

lines as (
    select
        financial_year,
        area_code,
        regexp_extract(item, '^ro3_(asc[a-z]+)_', 1) as line,
        figure_id
    from {{ ref('stg_figures') }}
    where framework = 'revenue_outturn' and regexp_matches(item, '^ro3_asc[a-z]+_net_current_expenditure$')
),

detected as (
    select
        'spend' as subject,
        'total_net' as subject_id,
        financial_year,
        area_code,
        figure_id,
        test_id,
        evidence
    from {{ ref('int_spend_doubts') }}
    union all
    select
        'spend_line' as subject,
        line as subject_id,
        financial_year,
        area_code,
        figure_id,
        'identical_lines' as test_id,
        evidence
    from {{ ref('int_spend_line_doubts') }}
    union all
    select
        'measure' as subject,
        measure_id as subject_id,
        financial_year,
        area_code,
        figure_id,
        test_id,
        evidence
    from {{ ref('int_measure_doubts') }}
),

-- Where tests disagree the stricter decision stands.
by_test as (
    select
        detected.subject,
        detected.subject_id,
        detected.financial_year,
        detected.area_code,
        any_value(detected.figure_id) as figure_id,
        string_agg(distinct detected.test_id, ', ' order by detected.test_id) as test_ids,
        string_agg(detected.evidence, '. ' order by detected.test_id) as evidence,
        -- a test without a decision of its own withholds
        arg_max(
            coalesce(tests.decision, 'withheld'),
            case coalesce(tests.decision, 'withheld') when 'withheld' then 3 when 'kept, wider' then 2 else 1 end
        ) as decision
    from detected
    left join tests on detected.test_id = tests.test_id
    group by detected.subject, detected.subject_id, detected.financial_year, detected.area_code
),

figure_of_named as (
    select
        named.*,
        coalesce(net.figure_id, measure_values.figure_id, lines.figure_id) as figure_id
    from named
    left join net
        on
            named.subject = 'spend'
            and named.financial_year = net.financial_year
            and named.area_code = net.area_code
    left join measure_values
        on
            named.subject = 'measure'
            and named.subject_id = measure_values.measure_id
            and named.financial_year = measure_values.financial_year
            and named.area_code = measure_values.area_code
    left join lines
        on
            named.subject = 'spend_line'
            and named.subject_id = lines.line
            and named.financial_year = lines.financial_year
            and named.area_code = lines.area_code
),

final as (
    select
        coalesce(by_test.subject, figure_of_named.subject) as subject,
        coalesce(by_test.subject_id, figure_of_named.subject_id) as subject_id,
        coalesce(by_test.financial_year, figure_of_named.financial_year) as financial_year,
        coalesce(by_test.area_code, figure_of_named.area_code) as area_code,
        coalesce(by_test.figure_id, figure_of_named.figure_id) as figure_id,
        by_test.test_ids,
        concat_ws('. ', by_test.evidence, figure_of_named.evidence) as evidence,
        coalesce(figure_of_named.decision, by_test.decision) as decision,
        case when figure_of_named.decision is null then 'test' else 'person' end as decided_by,
        figure_of_named.reason,
        figure_of_named.settled_by,
        coalesce(figure_of_named.decision, by_test.decision) = 'withheld' as is_withheld
    from by_test
    full join figure_of_named
        on
            by_test.subject = figure_of_named.subject
            and by_test.subject_id = figure_of_named.subject_id
            and by_test.financial_year = figure_of_named.financial_year
            and by_test.area_code = figure_of_named.area_code
)

select * from final
