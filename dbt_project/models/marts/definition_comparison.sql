-- Each council's rank by each definition beside its rank by `default`, among councils that both rank.
with

ranking as (select * from {{ ref('int_productivity') }}),

paired as (
    select
        other.definition_id,
        other.financial_year,
        other.area_code,
        other.rank,
        base.rank as default_rank,
        base.rank - other.rank as places_gained
    from ranking as other
    inner join ranking as base
        on
            base.definition_id = 'default'
            and other.financial_year = base.financial_year
            and other.area_code = base.area_code
    where other.rank is not null and base.rank is not null and other.definition_id != 'default'
),

-- Spearman's correlation is Pearson's of the ranks among those compared; ties share their mean position.
positions as (
    select
        *,
        rank() over (partition by definition_id, financial_year order by rank)
        + (count(*) over (partition by definition_id, financial_year, rank) - 1) / 2 as position,
        rank() over (partition by definition_id, financial_year order by default_rank)
        + (count(*) over (partition by definition_id, financial_year, default_rank) - 1) / 2 as default_position
    from paired
),

final as (
    select
        definition_id,
        financial_year,
        area_code,
        rank,
        default_rank,
        places_gained,
        corr(position, default_position) over (partition by definition_id, financial_year) as rank_correlation,
        avg(abs(places_gained)) over (partition by definition_id, financial_year) as mean_places_moved,
        rank() over (
            partition by definition_id, financial_year order by abs(places_gained) desc
        ) <= 5 as is_biggest_mover
    from positions
)

select * from final
order by definition_id, financial_year, rank, area_code
