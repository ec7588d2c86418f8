-- Why a council's productivity changed: what each measure and each spend contributed, in points of productivity.
-- The contributions add up to the change exactly. docs/method.md derives the formula; log_mean turns ratios into points.
with

definitions as (select * from {{ ref('stg_definitions') }}),

spend_bases as (select * from {{ ref('spend_bases') }}),

domain_weights as (select * from {{ ref('stg_domain_weights') }}),

annual as (select * from {{ ref('int_annual_productivity') }}),

domain_scores as (select * from {{ ref('int_domain_scores') }}),

scores as (
    select * from {{ ref('int_measure_scores') }}
    where score is not null
),

spend as (select * from {{ ref('int_spend_index') }}),

ranking as (
    select * from {{ ref('productivity_ranking') }}
    where rank is not null and previous_rank is not null
),

-- Two years of the same council over the same area, ranked in both.
pairs as materialized (
    select
        this_year.definition_id,
        definitions.k,
        definitions.domain_aggregation,
        definitions.outcome_aggregation,
        definitions.spend_basis,
        definitions.weight_set,
        spend_bases.level,
        this_year.financial_year,
        this_year.area_code,
        last_year.financial_year as year_before,
        last_year.area_code as code_before,
        this_year.productivity as p1,
        last_year.productivity as p0,
        this_year.outcome_score as o1,
        last_year.outcome_score as o0,
        this_year.spend_index as i1,
        last_year.spend_index as i0,
        {{ log_mean('this_year.productivity', 'last_year.productivity') }} as mean_p,
        {{ log_mean('this_year.outcome_score', 'last_year.outcome_score') }} as mean_o
    from annual as this_year
    inner join definitions
        on
            this_year.definition_id = definitions.definition_id
            and definitions.window_years = 1
            and definitions.combination = 'ratio'
    inner join spend_bases on definitions.spend_basis = spend_bases.spend_basis
    inner join ranking
        on
            this_year.definition_id = ranking.definition_id
            and this_year.financial_year = ranking.financial_year
            and this_year.area_code = ranking.area_code
    inner join annual as last_year
        on
            this_year.definition_id = last_year.definition_id
            and this_year.previous_financial_year = last_year.financial_year
            and this_year.continuity_code = last_year.continuity_code
),

domain_shares as (
    select
        weight_set,
        domain_id,
        weight / sum(weight) over (partition by weight_set) as share
    from domain_weights
    where weight > 0
),

-- Step by step and materialised: left to itself, the planner joins the years' domain scores to each other first.
domain_now as materialized (
    select
        pairs.*,
        domain_shares.domain_id,
        domain_shares.share as domain_share,
        d1.domain_score as d1
    from pairs
    inner join domain_shares on pairs.weight_set = domain_shares.weight_set
    inner join domain_scores as d1
        on
            pairs.definition_id = d1.definition_id
            and pairs.financial_year = d1.financial_year
            and pairs.area_code = d1.area_code
            and domain_shares.domain_id = d1.domain_id
),

domain_both as materialized (
    select
        domain_now.*,
        d0.domain_score as d0
    from domain_now
    inner join domain_scores as d0
        on
            domain_now.definition_id = d0.definition_id
            and domain_now.year_before = d0.financial_year
            and domain_now.code_before = d0.area_code
            and domain_now.domain_id = d0.domain_id
),

-- The domains of both years; on a basis with a spend for each domain, with that domain's spend.
domain_years as (
    select
        domain_both.*,
        s1.spend_index as s1,
        s0.spend_index as s0,
        domain_both.d1 / power(s1.spend_index, domain_both.k) as domain_p1,
        domain_both.d0 / power(s0.spend_index, domain_both.k) as domain_p0
    from domain_both
    left join spend as s1
        on
            domain_both.spend_basis = s1.spend_basis
            and domain_both.financial_year = s1.financial_year
            and domain_both.area_code = s1.area_code
            and domain_both.domain_id = s1.domain_id
    left join spend as s0
        on
            domain_both.spend_basis = s0.spend_basis
            and domain_both.year_before = s0.financial_year
            and domain_both.code_before = s0.area_code
            and domain_both.domain_id = s0.domain_id
),

domain_means as (
    select
        *,
        {{ log_mean('d1', 'd0') }} as mean_d,
        {{ log_mean('domain_p1', 'domain_p0') }} as mean_domain_p
    from domain_years
),

-- What one point of each domain score is worth in points of productivity between the two years.
domain_pairs as materialized (
    select
        *,
        case
            when level = 'domain' then domain_share * mean_domain_p / mean_d
            when outcome_aggregation = 'arithmetic' then mean_p * domain_share / mean_o
            when outcome_aggregation = 'geometric' then mean_p * domain_share / mean_d
            else mean_p * o1 * o0 * domain_share / (d1 * d0 * mean_o)
        end as worth_of_a_point
    from domain_means
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
        domain_pairs.worth_of_a_point * case domain_pairs.domain_aggregation
            when 'arithmetic' then coalesce(w1.share * w1.score, 0) - coalesce(w0.share * w0.score, 0)
            when 'geometric'
                then
                    domain_pairs.mean_d
                    * (coalesce(w1.share * ln(w1.score), 0) - coalesce(w0.share * ln(w0.score), 0))
            else
                -domain_pairs.d1 * domain_pairs.d0
                * (coalesce(w1.share / w1.score, 0) - coalesce(w0.share / w0.score, 0))
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
