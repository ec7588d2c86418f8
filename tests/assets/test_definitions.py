"""The code location: it loads without heavy packages, and its assets, checks, jobs and schedule are those agreed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest

from orchestration.acquisition import store
from orchestration.assets.acquire import DATA_TAG, FIGURES_HELD, acquire_assets
from orchestration.assets.downloads import DOWNLOADS, download_assets, download_key
from orchestration.assets.warehouse import layer_events
from orchestration.automation import STAGES, WHOLE_RUN, sensors
from orchestration.definitions import build_defs
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.sources.model import sources
from orchestration.warehouse.dbt import NodeResult, build_arguments, failure_text, layer_selection, prepare
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


# Downloads, the look for new editions, word of failure


PRICES = "\n".join(
    [",x", ",Financial year,2022-23 = 100,", *[f",{y}-{(y + 1) % 100:02d},{y - 1950}," for y in range(2010, 2024)], ""]
)
PRICES_FILE = "GDP_Deflators_Qtrly_National_Accounts_December_2023_update.csv"


@pytest.fixture
def with_mirror(released: Released, tmp_path: Path) -> Settings:
    """Settings whose publishers are a folder that has one edition of one source."""
    mirror = tmp_path / "mirror"
    (mirror / "prices").mkdir(parents=True)
    (mirror / "prices" / PRICES_FILE).write_text(PRICES)
    return released.settings.model_copy(
        update={"raw_dir": tmp_path / "raw", "mirror": str(mirror), "releases_dir": tmp_path / "releases", "data": "embedded"}
    )


def test_downloads_are_partitioned_by_financial_year_and_come_before_everything(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for name in sources():
        node = graph.get(download_key(name))
        assert {"2014-15", "2024-25"} <= set(node.partitions_def.get_partition_keys())
        assert node.key in graph.get(FIGURES_HELD).parent_keys
        assert node.freshness_policy is not None


def test_a_partition_downloads_its_editions_and_fails_when_one_does_not_come(with_mirror: Settings) -> None:
    (asset,) = (a for a in download_assets(with_mirror) if a.key == download_key("deflators"))
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize([asset], partition_key="2023-24", instance=instance)
        (event,) = done.asset_materializations_for_node(asset.op.name)
        assert event.metadata["editions"].value == 1
        (held,) = store.held(with_mirror.raw_dir, "deflators", "2023-12")
        assert held.path.read_text() == PRICES
        nothing = dg.materialize([asset], partition_key="2014-15", instance=instance)  # no edition is of that year
        assert nothing.success
        failed = dg.materialize([asset], partition_key="2025-26", instance=instance, raise_on_error=False)
        assert not failed.success
        (failure,) = failed.get_step_failure_events()
        assert "1 of 1 files of deflators 2025-26 did not come" in str(failure.event_specific_data.error)


def test_a_run_may_choose_the_publishers_by_its_tag_and_no_other_word(with_mirror: Settings) -> None:
    definitions = dg.Definitions(assets=[*acquire_assets(with_mirror), *download_assets(with_mirror)])
    job = definitions.resolve_implicit_global_asset_job_def()
    for tag, data in ((None, "embedded"), ("publishers", "publishers")):
        done = job.execute_in_process(asset_selection=[FIGURES_HELD], tags={DATA_TAG: tag} if tag else {})
        (event,) = done.asset_materializations_for_node("acquire__figures_held")
        assert event.metadata["data"].value == data
    assert event.metadata["editions_held"].value == 1
    assert event.metadata["editions_missing"].value > 50
    wrong = job.execute_in_process(asset_selection=[FIGURES_HELD], tags={DATA_TAG: "both"}, raise_on_error=False)
    assert not wrong.success


def listing(mirror: Path, *names: str) -> None:
    """What the content API says of the outcomes of 2024-25."""
    page = (
        mirror / "api/content/government/statistics/measures-from-the-adult-social-care-outcomes-framework-england-2024-to-2025"
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(json.dumps({"details": {"attachments": [{"title": n, "url": f"/media/{n}"} for n in names]}}))


def test_the_sensor_asks_for_a_run_when_a_page_lists_a_new_file(with_mirror: Settings) -> None:
    (sensor,) = (s for s in sensors(with_mirror) if s.name == "new_editions")
    mirror = Path(str(with_mirror.mirror))

    def tick(cursor: str | None) -> tuple[list[dg.RunRequest], str, str]:
        with dg.build_sensor_context(cursor=cursor) as context:
            data = sensor.evaluate_tick(context)
            return list(data.run_requests or []), data.skip_message or "", data.cursor or ""

    listing(mirror, "one.ods")
    requests, said, cursor = tick(None)
    assert requests == []
    assert said.startswith("nothing new; could not look at ")  # the other pages are not on the mirror
    requests, said, cursor = tick(cursor)
    assert requests == []
    listing(mirror, "one.ods", "two.ods")
    (asked,), _, after = tick(cursor)
    assert asked.tags[DATA_TAG] == "publishers"
    assert asked.tags["asc/new_files"] == "1"
    assert tick(after)[0] == []
    (again,), _, _ = tick(cursor)
    assert again.run_key == asked.run_key  # the same news twice is one run


def test_the_yearly_run_reads_the_publishers(definitions: dg.Definitions) -> None:
    assert definitions.resolve_schedule_def("yearly").tags[DATA_TAG] == "publishers"


def test_word_of_a_failed_run_is_kept_and_sent(with_mirror: Settings) -> None:
    from orchestration.assets.notification import tell_of_failure

    tell_of_failure(with_mirror, "abc", WHOLE_RUN, "it failed", {"raw__figures": "why"})
    (line,) = (with_mirror.releases_dir / "failures.jsonl").read_text().splitlines()
    said = json.loads(line)
    assert (said["run_id"], said["steps"]) == ("abc", {"raw__figures": "why"})


def test_the_address_that_is_told_is_kept_secret(with_mirror: Settings) -> None:
    """The token of a webhook stands in no file, whether the address answers, answers with another address, or does not answer."""
    from orchestration.assets.notification import tell_of_failure

    told: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.path)
            self.send_response(302 if "moved" in self.path else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://user:pass@127.0.0.1:{server.server_port}"
        path = with_mirror.releases_dir / "failures.jsonl"
        path.unlink(missing_ok=True)
        for address in (f"{base}/hook/T0KEN", f"{base}/moved/T0KEN", "http://127.0.0.1:1/hook/T0KEN"):
            settings = with_mirror.model_copy(update={"notify": address})
            tell_of_failure(settings, "abc", WHOLE_RUN, "it failed", {})
        server.shutdown()
    assert told == ["/hook/T0KEN", "/moved/T0KEN"]  # the redirect is not followed
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.get("told") or line.get("not_told") for line in lines] == [
        "127.0.0.1", "127.0.0.1: answered 302", "127.0.0.1: ConnectionError",
    ]  # fmt: skip
    assert "T0KEN" not in path.read_text()
    assert "pass" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_told_to_a_link_local_address_nor_in_the_clear(with_mirror: Settings) -> None:
    from orchestration.assets.notification import tell_of_failure

    settings = with_mirror.model_copy(update={"notify": "https://169.254.169.254/latest"})
    said = tell_of_failure(settings, "abc", WHOLE_RUN, "it failed", {})
    assert said["not_told"] == "169.254.169.254: 169.254.169.254 is no address to tell people at"
    with pytest.raises(ValueError, match="ASC_NOTIFY must be an https address"):
        Settings(notify="http://example.org/hook")
