-- Which spend bases a doubt about spend reaches. Doubtful net spend reaches every basis of the outturn, and shares of it that were
-- interpolated for a year without a finance return; a doubtful line of form RO3 reaches the basis that is made of lines.
with

doubts as (select * from {{ ref('int_doubts') }}),

spend as (select * from {{ ref('int_council_spend') }}),

reached as (
    select distinct
        spend.financial_year,
        spend.area_code,
        spend.spend_basis,
        doubts.subject_id,
        doubts.evidence,
        doubts.decision,
        doubts.is_withheld
    from doubts
    inner join spend on doubts.financial_year = spend.financial_year and doubts.area_code = spend.area_code
    where
        (doubts.subject = 'spend' and (spend.spend_basis != 'by_domain_gross' or spend.is_interpolated))
        or (doubts.subject = 'spend_line' and spend.spend_basis = 'by_domain_net')
),

summed as (
    select
        financial_year,
        area_code,
        spend_basis,
        bool_or(is_withheld) as is_withheld,
        string_agg(evidence, '. ' order by subject_id) as doubt
    from reached
    group by financial_year, area_code, spend_basis
),

final as (
    select * from summed
    union all
    select
        financial_year,
        area_code,
        'total_net_need_adjusted' as spend_basis,
        is_withheld,
        doubt
    from summed
    where spend_basis = 'total_net'
)

select * from final
