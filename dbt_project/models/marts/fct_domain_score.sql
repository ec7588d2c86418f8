-- Each domain's score, its place among councils, and how much of its weight had a value.
with

scores as (select * from {{ ref('int_domain_scores') }}),

final as (
    select
        definition_id,
        financial_year,
        area_code,
        domain_id,
        domain_score,
        case when domain_score is not null then dense_rank() over (
            partition by definition_id, financial_year, domain_id, domain_score is null order by round(domain_score, 9) desc
        ) end as domain_rank,
        measures_with_value,
        measures_in_force,
        coverage
    from scores
)

select * from final
order by definition_id, financial_year, area_code, domain_id
