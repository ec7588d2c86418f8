-- How far chance may have carried each value: a 95 % interval and the standard error that goes with it.
-- Surveys: the published margin. Proportions: Wilson. Rates of events: Byar on the count the rate implies. Rounded counts add the
-- variance of rounding. Some rates have their own published interval. What is not published has a stated, wide default, and says so.
-- error_scale brings what chance alone would give to what the figures show of a value that does not last (docs/method.md); a value carried
-- forward adds the change that it may have missed.
with

measure_values as (select * from {{ ref('int_measure_values') }}),

measures as (select * from {{ ref('measures') }}),

nearest_bases as (select * from {{ ref('int_value_bases') }}),

years as (select * from {{ ref('financial_years') }}),

uncertainty as (select * from {{ ref('measure_uncertainty') }}),

figures as (select * from {{ ref('stg_figures') }}),

population as (select * from {{ ref('int_population') }}),

-- Intervals published beside a rate, as items <item>_lower_95 and <item>_upper_95.
own_intervals as (
    select
        framework,
        financial_year,
        area_code,
        breakdown,
        regexp_replace(item, '_(lower|upper)_95$', '') as item,
        max(value) filter (ends_with(item, '_lower_95')) as lower_95,
        max(value) filter (ends_with(item, '_upper_95')) as upper_95
    from figures
    where regexp_matches(item, '_(lower|upper)_95$')
    group by all
),

joined as (
    select
        measure_values.financial_year,
        measure_values.area_code,
        measure_values.measure_id,
        measure_values.value,
        measures.plausible_min,
        measures.plausible_max,
        uncertainty.method,
        uncertainty.rounded_to,
        uncertainty.error_scale,
        case
            when measure_values.value_basis = 'carried_forward'
                then uncertainty.yearly_change * sqrt(this_year.mid_year - value_years.mid_year)
            else 0
        end as carried_change,
        case when denominators.value is null and uncertainty.method = 'wilson' then nearest_bases.base_year end as base_year,
        -- people on an average day become events of a year
        coalesce(365 / uncertainty.event_days, 1) as events_per_rate,
        margins.figure_id as margin_figure_id,
        case when measure_values.breakdown = 'total' then 1 else uncertainty.split_margin_factor end as margin_factor,
        coalesce(margins.value, uncertainty.default_margin) as margin,
        coalesce(own_intervals.lower_95, measure_values.value - uncertainty.default_margin) as published_lower,
        coalesce(own_intervals.upper_95, measure_values.value + uncertainty.default_margin) as published_upper,
        coalesce(denominators.value, nearest_bases.base, uncertainty.default_base) as base,
        case uncertainty.method
            when 'survey_margin' then margins.value is null or measure_values.breakdown != 'total'
            when 'wilson' then coalesce(denominators.value, nearest_bases.base) is null
            when 'byar' then uncertainty.event_days is not null
            when 'published_interval' then own_intervals.lower_95 is null or own_intervals.upper_95 is null
        end as is_default,
        case uncertainty.counted_among
            when '65_and_over' then population.population_65_and_over
            when '18_to_64' then population.population_18_to_64
            when 'adults' then population.population_adults
        end as people
    from measure_values
    inner join uncertainty on measure_values.measure_id = uncertainty.measure_id
    inner join measures on measure_values.measure_id = measures.measure_id
    inner join years as this_year on measure_values.financial_year = this_year.financial_year
    inner join years as value_years on measure_values.value_year = value_years.financial_year
    left join figures as published on measure_values.figure_id = published.figure_id
    left join figures as margins
        on
            margins.framework = 'ascof_2023'
            and uncertainty.margin_item = margins.item
            and published.area_code = margins.area_code
            and measure_values.value_year = margins.financial_year
            and margins.breakdown = 'total'
    left join nearest_bases
        on
            measure_values.financial_year = nearest_bases.financial_year
            and measure_values.area_code = nearest_bases.area_code
            and measure_values.measure_id = nearest_bases.measure_id
    left join figures as denominators on measure_values.denominator_figure_id = denominators.figure_id
    left join own_intervals
        on
            published.framework = own_intervals.framework
            and published.item = own_intervals.item
            and published.area_code = own_intervals.area_code
            and published.financial_year = own_intervals.financial_year
            and published.breakdown = own_intervals.breakdown
    left join population
        on
            measure_values.financial_year = population.financial_year
            and measure_values.area_code = population.area_code
    where measure_values.value is not null
),

counted as (
    select
        *,
        least(greatest(value / 100, 0), 1) as share,
        value * people / 100000 * events_per_rate as events,
        power(rounded_to, 2) / 12 as rounding_variance
    from joined
),

intervals as (
    select
        *,
        case method
            when 'survey_margin' then value - margin * margin_factor
            when 'published_interval' then published_lower
            when 'wilson' then 100 * {{ wilson('share', 'base', -1) }}
            when 'byar' then ({{ byar('events', -1) }}) * 100000 / people / events_per_rate
        end as chance_lower,
        case method
            when 'survey_margin' then value + margin * margin_factor
            when 'published_interval' then published_upper
            when 'wilson' then 100 * {{ wilson('share', 'base', 1) }}
            when 'byar' then ({{ byar('events', 1) }}) * 100000 / people / events_per_rate
        end as chance_upper,
        case method
            when 'wilson' then power(100 / base, 2)
            when 'byar' then power(100000 / people, 2)
            else 0
        end * coalesce(rounding_variance, 0) as rounding
    from counted
),

errors as (
    select
        *,
        sqrt(power((chance_upper - chance_lower) / (2 * {{ z95() }}), 2) + rounding) as sampling_error
    from intervals
),

totals as (
    select
        *,
        sqrt(power(error_scale * sampling_error, 2) + power(carried_change, 2)) as standard_error,
        standard_error / sampling_error as widened
    from errors
),

final as (
    select
        financial_year,
        area_code,
        measure_id,
        value,
        method,
        is_default,
        margin_figure_id,
        case method when 'wilson' then base when 'byar' then events end as base,
        base_year,
        -- the shape of chance, as wide as the whole error, within what the measure can be
        greatest(value - (value - chance_lower) * widened, coalesce(plausible_min, '-infinity')) as lower_95,
        least(value + (chance_upper - value) * widened, coalesce(plausible_max, 'infinity')) as upper_95,
        sampling_error as sampling_standard_error,
        carried_change as carried_standard_error,
        standard_error
    from totals
)

select * from final
