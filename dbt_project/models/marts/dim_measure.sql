-- The catalogue: every measure with its domain, polarity, unit, and what is known against it.
with

measures as (select * from {{ ref('measures') }}),

domains as (select * from {{ ref('domains') }}),

uncertainty as (select * from {{ ref('measure_uncertainty') }}),

final as (
    select
        measures.measure_id,
        measures.measure_name,
        measures.domain_id,
        domains.domain_name,
        domains.display_order as domain_order,
        measures.polarity,
        measures.unit,
        measures.decimals,
        measures.numerator,
        measures.denominator,
        measures.rationale,
        measures.caveat,
        uncertainty.method as error_method,
        uncertainty.error_scale,
        uncertainty.reason as error_reason,
        measures.carry_forward_years,
        measures.goalpost_worst,
        measures.goalpost_best
    from measures
    inner join domains on measures.domain_id = domains.domain_id
    left join uncertainty on measures.measure_id = uncertainty.measure_id
)

select * from final
order by measure_id
