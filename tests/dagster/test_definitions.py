"""The code location: it loads without heavy packages, and its assets, checks, jobs and schedule are those agreed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from orchestration.assets.downloads import DOWNLOADS
from orchestration.assets.warehouse import layer_events
from orchestration.automation import STAGES, WHOLE_RUN
from orchestration.dbt_build import NodeResult, build_arguments, failure_text, layer_selection, prepare
from orchestration.definitions import build_defs
from orchestration.settings import PROJECT_ROOT, Settings
from tests.conftest import Released

SNAPSHOT = PROJECT_ROOT / "tests" / "golden" / "definitions.json"


@pytest.fixture(scope="module")
def definitions(released: Released) -> dg.Definitions:
    return build_defs(released.settings)


def test_assets_checks_and_jobs_are_those_agreed(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    found = {
        "assets": sorted(key.to_user_string() for key in graph.materializable_asset_keys),
        "blocking_checks": sorted(
            f"{spec.asset_key.to_user_string()}:{spec.name}"
            for key in graph.asset_check_keys
            if (spec := graph.get_check_spec(key)).blocking
        ),
        "jobs": sorted(job.name for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")),
    }
    if os.environ.get("ASC_UPDATE_GOLDEN"):
        SNAPSHOT.write_text(json.dumps(found, indent=2) + "\n")
    assert found == json.loads(SNAPSHOT.read_text())


def test_every_asset_says_what_it_is_whose_it_is_and_its_stage(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.description, key
        assert node.owners == ["team:index-maintainers"], key
        assert node.kinds, key
        assert node.group_name in (*STAGES, DOWNLOADS), key
    ranking = graph.get(dg.AssetKey(["marts", "productivity_ranking"]))
    columns = {c.name for c in ranking.metadata["dagster/column_schema"].columns}
    assert {"definition_id", "area_code", "outcome_score", "spend_per_adult_gbp", "rank", "unranked_reason"} <= columns


def test_the_schedule_is_yearly_in_london_and_off(definitions: dg.Definitions) -> None:
    schedule = definitions.resolve_schedule_def("yearly")
    assert schedule.job_name == WHOLE_RUN
    assert schedule.execution_timezone == "Europe/London"
    assert schedule.cron_schedule.split()[3] == "1"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_runs_stay_in_one_process(definitions: dg.Definitions) -> None:
    for name in (WHOLE_RUN, *(f"stage_{s}" for s in STAGES)):
        assert definitions.resolve_job_def(name).executor_def.name == "in_process"


def test_loading_the_code_location_imports_neither_great_expectations_nor_dbt_itself(released: Released) -> None:
    code = (
        "import sys, orchestration.definitions\n"
        "heavy = [m for m in ('great_expectations', 'dbt.cli.main', 'scipy') if m in sys.modules]\n"
        "print(heavy)"
    )
    environment = {**os.environ, "ASC_BUILD_DIR": str(released.settings.build_dir), "DBT_TARGET_PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PROJECT_ROOT, env=environment
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_an_unprepared_project_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="asc prepare"):
        build_defs(Settings(build_dir=tmp_path))


def test_a_prepared_project_is_not_parsed_again(released: Released) -> None:
    assert prepare(released.settings) is False


def test_dbt_is_asked_for_one_layer_and_for_tests_whose_parents_are_built() -> None:
    assert layer_selection("staging") == ["fqn:asc_index.staging", "resource_type:seed"]
    assert layer_selection("marts") == ["fqn:asc_index.marts"]
    arguments = build_arguments("marts")
    assert arguments[arguments.index("--indirect-selection") + 1] == "buildable"
    with pytest.raises(ValueError, match="no layer 'mart'"):
        layer_selection("mart")


def node(name: str, kind: str, status: str) -> NodeResult:
    return NodeResult(f"{kind}.asc_index.{name}", name, kind, "marts", status, "the message", 0.1)


def test_dbt_results_become_materialisations_and_checks(definitions: dg.Definitions) -> None:
    layer = next(a for a in definitions.assets or [] if isinstance(a, dg.AssetsDefinition) and a.op.name == "dbt_marts")
    check = next(s for s in layer.check_specs if s.name.startswith("unique_key_productivity_ranking"))
    results = [
        node("productivity_ranking", "model", "success"), node("dim_council", "model", "error"), node(check.name, "test", "fail"),
        node("national_summary", "model", "skipped"),
    ]  # fmt: skip
    events = list(layer_events(results, layer, {("marts", "productivity_ranking"): 7}))
    assert [type(e) for e in events] == [dg.MaterializeResult, dg.AssetCheckResult]
    assert events[0].metadata["dagster/row_count"] == 7
    assert events[1].asset_key == dg.AssetKey(["marts", "productivity_ranking"])
    assert not events[1].passed
    said = failure_text(results)
    assert "model dim_council: the message" in said
    assert f"test {check.name}" in said
    assert "1 nodes that need them were skipped" in said
