"""Two releases side by side: which ranks moved, and which published figures under them differ.

What belongs here: reading both and setting them beside each other. What does not: saying why a publisher changed a figure.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.warehouse.connection import connect

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 3
"""Figures named in a row; the number of all stands beside them."""

RANKS = """
with

ranks as (
    select
        coalesce(a.financial_year, b.financial_year) as financial_year,
        coalesce(a.area_code, b.area_code) as area_code,
        coalesce(b.area_name, a.area_name) as area_name,
        a.rank as rank_before,
        b.rank as rank_after,
        a.productivity as productivity_before,
        b.productivity as productivity_after
    from before.marts.productivity_ranking as a
    full join after.marts.productivity_ranking as b
        on a.definition_id = b.definition_id and a.financial_year = b.financial_year and a.area_code = b.area_code
    where coalesce(a.definition_id, b.definition_id) = 'default'
),

-- a figure is the same one if its cell is: its id is made of source, edition, area, item, ages and period
figures as (
    select
        coalesce(a.financial_year, b.financial_year) as financial_year,
        coalesce(a.area_code, b.area_code) as area_code,
        count(*) as figures_changed,
        list(
            coalesce(a.component_id, b.component_id) || ': '
            || coalesce(cast(a.value as varchar), 'none') || ' -> ' || coalesce(cast(b.value as varchar), 'none')
            order by coalesce(a.component_id, b.component_id)
        ) as named
    from (
        select l.*, f.value from before.marts.fct_lineage as l inner join before.marts.fct_published_figure as f using (figure_id)
    ) as a
    full join (
        select l.*, f.value from after.marts.fct_lineage as l inner join after.marts.fct_published_figure as f using (figure_id)
    ) as b
        on
            a.financial_year = b.financial_year and a.area_code = b.area_code and a.component = b.component
            and a.component_id = b.component_id and a.figure_id = b.figure_id
    where a.value is distinct from b.value
    group by all
)

select
    ranks.*,
    ranks.rank_before - ranks.rank_after as places_gained,
    coalesce(figures.figures_changed, 0) as figures_changed,
    array_to_string(figures.named[1:{shown}], '; ') as figures
from ranks
left join figures using (financial_year, area_code)
where
    ranks.rank_before is distinct from ranks.rank_after
    or round(ranks.productivity_before, 9) is distinct from round(ranks.productivity_after, 9)
    or figures.figures_changed is not null
order by ranks.financial_year desc, abs(coalesce(ranks.rank_before - ranks.rank_after, 0)) desc, ranks.area_name
"""


def moved_ranks(before: Path, after: Path) -> pd.DataFrame:
    """One row for each council and year whose rank, productivity or figures differ between two releases, the largest moves of a year first."""
    with connect() as connection:
        for name, release in (("before", before), ("after", after)):
            connection.execute(f"attach '{release / 'asc.duckdb'}' as {name} (read_only)")
        result = connection.execute(RANKS.format(shown=SHOWN))
        types = {str(column[0]): str(column[1]) for column in result.description or []}
        frame = result.df()
    frame.attrs["types"] = types
    return frame
