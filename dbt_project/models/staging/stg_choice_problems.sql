-- Why the choices of a definition, each by itself or two together, cannot be, one row for each reason.
with

definitions as (select * from {{ ref('stg_definitions') }}),

final as (
    select
        definition_id,
        unnest([
            {{ not_one_of('normalisation', ['min_max', 'percentile_rank', 'goalposts', 'z_score', 'ratio_to_england']) }},
            {{ not_one_of('domain_aggregation', ['arithmetic', 'geometric', 'harmonic']) }},
            {{ not_one_of('outcome_aggregation', ['arithmetic', 'geometric', 'harmonic']) }},
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
            {{ not_one_of('combination', ['ratio', 'standardised']) }},
            {{ not_one_of('doubtful_figures', ['withhold', 'keep']) }},
            case when window_years is null or window_years not in (1, 3) then 'window_years must be 1 or 3' end
        ]) as problem
    from definitions
)

select * from final
where problem is not null
