-- Why a council's productivity changed: what each measure and each spend contributed, in points of productivity.
-- The contributions add up to the change exactly. A score counts by how far it stands from the domain's own score of the two years: a measure that
-- ends, begins or has no value on one side takes with it what it stood out by, and not its whole score. docs/method.md derives it.
with

-- Movement is told where the ranking has a rank before and after that can be compared.
ranking as (
    select
        definition_id,
        financial_year,
        area_code
    from {{ ref('productivity_ranking') }}
    where rank is not null and previous_rank is not null
),

pairs as (
    select pairs.*
    from {{ ref('int_movement_pairs') }} as pairs
    inner join ranking
        on
            pairs.definition_id = ranking.definition_id
            and pairs.financial_year = ranking.financial_year
            and pairs.area_code = ranking.area_code
),

domain_pairs as (
    select domain_pairs.*
    from {{ ref('int_movement_domains') }} as domain_pairs
    inner join ranking
        on
            domain_pairs.definition_id = ranking.definition_id
            and domain_pairs.financial_year = ranking.financial_year
            and domain_pairs.area_code = ranking.area_code
),

scores as (
    select * from {{ ref('int_measure_scores') }}
    where score is not null
),

-- Each score with its share of the weight the council has in the domain.
weighted_scores as materialized (
    select
        definition_id,
        financial_year,
        area_code,
        domain_id,
        measure_id,
        score,
        weight / sum(weight) over (partition by definition_id, financial_year, area_code, domain_id) as share
    from scores
),

-- Measures that anybody has a score of: one that nobody has ended, or is not yet.
measured as (
    select distinct
        definition_id,
        financial_year,
        measure_id
    from scores
),

measures_of_both as (
    select
        domain_pairs.definition_id,
        domain_pairs.financial_year,
        domain_pairs.area_code,
        weighted_scores.domain_id,
        weighted_scores.measure_id
    from domain_pairs
    inner join weighted_scores
        on
            domain_pairs.definition_id = weighted_scores.definition_id
            and domain_pairs.financial_year = weighted_scores.financial_year
            and domain_pairs.area_code = weighted_scores.area_code
            and domain_pairs.domain_id = weighted_scores.domain_id
    union distinct
    select
        domain_pairs.definition_id,
        domain_pairs.financial_year,
        domain_pairs.area_code,
        weighted_scores.domain_id,
        weighted_scores.measure_id
    from domain_pairs
    inner join weighted_scores
        on
            domain_pairs.definition_id = weighted_scores.definition_id
            and domain_pairs.year_before = weighted_scores.financial_year
            and domain_pairs.code_before = weighted_scores.area_code
            and domain_pairs.domain_id = weighted_scores.domain_id
),

of_measures as (
    select
        domain_pairs.definition_id,
        domain_pairs.financial_year,
        domain_pairs.area_code,
        'measure' as component,
        measures_of_both.measure_id as component_id,
        w0.score as score_before,
        w1.score as score_now,
        case
            when now_measured.measure_id is null then 'measure_ended'
            when then_measured.measure_id is null then 'measure_new'
            when w1.score is null then 'no_value_now'
            when w0.score is null then 'no_value_before'
            else 'both_years'
        end as counted,
        domain_pairs.worth_of_a_point * case domain_pairs.domain_aggregation
            when 'arithmetic'
                then
                    coalesce(w1.share * (w1.score - (domain_pairs.d1 + domain_pairs.d0) / 2), 0)
                    - coalesce(w0.share * (w0.score - (domain_pairs.d1 + domain_pairs.d0) / 2), 0)
            when 'geometric'
                then
                    domain_pairs.mean_d * (
                        coalesce(w1.share * (ln(w1.score) - (ln(domain_pairs.d1) + ln(domain_pairs.d0)) / 2), 0)
                        - coalesce(w0.share * (ln(w0.score) - (ln(domain_pairs.d1) + ln(domain_pairs.d0)) / 2), 0)
                    )
            else
                -domain_pairs.d1 * domain_pairs.d0 * (
                    coalesce(w1.share * (1 / w1.score - (1 / domain_pairs.d1 + 1 / domain_pairs.d0) / 2), 0)
                    - coalesce(w0.share * (1 / w0.score - (1 / domain_pairs.d1 + 1 / domain_pairs.d0) / 2), 0)
                )
        end as contribution
    from domain_pairs
    inner join measures_of_both
        on
            domain_pairs.definition_id = measures_of_both.definition_id
            and domain_pairs.financial_year = measures_of_both.financial_year
            and domain_pairs.area_code = measures_of_both.area_code
            and domain_pairs.domain_id = measures_of_both.domain_id
    left join weighted_scores as w1
        on
            domain_pairs.definition_id = w1.definition_id
            and domain_pairs.financial_year = w1.financial_year
            and domain_pairs.area_code = w1.area_code
            and measures_of_both.measure_id = w1.measure_id
    left join weighted_scores as w0
        on
            domain_pairs.definition_id = w0.definition_id
            and domain_pairs.year_before = w0.financial_year
            and domain_pairs.code_before = w0.area_code
            and measures_of_both.measure_id = w0.measure_id
    left join measured as now_measured
        on
            domain_pairs.definition_id = now_measured.definition_id
            and domain_pairs.financial_year = now_measured.financial_year
            and measures_of_both.measure_id = now_measured.measure_id
    left join measured as then_measured
        on
            domain_pairs.definition_id = then_measured.definition_id
            and domain_pairs.year_before = then_measured.financial_year
            and measures_of_both.measure_id = then_measured.measure_id
),

of_spend as (
    select
        definition_id,
        financial_year,
        area_code,
        'spend' as component,
        'all' as component_id,
        i0 as score_before,
        i1 as score_now,
        'both_years' as counted,
        -k * mean_p * (ln(i1) - ln(i0)) as contribution
    from pairs
    where level = 'total' and k > 0
    union all
    select
        definition_id,
        financial_year,
        area_code,
        'spend' as component,
        domain_id as component_id,
        s0 as score_before,
        s1 as score_now,
        'both_years' as counted,
        -k * domain_share * mean_domain_p * (ln(s1) - ln(s0)) as contribution
    from domain_pairs
    where level = 'domain' and k > 0
),

final as (
    select * from of_measures
    union all
    select * from of_spend
)

select * from final
order by definition_id, financial_year, area_code, component, component_id
