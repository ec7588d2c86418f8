-- A threshold that is gone from the seed would compare with nothing and switch its test off without a word.
with

asked_for as (
    select unnest([
        'spend_jump', 'spend_spike', 'spend_spike_return', 'spend_kept', 'spend_reversed', 'spend_second_source',
        'spend_disagrees', 'spend_forms_differ', 'identical_lines', 'measure_jump', 'measure_spread', 'measure_collapse',
        'measure_returned', 'measure_second_source', 'measure_level', 'publisher_note', 'months_swing',
        'spend_history'
    ]) as test_id
)

select coalesce(asked_for.test_id, tests.test_id) as test_id
from asked_for
full join {{ ref('doubt_tests') }} as tests on asked_for.test_id = tests.test_id
where asked_for.test_id is null or tests.threshold is null
