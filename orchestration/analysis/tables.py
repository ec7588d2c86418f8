"""The marts of the analysis: names, types and descriptions of their columns. What stands in them is made in `rows.py`.

Light on purpose: the code location and the release read it without importing what simulates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

KEY = (
    ("definition_id", "varchar", "Definition of the index."),
    ("financial_year", "varchar", "Financial year, such as 2018-19."),
)


@dataclass(frozen=True)
class Table:
    """A mart: what it is, and its columns as (name, type, description), key first."""

    name: str
    description: str
    columns: tuple[tuple[str, str, str], ...]

    def frame(self, rows: list[dict[str, object]]) -> pd.DataFrame:
        """Rows with this table's columns, in order."""
        import pandas as pd

        return pd.DataFrame(rows, columns=[name for name, _, _ in self.columns])


RANK_UNCERTAINTY = Table(
    "rank_uncertainty",
    "How sure each rank is: where it falls when figures are drawn from their errors and choices from their alternatives. An interval holds the "
    "true rank of nine councils in ten; it says nothing about all councils at once (rank_confidence_set does).",
    (
        *KEY,
        ("area_code", "varchar", "ONS code."),
        ("uncertainty_of", "varchar", "What was drawn: both, data (the figures alone) or method (the choices alone)."),
        ("rank", "integer", "Rank in the ranking itself."),
        (
            "rank_p05",
            "integer",
            "Better end of the calibrated 90 % interval (method: rank that 5 % of replications do not exceed).",
        ),
        ("rank_p25", "integer", "Rank that 25 % of calibrated draws do not exceed."),
        ("rank_median", "integer", "Median rank of the calibrated draws."),
        ("rank_p75", "integer", "Rank that 75 % of calibrated draws do not exceed."),
        (
            "rank_p95",
            "integer",
            "Worse end of the calibrated 90 % interval (method: rank that 95 % of replications do not exceed).",
        ),
        ("probability_top_ten", "double", "Share of calibrated draws with a rank of 10 or better."),
        (
            "probability_top_quarter",
            "double",
            "Share of calibrated draws with a rank in the best quarter of the councils ranked.",
        ),
        (
            "probability_above_peers",
            "double",
            "Share of the first 2,048 calibrated draws with a productivity above the median of its peers.",
        ),
        (
            "share_ranked",
            "double",
            "Share of replications in which the council could be ranked at all; the others count nowhere.",
        ),
        (
            "simultaneous_best",
            "integer",
            "Better end of its set in rank_confidence_set, for all councils at once; of default, from the figures alone.",
        ),
        ("simultaneous_worst", "integer", "Worse end of that set."),
        ("could_be_top_ten", "boolean", "Whether that set leaves a rank of 10 or better open."),
        (
            "interval_level",
            "double",
            "Level of its two readings at which the interval holds nine true ranks in ten; empty where no figure is drawn.",
        ),
        ("replications", "integer", "Replications."),
    ),
)
CONFIDENCE_SET = Table(
    "rank_confidence_set",
    "Sets of ranks that promise more than an interval, of the figures' errors alone, and without a prior: wide, and said to be so.",
    (
        *KEY,
        ("area_code", "varchar", "ONS code."),
        ("rank", "integer", "Rank in the ranking itself."),
        ("marginal_best", "integer", "Better end of the 90 % set of this council alone (Mogstad, Romano, Shaikh and Wilhelm)."),
        ("marginal_worst", "integer", "Its worse end."),
        ("simultaneous_best", "integer", "Better end of sets that hold for all councils at once with 90 % confidence."),
        ("simultaneous_worst", "integer", "Its worse end."),
        ("joint_region_best", "integer", "Better end in the joint region of Klein, Wright and Wieczorek, as a comparison."),
        ("joint_region_worst", "integer", "Its worse end."),
        (
            "could_be_top_ten",
            "boolean",
            "Whether the simultaneous sets leave a rank of 10 or better open: with 90 % confidence the true top ten are all among these.",
        ),
    ),
)
GROUP = Table(
    "rank_group",
    "Groups of councils that the ranking can tell apart, as runs of ranks: order within a group says nothing, order between groups is rarely "
    "wrong.",
    (
        *KEY,
        ("area_code", "varchar", "ONS code."),
        ("rank", "integer", "Rank in the ranking itself."),
        (
            "group_5_pct",
            "varchar",
            "Group, A for the best: the finest groups of which at most 5 % of pairs are expected in the wrong order.",
        ),
        ("group_5_pct_councils", "integer", "Councils in that group, which cannot be told apart."),
        (
            "group_20_pct",
            "varchar",
            "Group, A for the best, when a pair is told apart as far as its order is wrong less than 20 % of the time: finer, and less sure.",
        ),
        ("group_20_pct_councils", "integer", "Councils in that group."),
        (
            "misordered_5_pct",
            "double",
            "Of the pairs in different groups of group_5_pct, the share expected in the wrong order, %.",
        ),
        ("misordered_20_pct", "double", "The same of group_20_pct."),
        ("misordered_ranks_pct", "double", "The same of all pairs of ranks: what a list without groups gets wrong."),
    ),
)
PAIRWISE = Table(
    "pairwise_probability",
    "How likely it is that one council stands above another, for each pair of ranked councils.",
    (
        *KEY,
        ("area_code", "varchar", "ONS code."),
        ("other_area_code", "varchar", "ONS code of the other; later in the alphabet, so that a pair stands once."),
        ("probability_above", "double", "Share of calibrated draws in which the first ranks better; ties count for neither."),
    ),
)
SENSITIVITY = Table(
    "sensitivity",
    "Which choice, or chance in the figures, moves ranks: Sobol indices for the whole ranking and for each council's rank.",
    (
        *KEY,
        (
            "area_code",
            "varchar",
            "ONS code of the council whose rank is explained, or all: the mean change of rank over councils.",
        ),
        ("factor_id", "varchar", "Choice that is varied (dim_method_factor); data is chance in the figures."),
        ("first_order", "double", "Share of the variance that the factor explains by itself. Empty if the rank never changes."),
        ("first_order_p05", "double", "Lower end of its 90 % bootstrap interval."),
        ("first_order_p95", "double", "Upper end of its 90 % bootstrap interval."),
        ("total", "double", "Share of the variance that would go if the factor were fixed, with all its interactions."),
        ("total_p05", "double", "Lower end of its 90 % bootstrap interval."),
        ("total_p95", "double", "Upper end of its 90 % bootstrap interval."),
        ("samples", "integer", "Base samples; each factor costs as many replications again, and two more."),
    ),
)
DROP_ONE = Table(
    "drop_one",
    "Each council's rank when one measure, or one domain, is left out.",
    (
        *KEY,
        ("element_kind", "varchar", "measure or domain."),
        ("element_id", "varchar", "What is left out. A measure alone in its domain cannot be."),
        ("area_code", "varchar", "ONS code."),
        ("rank", "integer", "Rank with everything."),
        ("rank_without", "integer", "Rank without it."),
        ("places_gained", "integer", "Places better without it; negative is worse."),
    ),
)
DIAGNOSTICS = Table(
    "index_diagnostics",
    "Whether the index is well built: how measures hang together, which say the same, and what weight each has in the end.",
    (
        *KEY,
        (
            "statistic",
            "varchar",
            "cronbach_alpha (of a domain's scores), effective_weight (share of the outcome score), correlation_with_domain, "
            "correlation_with_outcome, correlation (of two measures of a domain), redundant_pair (of any two, at least 0.9 either way); of "
            "every definition spend_share_of_variance (of log productivity) and rank_correlation_with_year_before (domain all); of each "
            "measure over all years observed_change_over_declared_error (robust deviation of yearly changes ÷ root 2 ÷ standard error) and "
            "reversed_change_over_declared_error (the part of changes that is gone a year later ÷ standard error).",
        ),
        ("domain_id", "varchar", "Domain, or all."),
        ("measure_id", "varchar", "Measure; empty for a whole domain."),
        ("other_measure_id", "varchar", "The other measure of a pair."),
        ("value", "double", "Value of the statistic: between -1 and 1, alpha at most 1; ratios of errors are zero or more."),
    ),
)
CONVERGENCE = Table(
    "uncertainty_convergence",
    "How the width of rank intervals settles as replications grow.",
    (
        *KEY,
        ("replications", "integer", "Replications so far."),
        ("mean_interval_width", "double", "Mean over councils of rank_p95 - rank_p05, places."),
    ),
)
TABLES = (RANK_UNCERTAINTY, CONFIDENCE_SET, GROUP, PAIRWISE, SENSITIVITY, DROP_ONE, DIAGNOSTICS, CONVERGENCE)
