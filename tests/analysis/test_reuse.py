"""Results that are kept: nothing that a result depends on can change without it being computed again, and what is kept is what was made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from orchestration.analysis import reuse as module
from orchestration.analysis.draws import BLOCK
from orchestration.analysis.factors import Factors
from orchestration.analysis.problems import Problem
from orchestration.analysis.reuse import Kept, fingerprint
from orchestration.analysis.run import analyse
from orchestration.analysis.simulation import Study, simulate_all
from orchestration.settings import Settings
from tests.benchmarks.uncertainty import factors, problem
from tests.conftest import Released

YEARS = ("2017-18", "2018-19", "2019-20")


def changed(part: Any) -> Iterator[tuple[str, Any]]:
    """(where, the same with one thing changed) for every leaf of a nested value."""
    if isinstance(part, np.ndarray):
        if part.size:
            other = part.copy()
            flat = other.reshape(-1)
            last = flat[-1]
            if part.dtype.kind == "b":
                flat[-1] = not last
            elif part.dtype.kind in "UO":
                flat[-1] = str(last)[:-1] + "?"
            else:
                flat[-1] = last + 1 if np.isfinite(last) else 1
            yield "", other
    elif is_dataclass(part) and not isinstance(part, type):
        for field in fields(part):
            for where, other in changed(getattr(part, field.name)):
                yield f".{field.name}{where}", _with(part, field.name, other)
    elif isinstance(part, Mapping):
        for key in part:
            for where, other in changed(part[key]):
                yield f"[{key}]{where}", {**part, key: other}
            yield f"[{key}] gone", {k: v for k, v in part.items() if k != key}
    elif isinstance(part, bool) or part is None:
        yield "", not part
    elif isinstance(part, str):
        yield "", part + "?"
    elif isinstance(part, int | float):
        yield "", part + 1 if np.isfinite(part) else 1.0
    elif isinstance(part, Sequence):
        for n, one in enumerate(part):
            for where, other in changed(one):
                yield f"[{n}]{where}", [*part[:n], other, *part[n + 1 :]]
        if len(part):
            yield " shorter", list(part[:-1])


def _with(part: Any, name: str, value: Any) -> Any:
    """As `replace`, without asking whether the whole makes sense."""
    made = object.__new__(type(part))
    for field in fields(part):
        object.__setattr__(made, field.name, value if field.name == name else getattr(part, field.name))
    return made


def several_years(window: int = 1) -> Study:
    made = problem(20, 5, len(YEARS))
    earlier = [np.full(20, -1), *(np.arange(20) for _ in YEARS[1:])]
    made = replace(made, definition=made.definition | {"window_years": window}, earlier=earlier)
    return Study(made, factors(made), peers={made.years[-1].financial_year: np.zeros((20, 3), dtype=np.int64)})


@pytest.mark.parametrize("window", [1, 2])
def test_whatever_a_year_depends_on_changes_its_fingerprint(window: int) -> None:
    study = several_years(window)
    label = study.years[-1]
    parts = study.depends_on(label)
    mine = fingerprint(*parts)
    assert fingerprint(*several_years(window).depends_on(label)) == mine
    seen = {where: fingerprint(*other) for where, other in changed(parts)}
    assert len(seen) > 80
    assert [where for where, other in seen.items() if other == mine] == []
    assert any("arrays.standard_errors" in where for where in seen)
    assert any("errors.history_weight" in where for where in seen)


def with_problem(study: Study, **change: Any) -> Study:
    made = replace(study.problem, **change)
    return replace(study, problem=made, factors=replace(study.factors, definition=made))


def with_factors(study: Study, **change: Any) -> Study:
    return replace(study, factors=replace(study.factors, **change))


CHANGES: dict[str, Callable[[Study], Study]] = {
    "data": lambda s: replace(s, data=False),
    "method": lambda s: replace(s, method=False),
    "pairs": lambda s: replace(s, pairs=True),
    "share": lambda s: replace(s, share=0.25),
    "peers": lambda s: replace(s, peers={YEARS[-1]: np.ones((20, 3), dtype=np.int64)}),
    "no peers": lambda s: replace(s, peers=None),
    "definition": lambda s: with_problem(s, definition=s.problem.definition | {"k": 0.25}),
    "areas": lambda s: with_problem(s, areas=s.problem.areas + 1),
    "earlier": lambda s: with_problem(s, earlier=[np.full_like(rows, -1) for rows in s.problem.earlier]),
    "varied": lambda s: with_factors(s, varied=s.factors.varied[:-1]),
    "alternatives": lambda s: with_factors(s, alternatives=dict(list(s.factors.alternatives.items())[:-1])),
    "rank": lambda s: with_problem(s, years=[replace(y, rank=y.rank[::-1].copy()) for y in s.problem.years]),
}
"""Everything that a study is made of, one at a time: `several_years` has each of them otherwise."""


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_a_study_is_made_of_is_part_of_it(what: str) -> None:
    study = several_years(window=2)
    label = study.years[-1]
    assert fingerprint(*CHANGES[what](study).depends_on(label)) != fingerprint(*study.depends_on(label))


def test_the_list_of_what_a_study_is_made_of_is_whole() -> None:
    """A new field of a study, a problem or its factors is a new line above."""
    assert [f.name for f in fields(Study)] == ["problem", "factors", "data", "method", "peers", "pairs", "share"]
    assert [f.name for f in fields(Problem)] == ["definition", "years", "earlier", "areas"]
    assert [f.name for f in fields(Factors)] == ["definition", "varied", "alternatives"]


def test_another_year_is_no_part_of_it_but_one_in_its_window_is() -> None:
    for window, depends in ((1, [False, False, True]), (2, [False, True, True]), (3, [True, True, True])):
        study = several_years(window)
        last = study.years[-1]
        found = []
        for n, year in enumerate(study.problem.years):
            values = year.arrays.values + 1.0
            other = replace(
                study.problem,
                years=[
                    *study.problem.years[:n],
                    replace(year, arrays=replace(year.arrays, values=values)),
                    *study.problem.years[n + 1 :],
                ],
            )
            moved = replace(study, problem=other, factors=replace(study.factors, definition=other))
            found.append(fingerprint(*moved.depends_on(last)) != fingerprint(*study.depends_on(last)))
        assert found == depends, window


def test_what_it_cannot_read_has_no_fingerprint() -> None:
    with pytest.raises(TypeError, match="no fingerprint of a function"):
        fingerprint(changed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        ("1", 1),
        (["a", "b"], ["ab"]),
        ([["a"], ["b"]], [["a", "b"]]),
        (0.0, -0.0),
        (np.zeros(4), np.zeros((2, 2))),
        (np.zeros(2, dtype=np.float32), np.zeros(1)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (None, "None"),
    ],
)
def test_what_looks_alike_is_not_the_same(one: object, other: object) -> None:
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize("window", [1, 2, 3])
def test_years_asked_for_alone_are_the_same_as_all_together(window: int) -> None:
    study = several_years(window)
    every = simulate_all([study, study], replications=2 * BLOCK, seed=3, threads=2)
    for label in study.years:
        found = simulate_all([study, study], replications=2 * BLOCK, seed=3, threads=1, wanted=[(1, label)])
        assert [list(one) for one in found] == [[], [label]]
        np.testing.assert_array_equal(found[1][label].at_rank, every[1][label].at_rank)
        np.testing.assert_array_equal(found[1][label].own_rank, every[1][label].own_rank)


KEYS = """
import sys
from pathlib import Path
from orchestration.analysis.reuse import fingerprint
from orchestration.analysis.run import studies_of
from orchestration.settings import Settings
for study in studies_of(Settings(build_dir=Path(sys.argv[1]))):
    for label in study.years:
        print(study.problem.definition_id, study.data, study.method, label, fingerprint(study.depends_on(label)))
