-- Least squares of log spend per adult on deprivation score and share aged 65+, one fit a year, rankable councils whose spend is not
-- withheld: a doubtful figure must not bend what is expected of the others.
-- Two predictors have a closed form: with sums of squares and products about the means,
--   b1 = (S1y S22 - S2y S12) / (S11 S22 - S12^2),   b2 = (S2y S11 - S1y S12) / (S11 S22 - S12^2).
with

spend as (select * from {{ ref('int_council_spend') }}),

need as (select * from {{ ref('int_need') }}),

council_years as (select * from {{ ref('int_council_years') }}),

withheld as (
    select * from {{ ref('int_doubts') }}
    where subject = 'spend' and is_withheld
),

observed as (
    select
        spend.financial_year,
        ln(spend.spend_per_head_gbp) as log_spend,
        need.deprivation_score as x1,
        need.share_65_and_over_pct as x2
    from spend
    inner join council_years
        on
            spend.financial_year = council_years.financial_year
            and spend.area_code = council_years.area_code
            and council_years.is_rankable
    inner join need on spend.financial_year = need.financial_year and spend.area_code = need.area_code
    left join withheld on spend.financial_year = withheld.financial_year and spend.area_code = withheld.area_code
    where
        spend.spend_basis = 'total_net' and spend.spend_per_head_gbp > 0 and withheld.area_code is null
        and need.deprivation_score is not null and need.share_65_and_over_pct is not null
),

moments as (
    select
        financial_year,
        count(*) as councils,
        avg(log_spend) as mean_log_spend,
        avg(x1) as mean_x1,
        avg(x2) as mean_x2,
        var_pop(log_spend) as s_yy,
        var_pop(x1) as s_11,
        var_pop(x2) as s_22,
        covar_pop(x1, x2) as s_12,
        covar_pop(x1, log_spend) as s_1y,
        covar_pop(x2, log_spend) as s_2y
    from observed
    group by financial_year
),

coefficients as (
    select
        *,
        (s_1y * s_22 - s_2y * s_12) / (s_11 * s_22 - s_12 * s_12) as b_deprivation,
        (s_2y * s_11 - s_1y * s_12) / (s_11 * s_22 - s_12 * s_12) as b_share_65_and_over
    from moments
),

final as (
    select
        financial_year,
        councils,
        mean_log_spend - b_deprivation * mean_x1 - b_share_65_and_over * mean_x2 as intercept,
        b_deprivation,
        b_share_65_and_over,
        (b_deprivation * s_1y + b_share_65_and_over * s_2y) / s_yy as r_squared
    from coefficients
)

select * from final
