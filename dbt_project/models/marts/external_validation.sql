-- Does the index agree with what others found of the same councils? Spearman's rank correlation of productivity, outcome and each domain of
-- `default` with the Care Quality Commission's assessment: its score, each of its nine statements, and its rating. Never an input.
-- A council's figures are of the latest scored financial year that had ended when the report came out, as their place within that year.
-- Interval: Fisher's z with the standard error sqrt((1 + rho^2 / 2) / (n - 3)) of Bonett and Wright (2000, Psychometrika 65).
with

assessments as (
    select
        *,
        -- a financial year ends in March: what had ended by the month of the report
        cast(left(report_month, 4) as integer)
        - case when cast(right(report_month, 2) as integer) >= 4 then 1 else 2 end as ended_start
    from {{ ref('cqc_assessments') }}
    where not is_pilot
),

-- a row for each council and thing said of it; what was not said has no row
found as (
    {% for said in [
        'score_pct', 'rating', 'qs1_assessing_needs', 'qs2_healthier_lives', 'qs3_equity', 'qs4_care_provision', 'qs5_partnerships',
        'qs6_safe_pathways', 'qs7_safeguarding', 'qs8_governance', 'qs9_learning'
    ] %}
        select
            area_code,
            ended_start,
            '{{ said }}' as external_value,
            {% if said == 'rating' -%}
                case rating
                    when 'Outstanding' then 4 when 'Good' then 3 when 'Requires improvement' then 2 when 'Inadequate' then 1
                end
            {%- else -%}
                cast({{ said }} as double)
            {%- endif %} as external
        from assessments
        where {{ said }} is not null
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

history as (select * from {{ ref('int_council_history') }}),

ranked as (
    select * from {{ ref('productivity_ranking') }}
    where definition_id = 'default' and rank is not null
),

ranking as (
    select
        financial_year,
        area_code,
        'productivity' as index_value,
        productivity as value
    from ranked
    union all
    select
        financial_year,
        area_code,
        'outcome_score' as index_value,
        outcome_score as value
    from ranked
    union all
    select
        domain_score.financial_year,
        domain_score.area_code,
        domain_score.domain_id as index_value,
        domain_score.domain_score as value
    from {{ ref('fct_domain_score') }} as domain_score
    inner join ranked
        on
            domain_score.definition_id = ranked.definition_id
            and domain_score.financial_year = ranked.financial_year
            and domain_score.area_code = ranked.area_code
),

places as (
    select
        ranking.index_value,
        ranking.financial_year,
        history.continuity_code,
        cast(left(ranking.financial_year, 4) as integer) as start_year,
        percent_rank() over (partition by ranking.index_value, ranking.financial_year order by ranking.value) as place
    from ranking
    inner join history on ranking.area_code = history.area_code
    where ranking.value is not null
),

paired as (
    select
        places.index_value,
        found.external_value,
        history.continuity_code,
        found.external,
        places.place,
        found.ended_start - places.start_year as years_between
    from found
    inner join history on found.area_code = history.area_code
    inner join places on history.continuity_code = places.continuity_code and places.start_year <= found.ended_start
    qualify
        row_number() over (
            partition by places.index_value, found.external_value, history.continuity_code
            order by places.start_year desc
        ) = 1
),

ranks as (
    select
        index_value,
        external_value,
        continuity_code,
        years_between,
        rank() over (partition by index_value, external_value order by place)
        + (count(*) over (partition by index_value, external_value, place) - 1) / 2 as own_rank,
        rank() over (partition by index_value, external_value order by external)
        + (count(*) over (partition by index_value, external_value, external) - 1) / 2 as external_rank
    from paired
),

correlations as (
    select
        index_value,
        external_value,
        count(*) as councils,
        count(*) filter (years_between = 0) as councils_of_the_year_before,
        corr(own_rank, external_rank order by continuity_code) as rank_correlation
    from ranks
    group by index_value, external_value
),

final as (
    select
        'default' as definition_id,
        index_value,
        external_value,
        councils,
        councils_of_the_year_before,
        rank_correlation,
        tanh(
            atanh(rank_correlation) - {{ z95() }} * sqrt((1 + power(rank_correlation, 2) / 2) / (councils - 3))
        ) as lower_95,
        tanh(
            atanh(rank_correlation) + {{ z95() }} * sqrt((1 + power(rank_correlation, 2) / 2) / (councils - 3))
        ) as upper_95
    from correlations
    where councils > 3
)

select
    *,
    lower_95 > 0 or upper_95 < 0 as excludes_zero
from final
order by index_value, external_value