"""


def test_another_process_finds_the_same_inputs_under_the_same_fingerprint(released: Released) -> None:
    """A set that is walked through comes in another order in each process: nothing would ever be taken from an earlier run."""
    told = [
        subprocess.run(
            [sys.executable, "-c", KEYS, str(released.settings.build_dir)],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert len(told[0].splitlines()) > 70
    assert told[0] == told[1] == told[2]


TABLES = {"of": [{"a": 1, "b": float("nan"), "c": None, "d": True, "e": 0.1 + 0.2, "f": "ü"}], "none": []}


def test_what_is_kept_is_what_was_made(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept")
    assert kept.get("key") is None
    made = kept.put(
        "key", {"of": [{**TABLES["of"][0], "a": np.int64(1), "e": np.float64(0.1) + 0.2, "d": np.bool_(True)}], "none": []}
    )
    assert repr(made) == repr(TABLES) == repr(kept.get("key"))
    assert kept.get("another key") is None
    assert Kept(tmp_path / "kept", read=False).get("key") is None
    with pytest.raises(TypeError, match="a row holds a PosixPath"):
        kept.put("key", {"of": [{"a": tmp_path}]})
    assert repr(kept.get("key")) == repr(TABLES)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-3], lambda b: b.replace(b'"a": 1', b'"a": 2'), lambda b: b"", lambda b: b"\xff" + b]
)
def test_a_damaged_file_is_none(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    kept = Kept(tmp_path)
    kept.put("key", TABLES)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert kept.get("key") is None


def test_other_code_or_packages_find_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Kept(tmp_path).put("key", TABLES)
    monkeypatch.setattr(module, "version", lambda _: "0")
    assert Kept(tmp_path).get("key") is None
    monkeypatch.undo()
    assert Kept(tmp_path).get("key") is not None
    monkeypatch.setattr(module, "code_version", lambda *_: "other")
    assert Kept(tmp_path).get("key") is None


def test_only_what_was_used_last_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILES_KEPT", 2)
    kept = Kept(tmp_path)
    for key in "abc":
        kept.put(key, TABLES)
    assert kept.get("a") is not None
    kept.forget_the_oldest()
    assert [key for key in "abc" if kept.get(key) is not None] == ["a", "c"]


@dataclass(frozen=True)
class Ran:
    frames: dict[str, pd.DataFrame]
    computed: int
    taken: int


@pytest.mark.slow
def test_a_figure_that_changed_has_its_own_year_computed_again_and_no_other(released: Released, tmp_path: Path) -> None:
    settings = Settings(build_dir=tmp_path, replications=BLOCK, sensitivity_samples=BLOCK)
    (tmp_path / "build").mkdir()
    settings.build_pointer.write_text("build")
    shutil.copyfile(released.settings.warehouse_path, settings.warehouse_path)

    def ran(reuse: bool = True) -> Ran:
        done = analyse(settings.model_copy(update={"reuse": reuse}))
        order = {name: frame.sort_values(list(frame.columns), ignore_index=True) for name, frame in done.frames.items()}
        return Ran(order, done.computed, done.taken)

    def same(one: Ran, other: Ran) -> bool:
        return all(frame.equals(other.frames[name]) for name, frame in one.frames.items())

    first, second = ran(), ran()
    assert (first.taken, second.computed) == (0, 0)
    assert first.computed == second.taken > 80
    assert same(first, second)
    with duckdb.connect(str(settings.warehouse_path)) as db:
        db.execute(
            "update marts.fct_measure_score set value = value * 1.2 "
            "where financial_year = '2023-24' and area_code = 'E08000035' and measure_id = 'direct_payments'"
        )
    third = ran()
    assert third.taken > 60
    assert third.computed == first.computed - third.taken
    assert not same(first, third)
    assert same(third, ran(reuse=False))
    touched = third.frames["rank_uncertainty"].compare(first.frames["rank_uncertainty"]).index
    # of three years together, the year after has it in its window
    assert set(third.frames["rank_uncertainty"].loc[touched, "financial_year"]) <= {"2023-24", "2024-25"}
