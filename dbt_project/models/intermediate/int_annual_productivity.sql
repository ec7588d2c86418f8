-- Outcome score ÷ spend index^k of each year by itself. On a basis with a spend for each domain: each domain's score ÷ its own
-- spend index^k, then the weighted mean over the domains.
with

council_years as (select * from {{ ref('int_council_years') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

spend_bases as (select * from {{ ref('spend_bases') }}),

domain_weights as (select * from {{ ref('stg_domain_weights') }}),

domain_scores as (select * from {{ ref('int_domain_scores') }}),

outcomes as (select * from {{ ref('int_outcome_scores') }}),

spend as (select * from {{ ref('int_spend_index') }}),

adults as (
    select
        financial_year,
        area_code,
        spend_per_head_gbp as spend_per_adult_gbp,
        england_spend_per_head_gbp as england_spend_per_adult_gbp
    from spend
    where spend_basis = 'total_net'
),

by_total as (
    select
        definitions.definition_id,
        spend.financial_year,
        spend.area_code,
        spend.spend_index,
        spend.is_spend_modelled,
        spend.is_implausible_change,
        outcomes.outcome_score / power(spend.spend_index, definitions.k) as productivity
    from definitions
    inner join spend_bases on definitions.spend_basis = spend_bases.spend_basis and spend_bases.level = 'total'
    inner join spend on definitions.spend_basis = spend.spend_basis
    left join outcomes
        on
            definitions.definition_id = outcomes.definition_id
            and spend.financial_year = outcomes.financial_year
            and spend.area_code = outcomes.area_code
),

by_domain as (
    select
        definitions.definition_id,
        spend.financial_year,
        spend.area_code,
        -- every domain with weight must have a spend and a score, else there is neither index nor productivity
        case
            when count(spend.spend_index) = count(*)
                then sum(domain_weights.weight * spend.spend_index) / sum(domain_weights.weight)
        end as spend_index,
        bool_or(spend.is_spend_modelled) as is_spend_modelled,
        bool_or(spend.is_implausible_change) as is_implausible_change,
        case
            when count(domain_scores.domain_score / power(spend.spend_index, definitions.k)) = count(*)
                then
                    sum(domain_weights.weight * domain_scores.domain_score / power(spend.spend_index, definitions.k))
                    / sum(domain_weights.weight)
        end as productivity
    from definitions
    inner join spend_bases on definitions.spend_basis = spend_bases.spend_basis and spend_bases.level = 'domain'
    inner join spend on definitions.spend_basis = spend.spend_basis
    inner join domain_weights
        on
            definitions.weight_set = domain_weights.weight_set
            and spend.domain_id = domain_weights.domain_id
            and domain_weights.weight > 0
    left join domain_scores
        on
            definitions.definition_id = domain_scores.definition_id
            and spend.financial_year = domain_scores.financial_year
            and spend.area_code = domain_scores.area_code
            and spend.domain_id = domain_scores.domain_id
    group by definitions.definition_id, spend.financial_year, spend.area_code
),

spent as (
    select * from by_total
    union all
    select * from by_domain
),

final as (
    select
        definitions.definition_id,
        council_years.financial_year,
        council_years.previous_financial_year,
        council_years.area_code,
        council_years.continuity_code,
        council_years.exclusion_reason,
        outcomes.outcome_score,
        outcomes.coverage,
        outcomes.missing_domains,
        adults.spend_per_adult_gbp,
        adults.england_spend_per_adult_gbp,
        spent.spend_index,
        coalesce(spent.is_spend_modelled, false) as is_spend_modelled,
        coalesce(spent.is_implausible_change, false) as is_implausible_change,
        -- with k = 0 a council without spend is ranked on outcomes alone, and that is meant
        case when definitions.k = 0 then outcomes.outcome_score else spent.productivity end as productivity
    from definitions
    inner join council_years
        on
            council_years.financial_year in (
                select o.financial_year from outcomes as o
                where o.definition_id = definitions.definition_id
            )
    left join outcomes
        on
            definitions.definition_id = outcomes.definition_id
            and council_years.financial_year = outcomes.financial_year
            and council_years.area_code = outcomes.area_code
    left join adults
        on council_years.financial_year = adults.financial_year and council_years.area_code = adults.area_code
    left join spent
        on
            definitions.definition_id = spent.definition_id
            and council_years.financial_year = spent.financial_year
            and council_years.area_code = spent.area_code
)

select * from final
