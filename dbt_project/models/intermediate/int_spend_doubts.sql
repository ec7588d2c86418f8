-- Net spend that cannot be believed as it stands, one row a test, council and year.
-- jump: far from all councils' changes, and not confirmed by a later year (the step is still there) or by the finance return.
-- spike: up and back down, or down and back up. The year of the spike is doubtful and not the year of the return, unless the return
-- does not reach the level before: then that level is what it is held against.
-- disagrees: net spend against the councils' finance return of the same year, far from all councils' ratio. forms_differ: the total of form
-- RO3 and the line of RSX, which are one figure, differ.
with

changes as (select * from {{ ref('int_spend_changes') }}),

releases as (select * from {{ ref('stg_outturn_releases') }}),

tests as (
    select
        max(threshold) filter (test_id = 'spend_jump') as jump,
        max(threshold) filter (test_id = 'spend_spike') as spike,
        max(threshold) filter (test_id = 'spend_spike_return') as spike_return,
        max(threshold) filter (test_id = 'spend_kept') as kept,
        max(threshold) filter (test_id = 'spend_reversed') as reversed,
        max(threshold) filter (test_id = 'spend_second_source') as second_source,
        max(threshold) filter (test_id = 'spend_disagrees') as disagrees,
        max(threshold) filter (test_id = 'spend_forms_differ') as forms_differ
    from {{ ref('doubt_tests') }}
),

neighbours as (
    select
        this_year.*,
        next_year.z as next_z,
        next_year.area_code is not null as has_next_year,
        1 + next_year.step / nullif(this_year.step, 0) as share_kept,
        this_year.second_source_step / nullif(this_year.step, 0) as second_source_share
    from changes as this_year
    left join changes as next_year
        on
            this_year.financial_year = next_year.previous_financial_year
            and this_year.continuity_code = next_year.continuity_code
    where this_year.step is not null
),

by_itself as (
    select
        neighbours.*,
        coalesce(neighbours.second_source_share >= tests.second_source, false) as is_confirmed_by_second_source,
        coalesce(neighbours.share_kept >= tests.kept, false) as is_confirmed_later,
        abs(neighbours.z) >= tests.jump as is_jump,
        abs(neighbours.z) >= tests.spike
        and coalesce(
            neighbours.z * neighbours.next_z < 0
            and abs(neighbours.next_z) >= tests.spike_return
            and neighbours.share_kept <= 1 - tests.reversed, false
        ) as is_spike,
        tests.jump
    from neighbours
    cross join tests
),

judged as (
    select
        *,
        (is_jump or is_spike) and not is_confirmed_later and not is_confirmed_by_second_source as is_odd
    from by_itself
),

with_year_before as (
    select
        this_year.*,
        coalesce(last_year.is_odd, false) as follows_an_odd_year,
        (last_year.step + this_year.step)
        / nullif(sqrt(power(last_year.deviation, 2) + power(this_year.deviation, 2)), 0) as z_over_two_years
    from judged as this_year
    left join judged as last_year
        on
            this_year.previous_financial_year = last_year.financial_year
            and this_year.continuity_code = last_year.continuity_code
),

steps as (
    select
        financial_year,
        area_code,
        figure_id,
        case when is_spike then 'spend_spike' else 'spend_jump' end as test_id,
        'Net spend changed by ' || printf('%+.0f', change_pct) || ' %, '
        || printf('%.1f', abs(z)) || ' robust standard deviations from all councils'' changes'
        || case
            when follows_an_odd_year
                then
                    '; with the doubtful year before, ' || printf('%.1f', abs(z_over_two_years))
                    || ' from the level before that'
            else ''
        end
        || case
            when not has_next_year then '; there is no later year yet'
            else '; ' || printf('%.0f', 100 * share_kept) || ' % of the step was still there a year later'
        end
        || case
            when second_source_share is null then '; no second source'
            else '; the finance return shows ' || printf('%.0f', 100 * second_source_share) || ' % of it'
        end as evidence
    from with_year_before
    where case when follows_an_odd_year then is_odd and abs(z_over_two_years) >= jump else is_odd end
),

ratios as (
    select
        changes.financial_year,
        changes.area_code,
        changes.figure_id,
        ln(changes.net_current_expenditure_gbp / changes.long_term_gross_gbp) as log_ratio
    from changes
    where changes.long_term_gross_gbp > 0
),

compared as (
    select
        ratios.financial_year,
        ratios.area_code,
        ratios.figure_id,
        exp(ratios.log_ratio) as ratio,
        exp(median(ratios.log_ratio) over year) as median_ratio,
        (ratios.log_ratio - median(ratios.log_ratio) over year) / nullif(1.4826 * mad(ratios.log_ratio) over year, 0) as z
    from ratios
    window year as (partition by ratios.financial_year)
),

disagreements as (
    select
        compared.financial_year,
        compared.area_code,
        compared.figure_id,
        'spend_disagrees' as test_id,
        'Net spend is ' || printf('%.2f', compared.ratio)
        || ' times long-term gross expenditure of the finance return, of the median council '
        || printf('%.2f', compared.median_ratio) || ' times: ' || printf('%.1f', abs(compared.z))
        || ' robust standard deviations apart' as evidence
    from compared
    cross join tests
    where abs(compared.z) >= tests.disagrees
),

forms as (
    select
        financial_year,
        area_code,
        max(figure_id) filter (item = 'ro3_asctot_net_current_expenditure') as figure_id,
        max(net_current_expenditure_gbp) filter (item = 'ro3_asctot_net_current_expenditure') as ro3_gbp,
        max(net_current_expenditure_gbp) filter (item = 'rsx_asc_net_current_expenditure') as rsx_gbp
    from releases
    where superseded_by is null and area_code != 'E92000001'
    group by financial_year, area_code
),

differing_forms as (
    select
        forms.financial_year,
        forms.area_code,
        forms.figure_id,
        'spend_forms_differ' as test_id,
        'Form RO3 has GBP ' || cast(round(forms.ro3_gbp) as bigint) || ', RSX GBP '
        || cast(round(forms.rsx_gbp) as bigint) || ' for the same spend' as evidence
    from forms
    cross join tests
    where abs(forms.ro3_gbp / nullif(forms.rsx_gbp, 0) - 1) * 100 >= tests.forms_differ
),

final as (
    select * from steps
    union all
    select * from disagreements
    union all
    select * from differing_forms
)

select * from final
