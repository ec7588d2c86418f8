-- The register of doubtful figures: what speaks against each, what was decided, by a test or by a person, and who would settle it.
-- An estimate is shown where the return itself implies one; no ranking uses it.
with

doubts as (select * from {{ ref('int_doubts') }}),

councils as (select * from {{ ref('int_council_history') }}),

figures as (select * from {{ ref('stg_figures') }}),

population as (select * from {{ ref('int_population') }}),

implied as (
    select
        financial_year,
        area_code,
        sum(implied_shortfall_gbp) as shortfall_gbp
    from {{ ref('int_spend_line_doubts') }}
    group by financial_year, area_code
),

final as (
    select
        doubts.subject,
        doubts.subject_id,
        doubts.financial_year,
        doubts.area_code,
        councils.area_name,
        figures.value,
        figures.unit,
        doubts.test_ids,
        doubts.evidence,
        doubts.decision,
        doubts.decided_by,
        doubts.reason,
        doubts.settled_by,
        case
            when doubts.subject = 'spend' and implied.shortfall_gbp is not null
                then (figures.value * 1000 + implied.shortfall_gbp) / population.population_adults
        end as implied_spend_per_adult_gbp,
        doubts.figure_id
    from doubts
    inner join councils on doubts.area_code = councils.area_code
    left join figures on doubts.figure_id = figures.figure_id
    left join implied on doubts.financial_year = implied.financial_year and doubts.area_code = implied.area_code
    left join population
        on doubts.financial_year = population.financial_year and doubts.area_code = population.area_code
)

select * from final
order by financial_year, area_code, subject, subject_id
