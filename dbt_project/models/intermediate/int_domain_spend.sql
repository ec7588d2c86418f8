-- Gross current expenditure of each domain: long-term 65+, long-term 18-64, short-term and equipment.
-- A year between two published ones is modelled: the council's net current expenditure of the year, shared out by shares
-- interpolated between the two. Nothing is extrapolated.
with

council_years as (select * from {{ ref('int_council_years') }}),

gross as (select * from {{ ref('stg_gross_current_expenditure') }}),

net as (select * from {{ ref('stg_net_current_expenditure') }}),

parts as (
    select
        figure_id,
        financial_year,
        area_code,
        gross_current_expenditure_gbp,
        case
            when item = 'gross_current_expenditure_long_term' and breakdown = '65_and_over' then 'older_adults'
            when item = 'gross_current_expenditure_long_term' and breakdown = '18_to_64' then 'all_age_disability'
            when item in ('gross_current_expenditure_short_term', 'gross_current_expenditure_equipment')
                then 'health_interface'
        end as domain_id
    from gross
),

-- A year is whole for a council when all five parts are there: two of long-term, two of short-term, and equipment.
whole_years as (
    select
        financial_year,
        area_code
    from parts
    where domain_id is not null
    group by financial_year, area_code
    having count(*) = 5
),

published as (
    select
        council_years.financial_year,
        council_years.mid_year,
        council_years.area_code,
        council_years.continuity_code,
        parts.domain_id,
        sum(parts.gross_current_expenditure_gbp) as spend_gbp,
        string_agg(parts.figure_id, ' ' order by parts.figure_id) as figure_ids
    from whole_years
    inner join parts
        on whole_years.financial_year = parts.financial_year and whole_years.area_code = parts.area_code
    inner join council_years
        on whole_years.financial_year = council_years.financial_year and whole_years.area_code = council_years.area_code
    where parts.domain_id is not null
    group by
        council_years.financial_year, council_years.mid_year, council_years.area_code, council_years.continuity_code,
        parts.domain_id
),

shares as (
    select
        *,
        spend_gbp / sum(spend_gbp) over (partition by financial_year, area_code) as share
    from published
),

-- The published lines of a council and year, all five: what a share of the year rests on.
lines_of_a_year as (
    select
        continuity_code,
        mid_year,
        string_agg(figure_ids, ' ' order by domain_id) as figure_ids
    from published
    group by continuity_code, mid_year
),

gaps as (
    select
        council_years.financial_year,
        council_years.mid_year,
        council_years.area_code,
        council_years.continuity_code,
        net.figure_id,
        net.net_current_expenditure_gbp
    from council_years
    inner join net
        on council_years.area_code = net.area_code and council_years.financial_year = net.financial_year
    left join whole_years
        on
            council_years.financial_year = whole_years.financial_year
            and council_years.area_code = whole_years.area_code
    where whole_years.area_code is null
),

neighbours as (
    select
        gaps.financial_year,
        gaps.mid_year,
        gaps.area_code,
        gaps.continuity_code,
        gaps.figure_id,
        gaps.net_current_expenditure_gbp,
        shares.domain_id,
        max(shares.mid_year) filter (shares.mid_year < gaps.mid_year) as year_before,
        min(shares.mid_year) filter (shares.mid_year > gaps.mid_year) as year_after,
        arg_max(shares.share, shares.mid_year) filter (shares.mid_year < gaps.mid_year) as share_before,
        arg_min(shares.share, shares.mid_year) filter (shares.mid_year > gaps.mid_year) as share_after
    from gaps
    inner join shares on gaps.continuity_code = shares.continuity_code
    group by
        gaps.financial_year, gaps.mid_year, gaps.area_code, gaps.continuity_code, gaps.figure_id,
        gaps.net_current_expenditure_gbp, shares.domain_id
),

interpolated as (
    select
        neighbours.financial_year,
        neighbours.area_code,
        neighbours.domain_id,
        neighbours.net_current_expenditure_gbp * (
            neighbours.share_before
            + (neighbours.share_after - neighbours.share_before) * (neighbours.mid_year - neighbours.year_before)
            / (neighbours.year_after - neighbours.year_before)
        ) as spend_gbp,
        neighbours.figure_id || ' ' || lines_before.figure_ids || ' ' || lines_after.figure_ids as figure_ids
    from neighbours
    inner join lines_of_a_year as lines_before
        on
            neighbours.continuity_code = lines_before.continuity_code
            and neighbours.year_before = lines_before.mid_year
    inner join lines_of_a_year as lines_after
        on
            neighbours.continuity_code = lines_after.continuity_code
            and neighbours.year_after = lines_after.mid_year
),

final as (
    select
        financial_year,
        area_code,
        domain_id,
        spend_gbp,
        figure_ids,
        false as is_interpolated
    from published
    union all
    select
        financial_year,
        area_code,
        domain_id,
        spend_gbp,
        figure_ids,
        true as is_interpolated
    from interpolated
)

select * from final
