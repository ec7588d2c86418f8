-- Why a definition cannot be computed, one row for each reason. The gate on definitions lets none through.
with

definitions as (select * from {{ ref('stg_definitions') }}),

domain_weights as (select * from {{ ref('stg_domain_weights') }}),

measure_weights as (select * from {{ ref('stg_measure_weights') }}),

measures as (select * from {{ ref('measures') }}),

domains as (select * from {{ ref('domains') }}),

spend_bases as (select * from {{ ref('spend_bases') }}),

choices as (
    select
        definition_id,
        unnest([
            case
                when
                    normalisation not in ('min_max', 'percentile_rank', 'goalposts', 'z_score', 'ratio_to_england')
                    or normalisation is null
                    then
                        'normalisation ' || coalesce(normalisation, 'is empty')
                        || ': choose min_max, percentile_rank, goalposts, z_score or ratio_to_england'
            end,
            case
                when domain_aggregation not in ('arithmetic', 'geometric', 'harmonic') or domain_aggregation is null
                    then
                        'domain_aggregation ' || coalesce(domain_aggregation, 'is empty')
                        || ': choose arithmetic, geometric or harmonic'
            end,
            case
                when outcome_aggregation not in ('arithmetic', 'geometric', 'harmonic') or outcome_aggregation is null
                    then
                        'outcome_aggregation ' || coalesce(outcome_aggregation, 'is empty')
                        || ': choose arithmetic, geometric or harmonic'
            end,
            case
                when
                    winsorise_lower is null or winsorise_upper is null or winsorise_lower < 0 or winsorise_upper > 1
                    or winsorise_lower >= winsorise_upper
                    then 'winsorise_lower and winsorise_upper must be numbers with 0 <= lower < upper <= 1'
            end,
            case
                when normalisation = 'z_score' and (scale_centre is null or scale_spread is null or scale_spread <= 0)
                    then 'z_score needs scale_centre and a positive scale_spread'
            end,
            case
                when normalisation != 'z_score' and (scale_low is null or scale_high is null or scale_low >= scale_high)
                    then normalisation || ' needs scale_low below scale_high'
            end,
            case
                when
                    (domain_aggregation != 'arithmetic' or outcome_aggregation != 'arithmetic')
                    and (normalisation = 'z_score' or scale_low <= 0)
                    then 'a geometric or harmonic mean needs scores above zero: no z_score, and a positive scale_low'
            end,
            case
                when
                    min_domain_coverage is null or min_domain_coverage <= 0 or min_domain_coverage > 1
                    or min_year_coverage is null or min_year_coverage < 0 or min_year_coverage > 1
                    or min_comparable_weight is null or min_comparable_weight < 0 or min_comparable_weight > 1
                    then
                        'min_domain_coverage, min_year_coverage and min_comparable_weight must be shares between 0 and 1'
            end,
            case when k is null or k < 0 then 'k must be a number that is not negative' end,
            case
                when min_domain_measures is null or min_domain_measures < 1
                    then 'min_domain_measures must be a whole number of at least 1'
            end,
            case
                when combination not in ('ratio', 'standardised') or combination is null
                    then 'combination ' || coalesce(combination, 'is empty') || ': choose ratio or standardised'
            end,
            case
                when doubtful_figures not in ('withhold', 'keep') or doubtful_figures is null
                    then 'doubtful_figures ' || coalesce(doubtful_figures, 'is empty') || ': choose withhold or keep'
            end,
            case when window_years is null or window_years not in (1, 3) then 'window_years must be 1 or 3' end
        ]) as problem
    from definitions
),

unknown_spend as (
    select
        definitions.definition_id,
        'no spend basis ' || coalesce(definitions.spend_basis, '(empty)') || ': choose '
        || (select string_agg(b.spend_basis, ', ' order by b.spend_basis) from spend_bases as b) as problem
    from definitions
    left join spend_bases on definitions.spend_basis = spend_bases.spend_basis
    where spend_bases.spend_basis is null
),

unknown_measure as (
    select
        definitions.definition_id,
        'unknown measure ' || coalesce(measure_weights.measure_id, '(empty)') || ' in weight set '
        || definitions.weight_set as problem
    from definitions
    inner join measure_weights on definitions.weight_set = measure_weights.weight_set
    left join measures on measure_weights.measure_id = measures.measure_id
    where measures.measure_id is null
),

unknown_domain as (
    select
        definitions.definition_id,
        'unknown domain ' || coalesce(domain_weights.domain_id, '(empty)') || ' in weight set '
        || definitions.weight_set as problem
    from definitions
    inner join domain_weights on definitions.weight_set = domain_weights.weight_set
    left join domains on domain_weights.domain_id = domains.domain_id
    where domains.domain_id is null
),

bad_weight as (
    select
        definitions.definition_id,
        'weights of set ' || definitions.weight_set || ' must be numbers that are not negative' as problem
    from definitions
    where
        definitions.weight_set in (
            select w.weight_set from domain_weights as w
            where w.weight is null or w.weight < 0
            union all
            select w.weight_set from measure_weights as w
            where w.weight is null or w.weight < 0
        )
),

domain_sum as (
    select
        definitions.definition_id,
        'weights of the domains of set '
        || coalesce(definitions.weight_set, '(empty)')
        || ' do not sum to more than zero' as problem
    from definitions
    left join domain_weights on definitions.weight_set = domain_weights.weight_set
    group by definitions.definition_id, definitions.weight_set
    having coalesce(sum(domain_weights.weight), 0) <= 0
),

measure_sum as (
    select
        definitions.definition_id,
        'weights of the measures of ' || domain_weights.domain_id || ' in set ' || definitions.weight_set
        || ' do not sum to more than zero' as problem
    from definitions
    inner join domain_weights on definitions.weight_set = domain_weights.weight_set and domain_weights.weight > 0
    left join measures on domain_weights.domain_id = measures.domain_id
    left join measure_weights
        on definitions.weight_set = measure_weights.weight_set and measures.measure_id = measure_weights.measure_id
    group by definitions.definition_id, definitions.weight_set, domain_weights.domain_id
    having coalesce(sum(measure_weights.weight), 0) <= 0
),

-- Two sets of one name would be added together.
taken_name as (
    select
        definitions.definition_id,
        'weight set ' || definitions.weight_set || ' is the project''s own: give the weights another name' as problem
    from definitions
    where
        definitions.weight_set in (
            select w.weight_set from {{ ref('domain_weights') }} as w
            union all
            select w.weight_set from {{ ref('measure_weights') }} as w
        )
        and definitions.weight_set in (
            select w.weight_set from {{ source('raw', 'user_domain_weights') }} as w
            union all
            select w.weight_set from {{ source('raw', 'user_measure_weights') }} as w
        )
),

domain_basis as (
    select
        definitions.definition_id,
        'combination standardised needs a spend basis with one spend for everything, not ' || definitions.spend_basis
            as problem
    from definitions
    inner join spend_bases on definitions.spend_basis = spend_bases.spend_basis
    where definitions.combination = 'standardised' and spend_bases.level = 'domain'
),

twice as (
    select
        definition_id,
        'the id is used by ' || count(*) || ' definitions' as problem
    from definitions
    group by definition_id
    having count(*) > 1
),

final as (
    select * from choices
    union all
    select * from unknown_spend
    union all
    select * from unknown_measure
    union all
    select * from unknown_domain
    union all
    select * from bad_weight
    union all
    select * from domain_sum
    union all
    select * from measure_sum
    union all
    select * from taken_name
    union all
    select * from domain_basis
    union all
    select * from twice
)

select * from final
where problem is not null
