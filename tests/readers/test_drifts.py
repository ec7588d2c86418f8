"""More than 200 drifts of real files: each is read right or refused. The whole table, twice as long: `python -m tests.readers.drifts`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.readers.drifts import DRIFTS, SAMPLES, UNSEEN, Sample, tried, truncations

LARGE = {"ascof 2020-21", "activity_and_finance 2016-17"}
"""Files that take seconds to read: a fourth of the drifts each."""


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_a_drift_of_a_real_file_is_read_right_or_refused(given_data: Path, sample: Sample) -> None:
    drifts = DRIFTS[sum(map(ord, sample.name)) % 4 :: 4] if sample.name in LARGE else DRIFTS
    done = list(tried(sample, range(1), drifts))
    assert len(done) >= (3 if sample.name in LARGE else 14)
    wrong = [f"{t.drift}: {t.reason}" for t in done if t.result == "wrong" and (sample.name, t.drift) not in UNSEEN]
    assert wrong == []
    assert {t.result for t in done} & {"refused"}


@pytest.mark.parametrize("sample", [s for s in SAMPLES if not s.sheet and s.name not in LARGE], ids=lambda s: s.name)
def test_a_csv_cut_at_any_byte_is_refused(given_data: Path, sample: Sample) -> None:
    """Also by an import, a folder that mirrors, or a packed body that stops: the file itself is what is looked at."""
    done = list(truncations(sample, range(15)))
    assert [(t.seed, t.reason) for t in done if t.result != "refused"] == []
