-- The tests that ask of a figure whether it can be believed: what each holds against what, and what it decides.
select
    test_id,
    subject,
    threshold,
    decision,
    meaning
from {{ ref('doubt_tests') }}
order by subject, test_id
