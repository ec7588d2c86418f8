"""dbt's unit tests: one for each formula, on a few rows that can be checked by hand."""

from __future__ import annotations

from orchestration.warehouse.dbt import failure_text, run_dbt
from tests.conftest import Released

FORMULAS = {
    "a_split_council_ends_and_a_recoded_one_goes_on",
    "population_is_published_recoded_summed_or_carried_forward",
    "a_missing_value_says_why_and_a_survey_is_carried_forward_two_years",
    "polarity_turns_values_so_that_higher_is_better",
    "winsorising_pulls_values_in_to_interpolated_quantiles",
    "min_max_spreads_over_the_scale_and_a_missing_value_has_no_score",
    "percentile_rank_gives_ties_the_lower_place",
    "goalposts_are_clipped_at_both_ends",
    "z_score_uses_the_sample_standard_deviation",
    "a_constant_measure_puts_everyone_in_the_middle",
    "weights_rescale_over_what_is_there_down_to_the_coverage_rule",
    "geometric_and_harmonic_means_keep_their_weights",
    "an_outcome_needs_every_domain",
    "spend_index_is_relative_to_the_sum_of_councils_with_both_figures",
    "a_year_between_two_published_ones_shares_out_net_spend_by_interpolated_shares",
    "annual_productivity_divides_by_spend_to_the_power_k_in_all_or_domain_by_domain",
    "three_years_are_a_mean_and_a_slope_of_the_same_council",
    "movement_is_not_shown_where_too_little_compares",
    "the_opportunity_is_what_the_same_outcome_costs_at_the_upper_quartile",
    "ties_share_a_rank_without_gaps_and_who_is_not_ranked_is_told_why",
    "standardised_outcome_and_log_spend_count_alike_and_only_councils_with_both_are_compared",
    "relative_to_england_turns_over_where_lower_is_better_and_is_held_in_bounds",
    "a_survey_for_all_ages_counts_once_over_two_measures",
    "a_spike_is_doubtful_and_its_return_is_not_a_confirmed_jump_is_believed_and_one_without_a_later_year_is_not",
    "two_lines_with_the_same_parts_are_doubtful_and_the_income_says_which_and_how_much_is_missing",
    "a_persons_decision_overrides_the_test_and_a_named_figure_is_added",
}


def test_every_formula(released: Released) -> None:
    results = run_dbt(released.settings, ["test", "--select", "test_type:unit"])
    assert {r.name for r in results} >= FORMULAS
    assert all(r.ok for r in results), failure_text(results)
