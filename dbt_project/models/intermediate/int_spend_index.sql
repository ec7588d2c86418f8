-- Spend per head ÷ England's on each basis. England is the sum of the councils that have both a spend and a population.
-- Need-adjusted: spend per adult ÷ what the year's fit expects of a council of like deprivation and age structure.
with

spend as (select * from {{ ref('int_council_spend') }}),

need as (select * from {{ ref('int_need') }}),

fit as (select * from {{ ref('int_need_adjustment_fit') }}),

england as (
    select
        financial_year,
        spend_basis,
        domain_id,
        sum(spend_gbp) / sum(population) as england_spend_per_head_gbp
    from spend
    where spend_per_head_gbp is not null
    group by financial_year, spend_basis, domain_id
),

compared as (
    select
        spend.financial_year,
        spend.area_code,
        spend.spend_basis,
        spend.domain_id,
        spend.spend_per_head_gbp,
        england.england_spend_per_head_gbp,
        case
            when spend.spend_per_head_gbp > 0 then spend.spend_per_head_gbp / england.england_spend_per_head_gbp
        end as spend_index,
        spend.is_modelled as is_spend_modelled
    from spend
    left join england
        on
            spend.financial_year = england.financial_year
            and spend.spend_basis = england.spend_basis
            and spend.domain_id = england.domain_id
),

need_adjusted as (
    select
        compared.financial_year,
        compared.area_code,
        'total_net_need_adjusted' as spend_basis,
        compared.domain_id,
        compared.spend_per_head_gbp,
        compared.england_spend_per_head_gbp,
        compared.spend_per_head_gbp / exp(
            fit.intercept + fit.b_deprivation * need.deprivation_score
            + fit.b_share_65_and_over * need.share_65_and_over_pct
        ) as spend_index,
        compared.is_spend_modelled or coalesce(need.is_predecessors_deprivation, false) as is_spend_modelled
    from compared
    left join need on compared.financial_year = need.financial_year and compared.area_code = need.area_code
    left join fit on compared.financial_year = fit.financial_year
    where compared.spend_basis = 'total_net'
),

final as (
    select * from compared
    union all
    select * from need_adjusted
)

select * from final
