-- What one point of each domain score is worth in points of productivity between two years. docs/method.md derives the formula; log_mean turns
-- ratios into points. On a basis with a spend for each domain, with that domain's spend.
with

pairs as (select * from {{ ref('int_movement_pairs') }}),

domain_weights as (select * from {{ ref('stg_domain_weights') }}),

domain_scores as (select * from {{ ref('int_domain_scores') }}),

spend as (select * from {{ ref('int_spend_index') }}),

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
final as (
    select
        definition_id,
        financial_year,
        area_code,
        year_before,
        code_before,
        level,
        k,
        domain_aggregation,
        domain_id,
        domain_share,
        d1,
        d0,
        s1,
        s0,
        mean_d,
        mean_domain_p,
        case
            when level = 'domain' then domain_share * mean_domain_p / mean_d
            when outcome_aggregation = 'arithmetic' then mean_p * domain_share / mean_o
            when outcome_aggregation = 'geometric' then mean_p * domain_share / mean_d
            else mean_p * o1 * o0 * domain_share / (d1 * d0 * mean_o)
        end as worth_of_a_point
    from domain_means
)

select * from final
