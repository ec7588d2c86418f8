"""The whole run: golden ranking, the same bytes twice, and wrong inputs stopped at their gate with the old release kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from expectations.runner import suites
from orchestration.cli.run import RunOutcome, _has_everything, run_everything
from orchestration.publication.release import current_release, publish, read_manifest
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse.dbt import build_layer, failure_text, run_dbt
from orchestration.warehouse.gates import GateError, run_gate
from orchestration.warehouse.inputs import differences
from orchestration.warehouse.raw import load_raw, user_definitions
from tests.conftest import Released

pytestmark = pytest.mark.slow
GOLDEN = PROJECT_ROOT / "tests" / "golden" / "productivity_ranking.csv"
KEY = ["definition_id", "financial_year", "area_code"]


def run_quietly(settings: Settings) -> tuple[RunOutcome, list[str]]:
    seen: list[str] = []
    return run_everything(settings, on_stage=lambda s: seen.append(s.name), on_start=lambda _: None), seen


def test_a_run_with_nothing_new_says_so_and_ends(released: Released) -> None:
    """It begins no stage and makes no build; the sentence names the release."""
    before = released.settings.build_pointer.read_text()
    outcome, seen = run_quietly(released.settings)
    assert outcome.nothing_new == released.release.name
    assert (outcome.succeeded, seen) == (True, [])
    assert released.settings.build_pointer.read_text() == before
    told = subprocess.run(
        [str(Path(sys.executable).parent / "asc"), "run"],
        check=True,
        capture_output=True,
        text=True,
        cwd=PROJECT_ROOT,
        env={
            **os.environ,
            "ASC_BUILD_DIR": str(released.settings.build_dir),
            "ASC_RELEASES_DIR": str(released.settings.releases_dir),
        },
    ).stdout
    assert told.startswith(f"Nothing is new: release {released.release.name} was made of these figures")


@pytest.mark.parametrize(
    "part", ["figures", "publishers' files", "dbt project", "rules of the gates", "definitions of your own", "settings"]
)
def test_what_is_new_is_seen(released: Released, tmp_path: Path, part: str) -> None:
    """One byte of each part that a run depends on, and nothing else differs."""
    settings, release = released.settings, released.release.name
    assert differences(settings, release) == []

    def copy(folder: Path, changed: str) -> Path:
        shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("target", "logs", "__pycache__"))
        with (tmp_path / "copy" / changed).open("a", encoding="utf-8") as file:
            file.write(" ")
        return tmp_path / "copy"

    (tmp_path / "index_definitions.csv").write_text("definition_id\n")
    changes: dict[str, dict[str, object]] = {
        "figures": {"figures_dir": copy(settings.figures_dir, "councils.csv")} if part == "figures" else {},
        "publishers' files": {"data": "publishers", "raw_dir": tmp_path},
        "dbt project": {"dbt_project_dir": copy(settings.dbt_project_dir, "seeds/measures.csv")} if part == "dbt project" else {},
        "rules of the gates": {"expectations_dir": copy(settings.expectations_dir, "marts_movement.yaml")}
        if part.startswith("rules")
        else {},
        "definitions of your own": {"definitions_dir": tmp_path},
        "settings": {"seed": settings.seed + 1},
    }
    found = differences(settings.model_copy(update=changes[part]), release)
    assert found == ([part, "settings"] if part == "publishers' files" else [part])
    assert differences(settings, "another release") is None


def test_a_release_whose_files_were_changed_is_made_again(released: Released, tmp_path: Path) -> None:
    """What there is now may be what it was made of: a release that is not whole does not have it."""
    releases = tmp_path / "releases"
    releases.mkdir()
    shutil.copytree(released.release, releases / released.release.name)
    (releases / "current").symlink_to(released.release.name)
    shutil.copy(released.settings.releases_dir / "inputs.json", releases)
    settings = released.settings.model_copy(update={"releases_dir": releases})
    assert _has_everything(settings) == released.release.name
    with (releases / "current" / "dim_measure.csv").open("a") as file:
        file.write("x")
    assert _has_everything(settings) == ""


def test_the_ranking_is_the_golden_one(released: Released) -> None:
    columns = [*KEY, "outcome_score", "spend_index", "productivity", "rank", "previous_rank", "coverage", "unranked_reason"]
    found = pd.read_csv(released.release / "productivity_ranking.csv")[columns].sort_values(KEY, ignore_index=True)
    if os.environ.get("ASC_UPDATE_GOLDEN"):
        found.to_csv(GOLDEN, index=False, float_format="%.12g")
    golden = pd.read_csv(GOLDEN)
    for column in columns:
        if found[column].dtype.kind == "f":
            np.testing.assert_allclose(found[column], golden[column], rtol=1e-9, err_msg=column)
        else:
            assert found[column].fillna("").tolist() == golden[column].fillna("").tolist(), column


@pytest.mark.parametrize(
    ("table", "where", "columns", "within"),
    [
        (
            "rank_uncertainty",
            "definition_id == 'default' and financial_year >= '2023-24'",
            ["uncertainty_of", "rank", "rank_p05", "rank_median", "rank_p95", "probability_top_ten", "share_ranked"],
            {"rank_p05": 1, "rank_median": 1, "rank_p95": 1, "probability_top_ten": 0.01},
        ),
        ("sensitivity", "area_code == 'all'", ["factor_id", "first_order", "total"], {"first_order": 0.01, "total": 0.01}),
    ],
)
def test_uncertainty_and_sensitivity_are_the_golden_ones(
    released: Released, table: str, where: str, columns: list[str], within: dict[str, float]
) -> None:
    """The same seed gives the same draws; the last bit of a sum may differ from machine to machine and turn a rank in a few."""
    file = GOLDEN.parent / f"{table}.csv"
    found = pd.read_csv(released.release / f"{table}.csv").query(where)[[*KEY, *columns]]
    found = found.sort_values([*KEY, columns[0]], ignore_index=True)
    if os.environ.get("ASC_UPDATE_GOLDEN"):
        found.to_csv(file, index=False, float_format="%.6g")
    golden = pd.read_csv(file)
    for column in found.columns:
        if column in within:
            np.testing.assert_allclose(found[column], golden[column], atol=within[column], rtol=1e-5, err_msg=column)
        else:
            assert found[column].tolist() == golden[column].tolist(), column


def test_every_stage_was_told_of_in_order(released: Released) -> None:
    stages = [s for s in released.stages_seen if not s.startswith("gate")]
    assert [s.split(":")[0] for s in stages] == [
        "prepare",
        "downloads",
        "acquire",
        "raw",
        "staging",
        "intermediate",
        "marts",
        "analysis",
        "publication",
        "pages",
        "publication",  # where many read it: it needs the release alone
    ]
    assert (
        sum(s.startswith("gate") for s in released.stages_seen) == len(suites(released.settings.expectations_dir, "")) - 1
    )  # all but the rows' own


def test_a_second_run_exports_the_same_bytes(released: Released, tmp_path: Path) -> None:
    again = Settings(build_dir=tmp_path / "build", releases_dir=tmp_path / "releases")
    outcome, _ = run_quietly(again)
    assert outcome.succeeded
    first, second = released.release, current_release(again)
    exports = sorted(p.name for p in first.iterdir() if p.suffix in {".csv", ".parquet"})
    assert len(exports) >= 20
    assert [n for n in exports if (first / n).read_bytes() != (second / n).read_bytes()] == []
    assert read_manifest(first)["content_sha256"] == read_manifest(second)["content_sha256"]


def test_a_release_holds_what_its_manifest_says(released: Released) -> None:
    manifest = read_manifest(released.release)
    assert manifest["release_id"] == released.release.name
    assert all(check["passed"] for check in manifest["checks"])
    assert {"marts_measure_values", "marts_productivity_ranking", "marts_ranked_years"} <= {
        c["suite"] for c in manifest["checks"]
    }
    assert len(manifest["editions"]) == 115
    for name, rows in manifest["tables"].items():
        assert len(pd.read_csv(released.release / f"{name}.csv", low_memory=False)) == rows
        assert len(pd.read_parquet(released.release / f"{name}.parquet")) == rows


@pytest.fixture
def broken(released: Released, tmp_path: Path) -> Settings:
    """A copy of the figures to break, beside a release that must stay."""
    shutil.copytree(released.settings.figures_dir, tmp_path / "figures")
    shutil.copytree(released.settings.releases_dir, tmp_path / "releases", symlinks=True)
    return Settings(figures_dir=tmp_path / "figures", build_dir=tmp_path / "build", releases_dir=tmp_path / "releases")


def edit(settings: Settings, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = settings.figures_dir / name
    change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)


def out_of_range(frame: pd.DataFrame) -> pd.DataFrame:
    """England's own: a council's would be set aside."""
    chosen = (frame["item"] == "1B") & (frame["area_code"] == "E92000001")
    return frame.assign(value=frame["value"].mask(chosen, "852"))


def twice(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame[(frame["item"] == "2B1") & (frame["area_code"] == "E06000001")]])


def fewer(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[~((frame["item"] == "1G") & frame["area_code"].isin(["E06000001", "E06000002", "E06000003"]))]


@pytest.mark.parametrize(
    ("name", "change", "stage", "says"),
    [
        ("ascof/2018-19.csv", lambda f: f.drop(columns="item"), "raw", ["2018-19.csv", "column item is missing"]),
        (
            "ascof/2018-19.csv",
            out_of_range,
            "gate: staging figures",
            ["Only figures of councils are set aside", "A percentage lies between 0 and 100: 1B", "E92000001 852"],
        ),
        ("ascof/2018-19.csv", twice, "gate: raw figures", ["stands once", "item 2B1", "area_code E06000001"]),
        (
            "ascof/2018-19.csv",
            fewer,
            "gate: raw council counts",
            ["lost a council", "item 1G", "councils 149", "agreed_councils 152"],
        ),
        (
            "revenue_outturn/2019-20.csv",
            None,
            "gate: raw council counts",
            ["framework revenue_outturn", "financial_year 2019-20", "councils 0"],
        ),
    ],
    ids=["a column missing", "a value out of range", "a duplicated council", "a council count that shrank", "a year missing"],
)
def test_a_wrong_input_stops_at_its_gate(
    broken: Settings, name: str, change: Callable[[pd.DataFrame], pd.DataFrame] | None, stage: str, says: list[str]
) -> None:
    before = current_release(broken)
    if change is None:
        (broken.figures_dir / name).unlink()
    else:
        edit(broken, name, change)
    outcome, seen = run_quietly(broken)
    assert not outcome.succeeded
    failed = [s for s in outcome.failures if s.name.startswith(stage)]
    assert failed, outcome.failures
    for words in says:
        assert words in failed[0].failure
    assert not any(s.startswith(("intermediate", "marts", "publication")) for s in seen)
    assert current_release(broken) == before


HEADER = (PROJECT_ROOT / "tests" / "fixtures" / "definitions" / "index_definitions.csv").read_text().splitlines()[0]
PLAIN = "mine,Mine,{weights},{normalisation},0.05,0.95,{low},100,,,arithmetic,{mean},0.6,0.75,0.75,{basis},{k},1,My own"


@pytest.mark.parametrize(
    ("changes", "weights", "says"),
    [
        (
            {"basis": "by_guess"},
            "",
            "definition_id mine, problem no spend basis by_guess: choose before_other_income, by_domain_gross, by_domain_net, total_expenditure, total_net, total_net_need_adjusted",
        ),
        (
            {"weights": "own"},
            "own,care_home_admissions_66,1\n",
            "problem unknown measure care_home_admissions_66 in weight set own",
        ),
        (
            {"weights": "own"},
            "own,feels_safe_65,0\nown,ld_employment,1\nown,reablement_offered,1\n",
            "weights of the measures of older_adults in set own do not sum to more than zero",
        ),
        ({"weights": "own"}, "own,feels_safe_65,half\n", "weights of set own must be numbers that are not negative"),
        ({"normalisation": "magic"}, "", "normalisation magic: choose min_max"),
        ({"k": "minus one"}, "", "k must be a number that is not negative"),
        ({"low": "0", "mean": "geometric"}, "", "a geometric or harmonic mean needs scores above zero"),
        ({"mean": "harmonic"}, "", None),
        ({}, "equal,feels_safe_65,5\n", "weight set equal is the project's own: give the weights another name"),
        ({"combination": "sum"}, "", "combination sum: choose ratio or standardised"),
        (
            {"combination": "standardised", "basis": "by_domain_net"},
            "",
            "combination standardised needs a spend basis with one spend for everything",
        ),
        ({"doubts": "ignore"}, "", "doubtful_figures ignore: choose withhold or keep"),
        ({"measures": "0"}, "", "min_domain_measures must be a whole number of at least 1"),
    ],
    ids=[
        "no spend",
        "unknown measure",
        "weights sum to zero",
        "weight no number",
        "unknown method",
        "k no number",
        "zero in a geometric mean",
        "nothing wrong",
        "a name that is taken",
        "unknown combination",
        "standardised by domain",
        "unknown rule of doubts",
        "no measures",
    ],
)
def test_a_users_definition_that_cannot_be_computed_is_refused(
    released: Released, tmp_path: Path, changes: dict[str, str], weights: str, says: str | None
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    choices = {
        "weights": "equal",
        "normalisation": "min_max",
        "low": "1",
        "mean": "arithmetic",
        "basis": "total_net",
        "k": "1",
        **changes,
    }
    newer = {"combination": "combination", "doubts": "doubtful_figures", "measures": "min_domain_measures"}
    added = {column: changes[name] for name, column in newer.items() if name in changes}  # whoever leaves them out has default's
    header, row = ",".join([HEADER, *added]), ",".join([PLAIN.format(**choices), *added.values()])
    (mine / "index_definitions.csv").write_text(f"{header}\n{row}\n")
    if weights:
        (mine / "measure_weights.csv").write_text(f"weight_set,measure_id,weight\n{weights}")
        (mine / "domain_weights.csv").write_text(
            "weight_set,domain_id,weight\nown,older_adults,1\nown,all_age_disability,1\nown,health_interface,1\n"
        )
    settings = Settings(build_dir=tmp_path / "build", definitions_dir=mine)
    load_raw(settings)
    built = build_layer(settings, "staging")
    assert all(node.ok for node in built), failure_text(built)
    (suite,) = suites(settings.expectations_dir, "staging_definitions")
    result = run_gate(settings, suite)
    assert result.passed is (says is None), result.sentence
    if says:
        assert says in result.sentence


def test_a_refused_definition_stops_the_run_before_any_score(broken: Settings, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "index_definitions.csv").write_text(
        f"{HEADER}\n{PLAIN.format(weights='nowhere', normalisation='min_max', low='1', mean='arithmetic', basis='total_net', k='1')}\n"
    )
    before = current_release(broken)
    outcome, seen = run_quietly(broken.model_copy(update={"definitions_dir": mine}))
    assert not outcome.succeeded
    assert "weights of the domains of set nowhere do not sum" in outcome.failures[0].failure
    assert not any(s.startswith(("intermediate", "marts", "publication")) for s in seen)
    assert current_release(broken) == before


def test_a_folder_without_definitions_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="ASC_DEFINITIONS_DIR is set"):
        user_definitions(Settings(definitions_dir=tmp_path))
    (tmp_path / "index_definitions.csv").write_text("definition_id\nmine\n")
    with pytest.raises(ValueError, match="column definition_name"):
        user_definitions(Settings(definitions_dir=tmp_path))
    (tmp_path / "index_definitions.csv").write_text("")
    with pytest.raises(ValueError, match=r"index_definitions\.csv: the file is empty; it needs at least a header row"):
        user_definitions(Settings(definitions_dir=tmp_path))


def test_a_failed_marts_gate_keeps_the_old_release(released: Released, tmp_path: Path) -> None:
    shutil.copytree(released.settings.expectations_dir, tmp_path / "expectations")
    shutil.copytree(released.settings.releases_dir, tmp_path / "releases", symlinks=True)
    suite = tmp_path / "expectations" / "marts_productivity_ranking.yaml"
    with suite.open("a") as file:
        file.write(
            "  - {says: Nobody is very productive, expect: column_values_to_be_between, column: productivity, max_value: 50}\n"
        )
    settings = Settings(
        build_dir=tmp_path / "build", releases_dir=tmp_path / "releases", expectations_dir=tmp_path / "expectations"
    )
    before = current_release(settings)
    outcome, seen = run_quietly(settings)
    assert not outcome.succeeded
    assert [s.name for s in outcome.failures] == ["gate: marts productivity ranking"]
    assert "Nobody is very productive" in outcome.failures[0].failure
    assert not any(s.startswith("publication") for s in seen)
    assert current_release(settings) == before
    # Publishing by itself, outside the run whose check failed, is stopped by the same gate.
    with pytest.raises(GateError, match="Nobody is very productive"):
        publish(settings)
    assert current_release(settings) == before
    assert not [p for p in settings.releases_dir.iterdir() if p.name.startswith(".part")]


def test_a_failed_dbt_test_says_which_rows_of_what_and_why(released: Released, tmp_path: Path) -> None:
    """A copy of the build with a row twice and a value that is none of those there are: dbt's own word is "Got 1 result"."""
    settings = Settings(build_dir=tmp_path / "build", releases_dir=tmp_path / "releases")
    shutil.copytree(released.settings.build_dir / "prepared", settings.prepared_dir)
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(released.settings.warehouse_path, settings.warehouse_path)
    with duckdb.connect(str(settings.warehouse_path)) as db:
        db.execute(
            "insert into seeds.measures select * replace (2 as polarity) from seeds.measures where measure_id = 'direct_payments'"
        )
    failed = [r for r in run_dbt(settings, ["test", "--select", "measures"]) if not r.ok]
    said = failure_text(failed)
    assert (
        "measures: No two rows have the same measure_id. It does not hold in 1 row: unique_field direct_payments; n_records 2"
        in said
    )
    assert "measures: polarity is one of -1, 1. It does not hold in 1 row: value_field 2; n_records 1" in said
    assert "Got " not in said


def test_a_new_release_replaces_the_pointer_and_open_readers_keep_the_old(released: Released, tmp_path: Path) -> None:
    settings = released.settings.model_copy(update={"releases_dir": tmp_path / "releases"})
    first = publish(settings)
    import duckdb

    with duckdb.connect(str(settings.releases_dir / "current" / "asc.duckdb"), read_only=True) as reader:
        shutil.rmtree(first.path / "nothing", ignore_errors=True)
        (first.path / "marker").write_text("first")
        first.path.rename(first.path.with_name("20000101T000000Z-00000000"))
        second = publish(settings)
        assert reader.execute("select count(*) > 1000 from marts.productivity_ranking").fetchone() == (True,)
    assert (settings.releases_dir / "current").resolve() == second.path
    assert (settings.releases_dir / "current").is_symlink()
