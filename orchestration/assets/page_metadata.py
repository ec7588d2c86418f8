"""What Dagster's pages show of a year: read from the workbench after a stage, drawn by `pictures.py`. Nothing is computed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.assets.pictures import as_markdown, bars_svg, rank_intervals_svg
from orchestration.settings import Settings
from orchestration.warehouse.connection import connect

if TYPE_CHECKING:
    import pandas as pd

DEFAULT = "default"


def ranking_as_it_stands(settings: Settings) -> dict[str, Any]:
    """For the ranking itself, before intervals are known: coverage by year, and the top ten of the latest ranked year as a table."""
    with connect(str(settings.warehouse_path), read_only=True) as db:
        top = db.execute(
            """
            select financial_year, rank, area_name, outcome_score, spend_index, productivity
            from marts.productivity_ranking
            where definition_id = ? and rank is not null
            qualify financial_year = max(financial_year) over () and rank <= 10
            order by rank, area_name
            """,
            [DEFAULT],
        ).df()
    return {"coverage_by_year": dg.MetadataValue.md(_coverage_picture(settings)), "top_ten_of_the_latest_year": table(top)}


def table(frame: pd.DataFrame) -> dg.MetadataValue:
    """A frame as a table in Dagster's pages."""
    records = [dg.TableRecord({str(k): str(v) for k, v in row.items()}) for row in frame.to_dict("records")]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(str(c)) for c in frame.columns]))


def _coverage_picture(settings: Settings) -> str:
    title = "Coverage by year: share of the weight that has a value, mean of ranked councils"
    return as_markdown(bars_svg(_coverage(settings), title), title)


def pictures_of_the_latest(settings: Settings) -> dict[str, str]:
    """The default definition's latest ranked year as pictures inside markdown: its top ten, every interval, and coverage year by year."""
    year, ranks = next(reversed(_ranks(settings).items()))
    top = f"Top ten of {year}: rank with its 90 % interval and middle half"
    everybody = f"Ranks of {year} with their 90 % interval and middle half"
    return {
        "top_ten": as_markdown(rank_intervals_svg(ranks[ranks["rank"] <= 10], top), top),
        "coverage_by_year": _coverage_picture(settings),
        "rank_intervals": as_markdown(rank_intervals_svg(ranks, everybody), everybody),
    }


def top_ten_by_year(settings: Settings) -> dict[str, pd.DataFrame]:
    """For every ranked year of the default definition its first ten ranks with their 90 % intervals."""
    columns = ["rank", "area_name", "rank_p05", "rank_p95", "councils_ranked"]
    return {year: ranks.loc[ranks["rank"] <= 10, columns] for year, ranks in _ranks(settings).items()}


def _ranks(settings: Settings) -> dict[str, pd.DataFrame]:
    """Ranks and intervals of the default definition by year, years in order."""
    with connect(str(settings.warehouse_path), read_only=True) as db:
        frame = db.execute(
            """
            select u.*, c.area_name, count(*) over (partition by u.financial_year) as councils_ranked
            from marts.rank_uncertainty as u
            inner join marts.dim_council as c using (area_code)
            where u.definition_id = ? and u.uncertainty_of = 'both'
            order by u.financial_year, u.rank, c.area_name
            """,
            [DEFAULT],
        ).df()
    return {str(year): rows for year, rows in frame.groupby("financial_year", sort=True)}


def _coverage(settings: Settings) -> dict[str, float]:
    with connect(str(settings.warehouse_path), read_only=True) as db:
        rows = db.execute(
            "select financial_year, 100 * avg(coverage) from marts.productivity_ranking "
            "where definition_id = ? and rank is not null group by all order by all",
            [DEFAULT],
        ).fetchall()
    return dict(rows)
