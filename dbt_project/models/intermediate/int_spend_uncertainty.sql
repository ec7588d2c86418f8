-- How far spend per adult may be from what it is said to be, one standard deviation in per cent, in two parts.
-- transient: of one year alone: the outturn's own error, and that of a share interpolated between years. persistent: the same from year to
-- year: of a population carried forward, and of one rolled forward from the census of 2011, whose error grew every year to the step that
-- the census of 2021 showed.
-- A doubtful spend has besides what the council's own history says: the level before, moved by England's change (history_ratio, to the
-- published spend), and the weight that the record of such changes gives it: the share of the change that was gone a year later, and at
-- least, and where no later year is known, spend_history of `doubt_tests`.
with

spend as (select * from {{ ref('int_council_spend') }}),

council_years as (select * from {{ ref('int_council_years') }}),

steps as (select * from {{ ref('int_population_step') }}),

basis_doubts as (select * from {{ ref('int_spend_basis_doubts') }}),

changes as (select * from {{ ref('int_spend_changes') }}),

errors as (
    select
        max(variation_pct) filter (spend_error = 'outturn') as outturn_pct,
        max(variation_pct) filter (spend_error = 'interpolated_share') as interpolated_pct,
        max(variation_pct) filter (spend_error = 'population_carried_forward') as carried_forward_pct
    from {{ ref('spend_uncertainty') }}
),

record as (
    select max(threshold) filter (test_id = 'spend_history') as least_weight
    from {{ ref('doubt_tests') }}
),

histories as (
    select
        this_year.financial_year,
        this_year.area_code,
        exp(-this_year.step) as history_ratio,
        -next_year.step / nullif(this_year.step, 0) as share_gone
    from changes as this_year
    left join changes as next_year
        on
            this_year.financial_year = next_year.previous_financial_year
            and this_year.continuity_code = next_year.continuity_code
    where this_year.step is not null
),

joined as (
    select
        spend.financial_year,
        spend.area_code,
        spend.spend_basis,
        spend.domain_id,
        sqrt(
            power(errors.outturn_pct, 2) + case when spend.is_interpolated then power(errors.interpolated_pct, 2) else 0 end
        ) as transient_variation_pct,
        case
            when spend.population_mid_year <= 2020
                then 100 * abs(coalesce(steps.step, 0)) * (spend.population_mid_year - 2011) / (2020.0 - 2011.0)
            else 0
        end as census_variation_pct,
        case
            when spend.population_basis = 'carried_forward'
                then errors.carried_forward_pct * sqrt(greatest(council_years.mid_year - spend.population_mid_year, 1))
            else 0
        end as carried_forward_variation_pct,
        case when basis_doubts.area_code is not null then histories.history_ratio end as history_ratio,
        case
            when basis_doubts.area_code is not null and histories.history_ratio is not null
                then least(1, greatest(record.least_weight, coalesce(histories.share_gone, 0)))
        end as history_weight
    from spend
    cross join errors
    cross join record
    inner join council_years
        on spend.financial_year = council_years.financial_year and spend.area_code = council_years.area_code
    left join steps on council_years.continuity_code = steps.continuity_code
    left join basis_doubts
        on
            spend.financial_year = basis_doubts.financial_year
            and spend.area_code = basis_doubts.area_code
            and spend.spend_basis = basis_doubts.spend_basis
    left join histories on spend.financial_year = histories.financial_year and spend.area_code = histories.area_code
),

final as (
    select
        financial_year,
        area_code,
        spend_basis,
        domain_id,
        transient_variation_pct,
        sqrt(power(census_variation_pct, 2) + power(carried_forward_variation_pct, 2)) as persistent_variation_pct,
        sqrt(
            power(transient_variation_pct, 2) + power(census_variation_pct, 2) + power(carried_forward_variation_pct, 2)
        ) as variation_pct,
        history_ratio,
        history_weight
    from joined
)

select * from final
