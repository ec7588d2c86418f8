-- How each published value changed since the council's last one, against the median change of all councils of those two years.
-- z: in robust standard deviations of all councils' changes; z_of_error: in the value's own standard errors of sampling and rounding; spread: the robust
-- standard deviation of councils' levels. No change is taken across a break of levels or from one age band to another.
with

measure_values as (
    select * from {{ ref('int_measure_values') }}
    where value is not null and value_basis != 'carried_forward'
),

council_years as (
    select * from {{ ref('int_council_years') }}
    where is_rankable
),

uncertainty as (select * from {{ ref('int_value_uncertainty') }}),

breaks as (
    select * from {{ ref('breaks') }}
    where breaks_levels
),

published as (
    select
        measure_values.measure_id,
        measure_values.financial_year,
        measure_values.area_code,
        council_years.continuity_code,
        measure_values.breakdown,
        measure_values.figure_id,
        measure_values.value,
        uncertainty.sampling_standard_error as standard_error
    from measure_values
    inner join council_years
        on
            measure_values.financial_year = council_years.financial_year
            and measure_values.area_code = council_years.area_code
    left join uncertainty
        on
            measure_values.financial_year = uncertainty.financial_year
            and measure_values.area_code = uncertainty.area_code
            and measure_values.measure_id = uncertainty.measure_id
),

paired as (
    select
        *,
        lag(value) over council as value_before,
        lag(financial_year) over council as year_before,
        lag(breakdown) over council as breakdown_before,
        lag(standard_error) over council as standard_error_before,
        quantile_cont(value, 0.75) over everybody - quantile_cont(value, 0.25) over everybody as interquartile_range
    from published
    window
        council as (partition by measure_id, continuity_code order by financial_year),
        everybody as (partition by measure_id, financial_year)
),

changes as (
    select
        paired.*,
        paired.value - paired.value_before as change
    from paired
    left join breaks
        on
            paired.measure_id = breaks.measure_id
            and breaks.first_year_after > paired.year_before
            and breaks.first_year_after <= paired.financial_year
    where paired.value_before is not null and paired.breakdown = paired.breakdown_before and breaks.break_id is null
),

everybody as (
    select
        measure_id,
        financial_year,
        year_before,
        median(change) as median_change,
        1.4826 * mad(change) as deviation
    from changes
    group by measure_id, financial_year, year_before
),

final as (
    select
        changes.measure_id,
        changes.financial_year,
        changes.year_before,
        changes.area_code,
        changes.continuity_code,
        changes.figure_id,
        changes.value_before,
        changes.value,
        changes.interquartile_range / 1.349 as spread,
        changes.change - everybody.median_change as step,
        (changes.change - everybody.median_change) / nullif(everybody.deviation, 0) as z,
        (changes.change - everybody.median_change)
        / nullif(sqrt(power(changes.standard_error, 2) + power(changes.standard_error_before, 2)), 0) as z_of_error
    from changes
    inner join everybody
        on
            changes.measure_id = everybody.measure_id
            and changes.financial_year = everybody.financial_year
            and changes.year_before = everybody.year_before
)

select * from final
