"""The latest ranking as an accessible workbook, in the form the Analysis Function asks for: cover, contents, one table a sheet, no merged cells.

What belongs here: which rows and columns, their headings and units. What does not: computing any of them.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import duckdb
import pandas as pd

from orchestration.publication.safe_text import safe_text
from orchestration.publication.wording import WARNING

RANKING = {
    "area_code": "Area code",
    "area_name": "Council",
    "region": "Region",
    "rank": "Rank",
    "lower_rank": "Lower rank",
    "upper_rank": "Upper rank",
    "rank_group": "Group",
    "outcome_score": "Outcome score",
    "spend_per_adult_gbp": "Spend per adult (GBP)",
    "spend_index": "Spend index",
    "productivity": "Productivity",
    "coverage": "Coverage",
    "unranked_reason": "Why there is no rank",
}
VALUES = {
    "area_code": "Area code",
    "area_name": "Council",
    "domain_name": "Domain",
    "measure_name": "Measure",
    "value": "Value",
    "unit": "Unit",
    "england_value": "England",
    "score": "Score",
    "value_year": "Year of the value",
    "why_not_counted": "Why it does not count",
}
HISTORY = {
    "area_code": "Area code",
    "area_name": "Council",
    "financial_year": "Year",
    "rank": "Rank",
    "lower_rank": "Lower rank",
    "upper_rank": "Upper rank",
    "outcome_score": "Outcome score",
    "spend_index": "Spend index",
    "productivity": "Productivity",
}
NO_VALUE = "[x]"


def write_workbook(path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Three tables of the default definition: the latest ranking, every measure of that year, ranks of every year."""
    import gptables as gpt

    found = connection.execute("select financial_year from marts.dim_financial_year where is_latest_ranked").fetchone()
    if found is None:
        return
    year = str(found[0])
    source = "Publishers as in the table dim_edition of the release; scores and ranks: this index"
    legend = [f"{NO_VALUE} no value: the reason stands beside it, or the council is not ranked"]

    def sheet(name: str, title: str, query: str, names: dict[str, str]) -> object:
        frame = connection.execute(f"select {', '.join(names)} from ({query})").df().rename(columns=names)
        return gpt.GPTable(
            table=_shown(frame),
            table_name=name,
            title=title,
            scope="Councils with adult social care duties, England",
            source=source,
            legend=legend,
            index_columns={},
            instructions="This worksheet contains one table. It begins below these lines.",
        )

    sheets = {
        "Ranking": sheet(
            "ranking",
            f"Ranking of councils, {year}, definition default",
            f"from marts.council_scorecard where definition_id = 'default' and financial_year = '{year}' order by rank nulls last, area_name",
            RANKING,
        ),
        "Measures": sheet(
            "measures",
            f"Each measure of each council, {year}",
            f"from marts.council_measures where financial_year = '{year}' order by area_name, domain_name, measure_name",
            VALUES,
        ),
        "Years": sheet(
            "years",
            "Ranks of every year, definition default",
            "from marts.council_scorecard where definition_id = 'default' order by area_name, financial_year",
            HISTORY,
        ),
    }
    cover = gpt.Cover(
        title="The open index of adult social care productivity in England",
        intro=[f"Outcomes of adult social care relative to spend, by council, {year}.", WARNING],
        about=[
            "Lower and upper rank are the ends of the 90 % interval of the rank: nine in ten such intervals hold the true rank.",
            "Councils of one group cannot be told apart.",
            "Outcome score: 1 (worst) to 100 (best). Spend index: net current expenditure per adult divided by England's.",
            "Figures: Open Government Licence v3.0. This is not an official service, and no publisher endorses it.",
        ],
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No note text provided", UserWarning)  # reasons stand in the rows
        gpt.write_workbook(
            filename=str(path),
            sheets=sheets,
            cover=cover,
            contentsheet_label="Contents",
            auto_width=True,
            workbook_options={"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": False},
        )


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """No empty cell, and no text that a spreadsheet would run."""
    made = frame.astype(object).where(frame.notna(), NO_VALUE)
    for column in made.columns:
        made[column] = made[column].map(lambda v: safe_text(v) if isinstance(v, str) else v)
    return made
