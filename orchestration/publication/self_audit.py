"""The index held against the ten steps of the OECD and JRC handbook, from the tables of one release: a page that the release carries.

What belongs here: what was done in each step, the table that shows it, and the number, read from the release. What does not: any statistic
that no table has.

Steps: Nardo and others (2008), Handbook on constructing composite indicators: methodology and user guide, OECD and Joint Research Centre.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

Row = Sequence[object]


@dataclass(frozen=True)
class Step:
    """One step: what was done, where it shows, and a query of one row with a sentence made of it."""

    name: str
    done: str
    shown_in: tuple[str, ...]
    query: str
    sentence: Callable[[Row], str]


STEPS = (
    Step(
        "Theoretical framework",
        "Outcomes of adult social care per pound of net current expenditure, in three domains of equal weight. What is measured and what is "
        "not is told of each measure, with its polarity, rationale and caveat.",
        ("dim_measure", "dim_definition"),
        "select count(*), count(distinct domain_id), (select count(*) from marts.dim_definition), count(caveat) from marts.dim_measure",
        lambda r: f"{r[0]} measures in {r[1]} domains; {r[2]} definitions of the index; {r[3]} measures carry a caveat.",
    ),
    Step(
        "Selecting the data",
        "Official figures of councils alone, each with its edition, file, sheet and cell. Every figure is held against its own history, other "
        "forms and second sources; what cannot be believed is withheld or kept for a reason that is written down.",
        ("fct_published_figure", "dim_edition", "fct_lineage", "fct_doubtful_figure"),
        "select (select count(*) from marts.fct_published_figure), (select count(*) from marts.dim_edition), "
        "count(*) filter (decision = 'withheld'), count(*) from marts.fct_doubtful_figure",
        lambda r: f"{r[0]:,} figures of {r[1]} editions; {r[3]} are doubtful, {r[2]} of them withheld.",
    ),
    Step(
        "Missing data",
        "Nothing is imputed: weights rescale over what is there, a domain needs its share of weight and a number of measures, and a council "
        "without spend has no rank. A value of another year that stands in says from which. The median in place of what is missing is one "
        "of the choices that are varied.",
        ("fct_measure_value", "measure_coverage", "productivity_ranking"),
        "select 100 * avg((value is null)::int), 100 * avg((value_basis = 'carried_forward')::int), "
        "(select count(*) from marts.productivity_ranking where definition_id = 'default' and rank is null "
        "and financial_year = (select max(financial_year) from marts.productivity_ranking where rank is not null)) "
        "from marts.fct_measure_value",
        lambda r: (
            f"{r[0]:.1f} % of values are missing and {r[1]:.1f} % are carried forward, all marked; {r[2]} councils of the last ranked "
            "year have no rank, each with the reason."
        ),
    ),
    Step(
        "Multivariate analysis",
        "Cronbach's alpha of each domain, correlations of measures with each other, their domain and the outcome, redundant pairs.",
        ("index_diagnostics",),
        "select min(value) filter (statistic = 'cronbach_alpha'), max(value) filter (statistic = 'cronbach_alpha'), "
        "count(*) filter (statistic = 'redundant_pair') from marts.index_diagnostics where definition_id = 'default'",
        lambda r: (
            f"Alpha lies between {r[0]:.2f} and {r[1]:.2f} over domains and years; {r[2]} pairs of measures correlate at 0.9 or more."
        ),
    ),
    Step(
        "Normalisation",
        "Winsorised at the 5th and 95th percentile and scaled between the lowest and highest value of the year; z-scores, percentile ranks, "
        "goalposts and ratios to England are other definitions or drawn choices.",
        ("fct_measure_score", "dim_method_factor"),
        "select 100 * avg(total) from marts.sensitivity "
        "where definition_id = 'default' and area_code = 'all' and factor_id = 'normalisation'",
        lambda r: (
            f"Over ranked years normalisation accounts for {float(str(r[0])):.0f} % of what moves the whole ranking (total Sobol index)."
        ),
    ),
    Step(
        "Weighting and aggregation",
        "Equal weights within and over domains, a figure that serves two domains shared between them; arithmetic means, geometric as another "
        "definition. The weight each measure has in the end, and how much spend decides, are published.",
        ("index_diagnostics", "dim_definition_domain"),
        "select max(value) filter (statistic = 'effective_weight'), min(value) filter (statistic = 'spend_share_of_variance'), "
        "max(value) filter (statistic = 'spend_share_of_variance') from marts.index_diagnostics where definition_id = 'default'",
        lambda r: (
            f"No measure weighs more than {r[0]:.3f}; spend decides {r[1]:.2f} to {r[2]:.2f} of the variance of log productivity."
        ),
    ),
    Step(
        "Uncertainty and sensitivity",
        "Figures are drawn with the errors they show, choices from their alternatives; draws are shrunk and intervals calibrated, and worlds "
        "whose truth is known say how often they hold. Sobol indices say what moves each rank; groups, what ranks can tell apart.",
        ("rank_uncertainty", "rank_confidence_set", "rank_group", "sensitivity", "interval_coverage"),
        "select min(coverage), max(coverage), min(coverage_worst_council), (select avg(rank_p95 - rank_p05) from marts.rank_uncertainty "
        "where definition_id = 'default' and uncertainty_of = 'both') from marts.interval_coverage where world like '____-__'",
        lambda r: (
            f"90 % intervals hold the true rank {100 * float(str(r[0])):.0f} to {100 * float(str(r[1])):.0f} % of the time (the worst council "
            f"{100 * float(str(r[2])):.0f} %) and are {r[3]:.0f} places wide."
        ),
    ),
    Step(
        "Back to the details",
        "Every rank leads to the figures under it; the contribution of each part to a change, the rank without each measure, and peers are "
        "published for every council.",
        ("fct_lineage", "fct_movement_contribution", "drop_one", "fct_peer_comparison"),
        "select count(*), (select median(abs(places_gained)) from marts.drop_one where definition_id = 'default' and element_kind = 'measure'), "
        "(select max(abs(places_gained)) from marts.drop_one where definition_id = 'default' and element_kind = 'measure') from marts.fct_lineage",
        lambda r: (
            f"{r[0]:,} links from ranks to figures; without one measure a council moves {r[1]:.0f} places at the median and {r[2]} at most."
        ),
    ),
    Step(
        "Links to other variables",
        "Rank correlations with the Care Quality Commission's assessments of the same councils, which are never an input.",
        ("external_validation",),
        "select rank_correlation, lower_95, upper_95, councils, (select count(*) filter (excludes_zero) from marts.external_validation), "
        "(select count(*) from marts.external_validation) from marts.external_validation "
        "where index_value = 'productivity' and external_value = 'score_pct'",
        lambda r: (
            f"Productivity and the Commission's score correlate at {r[0]:.2f} (95 % interval {r[1]:.2f} to {r[2]:.2f}, {r[3]} councils)"
            + (": not told from nought. " if float(str(r[1])) < 0 < float(str(r[2])) else ". ")
            + f"Of all {r[5]} correlations {r[4]} leave nought out; three would by chance."
        ),
    ),
    Step(
        "Presentation",
        "Each rank stands with its interval, its group, coverage and doubts; the publishers' warnings with the ranking. Tables are CSV, Parquet "
        "and DuckDB with every column described.",
        ("productivity_ranking", "rank_group"),
        "select count(distinct financial_year), max(misordered_ranks_pct), max(misordered_5_pct) from marts.rank_group",
        lambda r: (
            f"{r[0]} ranked years; a list of single ranks has up to {r[1]:.0f} % of its pairs in the wrong order, its groups at most {r[2]:.1f} %."
        ),
    ),
)


def self_audit(connection: duckdb.DuckDBPyConnection) -> str:
    """The page, in Markdown. ValueError names a step whose tables have no rows to tell from."""
    parts = [
        "# Self-audit",
        "The ten steps of the handbook on composite indicators of the OECD and the Joint Research Centre (Nardo and others, 2008), each with "
        "what was done, the tables that show it, and the number. Generated with this release.",
    ]
    for number, step in enumerate(STEPS, start=1):
        row = connection.execute(step.query).fetchone()
        if row is None or any(value is None for value in row):
            raise ValueError(f"Self-audit, step {number} ({step.name}): {', '.join(step.shown_in)} have nothing to tell it from.")
        tables = ", ".join(f"`marts.{name}`" for name in step.shown_in)
        parts += [f"## {number}. {step.name}", step.done, f"**{step.sentence(row)}**", f"Shown in {tables}."]
    return "\n\n".join(parts) + "\n"
