-- Do the 90 % intervals hold what they say: worlds whose truth is known, seen through the declared errors (`make calibrate`).
select
    world,
    noise_to_spread,
    worlds,
    coverage,
    coverage_true_top_ten,
    coverage_observed_top_ten,
    coverage_worst_council,
    mean_interval_width,
    simultaneous_coverage,
    mean_simultaneous_width,
    expected_in_top_ten,
    truly_in_top_ten,
    misordered_between_groups
from {{ ref('interval_coverage_by_world') }}
order by world, noise_to_spread
