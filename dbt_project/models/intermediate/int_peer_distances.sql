-- Distance between every two rankable councils of a year: Euclidean over standardised deprivation score, share of adults
-- aged 65 and over, and the logarithm of the number of adults. The same both ways; zero only to itself.
with

need as (select * from {{ ref('int_need') }}),

council_years as (select * from {{ ref('int_council_years') }}),

spend as (select distinct financial_year from {{ ref('stg_net_current_expenditure') }}),

features as (
    select
        need.financial_year,
        need.area_code,
        need.deprivation_score,
        need.share_65_and_over_pct,
        ln(need.population_adults) as log_adults
    from need
    inner join council_years
        on
            need.financial_year = council_years.financial_year
            and need.area_code = council_years.area_code
            and council_years.is_rankable
    where
        need.financial_year in (select s.financial_year from spend as s)
        and need.deprivation_score is not null and need.population_adults > 0
),

standardised as (
    select
        financial_year,
        area_code,
        (deprivation_score - avg(deprivation_score) over year) / stddev_samp(deprivation_score) over year as z1,
        (share_65_and_over_pct - avg(share_65_and_over_pct) over year)
        / stddev_samp(share_65_and_over_pct) over year as z2,
        (log_adults - avg(log_adults) over year) / stddev_samp(log_adults) over year as z3
    from features
    window year as (partition by financial_year)
),

final as (
    select
        one.financial_year,
        one.area_code,
        other.area_code as peer_area_code,
        sqrt(power(one.z1 - other.z1, 2) + power(one.z2 - other.z2, 2) + power(one.z3 - other.z3, 2)) as distance
    from standardised as one
    inner join standardised as other
        on one.financial_year = other.financial_year and one.area_code != other.area_code
)

select * from final
