-- Outcome score ÷ spend index^k of each year by itself. On a basis with a spend for each domain: each domain's score ÷ its own
-- spend index^k, then the weighted mean over the domains. Combination standardised: (z of the outcome score - k × z of log spend) ÷
-- (1 + k), z within the year over the councils that have both.
with

council_years as (select * from {{ ref('int_council_years') }}),

definitions as (select * from {{ ref('stg_definitions') }}),

spend_bases as (select * from {{ ref('spend_bases') }}),

domain_weights as (select * from {{ ref('stg_domain_weights') }}),

domain_scores as (select * from {{ ref('int_domain_scores') }}),

outcomes as (select * from {{ ref('int_outcome_scores') }}),

indices as (select * from {{ ref('int_spend_index') }}),

doubts as (select * from {{ ref('int_spend_basis_doubts') }}),

-- One row for each definition and spend; the index is empty where the definition withholds a spend that is withheld.
spend as (
    select
        definitions.definition_id,
        indices.financial_year,
        indices.area_code,
        indices.domain_id,
        indices.is_spend_modelled,
        doubts.doubt,
        coalesce(doubts.is_withheld, false) and definitions.doubtful_figures = 'withhold' as is_withheld,
        case
            when not (coalesce(doubts.is_withheld, false) and definitions.doubtful_figures = 'withhold')
                then indices.spend_index
        end as spend_index
    from indices
    inner join definitions on indices.spend_basis = definitions.spend_basis
    left join doubts
        on
            indices.financial_year = doubts.financial_year
            and indices.area_code = doubts.area_code
            and indices.spend_basis = doubts.spend_basis
),

adults as (
    select
        financial_year,
        area_code,
        spend_per_head_gbp as spend_per_adult_gbp,
        england_spend_per_head_gbp as england_spend_per_adult_gbp
    from indices
    where spend_basis = 'total_net'
),

paired as (
    select
        definitions.definition_id,
        definitions.combination,
        definitions.k,
        spend.financial_year,
        spend.area_code,
        spend.spend_index,
        spend.is_spend_modelled,
        spend.is_withheld,
        spend.doubt,
        outcomes.outcome_score,
        -- only councils with both are compared when they are standardised
        case when spend.spend_index is not null then outcomes.outcome_score end as compared_outcome,
        case when outcomes.outcome_score is not null then ln(spend.spend_index) end as compared_log_spend
    from definitions
    inner join spend_bases on definitions.spend_basis = spend_bases.spend_basis and spend_bases.level = 'total'
    inner join spend on definitions.definition_id = spend.definition_id
    left join outcomes
        on
            definitions.definition_id = outcomes.definition_id
            and spend.financial_year = outcomes.financial_year
            and spend.area_code = outcomes.area_code
),

by_total as (
    select
        definition_id,
        financial_year,
        area_code,
        spend_index,
        is_spend_modelled,
        is_withheld,
        doubt,
        case combination
            when 'ratio' then outcome_score / power(spend_index, k)
            -- 100 is the average council; 10 points are one standard deviation of the outcome and of the logarithm of spend together
            when 'standardised'
                then
                    100 + 10 * (
                        (compared_outcome - avg(compared_outcome) over year)
                        / nullif(stddev_samp(compared_outcome) over year, 0)
                        - k * (compared_log_spend - avg(compared_log_spend) over year)
                        / nullif(stddev_samp(compared_log_spend) over year, 0)
                    ) / (1 + k)
        end as productivity
    from paired
    window year as (partition by definition_id, financial_year)
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
        bool_or(spend.is_withheld) as is_withheld,
        any_value(spend.doubt) as doubt,
        case
            when count(domain_scores.domain_score / power(spend.spend_index, definitions.k)) = count(*)
                then
                    sum(domain_weights.weight * domain_scores.domain_score / power(spend.spend_index, definitions.k))
                    / sum(domain_weights.weight)
        end as productivity
    from definitions
    inner join spend_bases on definitions.spend_basis = spend_bases.spend_basis and spend_bases.level = 'domain'
    inner join spend on definitions.definition_id = spend.definition_id
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
        coalesce(spent.is_withheld, false) and definitions.k > 0 as is_spend_withheld,
        spent.doubt as spend_doubt,
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
