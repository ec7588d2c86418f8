-- What the outcomes framework states twice: all ages beside the age bands, rates beside their counts, margins of error beside those of other years.
with

figures as (select * from {{ ref('stg_all_figures') }}),

by_age as (
    select
        source,
        edition,
        framework,
        financial_year,
        area_code,
        item,
        any_value(unit) as unit,
        max(value) filter (breakdown = 'total') as total,
        max(value) filter (breakdown = '18_to_64') as younger,
        max(value) filter (breakdown = '65_and_over') as older
    from figures
    where framework = 'ascof_2014'
    group by all
    having count(value) = 3
),

ages as (
    select
        case unit when 'count' then 'age bands add up' else 'all ages lie between the age bands' end as relation,
        source,
        edition,
        financial_year,
        area_code,
        item,
        total as stated,
        case unit
            when 'count' then younger + older
            else greatest(least(total, greatest(younger, older)), least(younger, older))
        end as worked,
        -- counts are rounded to the nearest five, shares and scores to a tenth
        case unit when 'count' then 12 else 0.06 end as allowed
    from by_age
    -- margins of error are no averages of one another
    where item not like '%_margin_of_error'
),

shares as (
    select
        'a rate is its numerator over its denominator' as relation,
        rates.source,
        rates.edition,
        rates.financial_year,
        rates.area_code,
        rates.item,
        rates.value as stated,
        numerators.value / denominators.value
        * case rates.unit when 'pct' then 100 when 'per_100k' then 100000 else 1 end as worked,
        -- those of the survey are of weighted counts, which are published whole
        case when regexp_matches(numerators.item, '^(1A|1B|1I1|3A|3D1|4A|4B)_') then 1.2 else 0.06 end as allowed
    from figures as numerators
    inner join figures as denominators
        on
            numerators.source = denominators.source
            and numerators.edition = denominators.edition
            and numerators.framework = denominators.framework
            and numerators.financial_year = denominators.financial_year
            and numerators.area_code = denominators.area_code
            and numerators.breakdown = denominators.breakdown
            and denominators.item = replace(numerators.item, '_numerator', '_denominator')
    inner join figures as rates
        on
            numerators.source = rates.source
            and numerators.edition = rates.edition
            and numerators.framework = rates.framework
            and numerators.financial_year = rates.financial_year
            and numerators.area_code = rates.area_code
            and numerators.breakdown = rates.breakdown
            and rates.item = replace(numerators.item, '_numerator', '')
    where ends_with(numerators.item, '_numerator') and denominators.value > 0
),

margins as (
    select
        source,
        edition,
        framework,
        financial_year,
        area_code,
        item,
        value,
        median(value) over council as own,
        count(*) over council as years
    from figures
    where ends_with(item, '_margin_of_error') and breakdown = 'total' and superseded_by is null and value is not null
    window council as (partition by framework, item, area_code)
),

-- a margin is that of a sample of like size: no more than three times as narrow or nine times as wide as the council's own of all years
margins_of_councils as (
    select
        'a margin of error is like the council''s own of other years' as relation,
        source,
        edition,
        financial_year,
        area_code,
        item,
        value as stated,
        greatest(least(value, 9 * own), own / 3) as worked,
        -- published to a tenth
        0.11 as allowed
    from margins
    where years >= 3
),

median_margins as (
    select
        framework,
        item,
        financial_year,
        any_value(source) as source,
        any_value(edition) as edition,
        median(value) as median_margin,
        count(*) as councils
    from margins
    group by framework, item, financial_year
),

margins_and_before as (
    select
        *,
        lag(median_margin) over (partition by framework, item order by financial_year) as median_margin_before
    from median_margins
),

margins_of_years as (
    select
        'the median margin of error is like that of the year before' as relation,
        source,
        edition,
        financial_year,
        'all' as area_code,
        item,
        median_margin as stated,
        greatest(least(median_margin, 1.5 * median_margin_before), median_margin_before / 1.5) as worked,
        0.06 as allowed
    from margins_and_before
    where median_margin_before is not null
),

final as (
    select * from ages
    union all
    select * from shares
    union all
    select * from margins_of_councils
    union all
    select * from margins_of_years
)

select * from final
