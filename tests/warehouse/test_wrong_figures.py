"""The corpus of `wrong_figures.csv`: what is wrong with published figures one by one, by column, by year, by code and by edition, at three sizes.

Each line says what must come of it (refused, set aside, doubtful, flagged), by which rule, and what the sentence must name. The build is that of
a whole run with some raw figures changed, all models after them worked again, and the gates asked in their order.
"""

from __future__ import annotations

from collections import Counter

import pytest

from expectations import runner
from expectations.runner import SuiteResult
from tests.conftest import Released
from tests.warehouse.world import World
from tests.warehouse.wrong_figures import STATEMENTS, Case, cases, statement, worlds

CASES = cases()
WORLDS = worlds(CASES)
OUTCOMES = {"refused", "set aside", "doubtful", "flagged"}
LEAST_CASES, LEAST_KINDS, SIZES = 250, 20, {"large", "middle", "small"}


def test_the_table_is_large_enough_and_each_kind_has_three_sizes() -> None:
    assert len(CASES) >= LEAST_CASES
    assert len({case.title for case in CASES}) == len(CASES)
    sizes: dict[str, set[str]] = {}
    for case in CASES:
        sizes.setdefault(case.kind, set()).add(case.size)
        assert case.outcome in OUTCOMES
        assert case.told_by
    assert set(sizes) == set(STATEMENTS)
    small = {kind for kind, of in sizes.items() if of != SIZES}
    assert small == {"an old code after its end"}  # it is wrong or it is not
    assert len(sizes) - len(small) >= LEAST_KINDS


@pytest.fixture(scope="module")
def world(released: Released, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(released.settings, tmp_path_factory.mktemp("log_of_checks"))


@pytest.fixture(scope="module")
def doubted_before(world: World) -> set[str]:
    """Nothing changed: every gate is open, and what is doubtful then is no news."""
    world.restore()
    results = world.work()
    assert [r.sentence for r in results if not r.passed or r.set_aside] == []
    return doubted(world)


def doubted(world: World) -> set[str]:
    rows = world.db.execute("select subject, subject_id, financial_year, area_code from marts.fct_doubtful_figure").fetchall()
    return {" ".join(row) for row in rows}


def told(results: list[SuiteResult], doubts: set[str]) -> list[tuple[str, str, str, str]]:
    """Everything that was said: outcome, by what, the rule, and the row or doubt it is about."""
    said = [("doubtful", "fct_doubtful_figure", "", one) for one in doubts]
    for result in results:
        for outcome, failures in (("refused", result.failures), ("flagged", result.warnings), ("set aside", result.set_aside)):
            said += [
                (outcome, result.suite, failure.says, " ".join(str(v) for v in row.values()))
                for failure in failures
                for row in failure.rows or [{"": failure.sentence}]
            ]
    return said


def is_told(case: Case, said: list[tuple[str, str, str, str]]) -> bool:
    return any(
        (outcome, by, rule) == (case.outcome, case.told_by, case.rule) and all(name in row for name in case.names.split())
        for outcome, by, rule, row in said
    )


@pytest.mark.parametrize("number", range(len(WORLDS)))
def test_each_wrong_figure_comes_to_what_the_table_says_and_is_named(
    world: World, doubted_before: set[str], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(runner, "FAILING_ROWS_KEPT", 1_000_000)  # rows of several cases are among them
    world.restore()
    changed = {case.title: world.change(statement(case)) for case in WORLDS[number]}
    assert {title: rows for title, rows in changed.items() if rows == 0} == {}
    results = world.work()
    new = doubted(world) - doubted_before if all(r.passed for r in results) or results[-1].suite.startswith("marts_") else set()
    said = told(results, new)
    missed = [case.title for case in WORLDS[number] if not is_told(case, said)]
    assert missed == [], Counter((outcome, by, rule) for outcome, by, rule, _ in said)


def test_sentences_name_what_is_wrong(world: World) -> None:
    """What a person reads at the end of a run that was refused: the rule, the figure, the council and the year."""
    case = next(c for c in CASES if c.item == "ro3_asclrnadl_net_current_expenditure" and c.size == "small")
    world.restore()
    world.change(statement(case))
    sentence = next(r.sentence for r in world.work() if not r.passed)
    assert "What a publication states twice agrees" in sentence
    for name in (f"financial_year {case.financial_year}", "area_code E", "item ro3_asclrnadl", "stated", "worked"):
        assert name in sentence


def test_what_is_set_aside_has_no_value_from_then_on_and_says_why(world: World, doubted_before: set[str]) -> None:
    """One figure beyond its range: the gates stay open, the council's value is missing for the rule, everybody else's is as it was."""
    world.restore()
    before = world.db.execute("select * exclude (england_figure_id) from held.marts.fct_measure_value order by all").fetchall()
    changed = world.change(
        "update raw.figures set value = 250 where framework = 'ascof_2014' and item = '1C2A' and breakdown = 'total' "
        "and financial_year = '2021-22' and area_code = 'E08000035'"
    )
    assert changed == 1
    assert [r.sentence for r in world.work() if not r.passed] == []
    (aside,) = world.db.execute("select rule, area_code, item, value, locator from raw.quarantine").fetchall()
    assert aside[:4] == ("A percentage lies between 0 and 100", "E08000035", "1C2A", 250.0)
    assert aside[4]
    after = world.db.execute("select * exclude (england_figure_id) from marts.fct_measure_value order by all").fetchall()
    gone, come = set(before) - set(after), set(after) - set(before)
    assert len(gone) == len(come) == 1
    assert "in quarantine: A percentage lies between 0 and 100" in come.pop()
    kept = world.db.execute("select value, mark from marts.fct_published_figure where mark like 'in quarantine%'").fetchall()
    assert kept == [(None, "in quarantine: A percentage lies between 0 and 100")]
    used = world.db.execute("select sum(figures) from marts.figure_use where use = 'set aside'").fetchone()
    assert used == (1,)


def test_a_value_that_is_dropped_on_the_way_is_lost_and_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that silently passes over one council's value: nothing else would say so."""
    node = world.nodes["model.asc_index.int_measure_values"]
    dropping = f"select * from ({node['compiled_code']}) where not (measure_id = 'direct_payments' and area_code = 'E08000035')"
    monkeypatch.setitem(node, "compiled_code", dropping)
    world.restore()
    lost = [f for r in world.work() if r.suite == "marts_figure_use" for f in r.failures]
    assert [f.says for f in lost] == ["No figure that a measure is made of is lost on the way"]
    assert all(row["item"] in {"1C2A", "3D2A"} for row in lost[0].rows)
