"""The code location: it loads without heavy packages, and its assets, checks, jobs and schedule are those agreed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import dagster_dbt
import duckdb
import pytest
import yaml

from orchestration.acquisition import store
from orchestration.acquisition.download import Outcome, RefusedError, host_of
from orchestration.acquisition.fetch import Fetcher
from orchestration.acquisition.new_editions import look
from orchestration.assets.acquire import FIGURES_HELD, acquire_assets
from orchestration.assets.downloads import DATA_TAG, EDITIONS_CAME, FETCH, download_assets, download_key
from orchestration.assets.notification import reason
from orchestration.assets.publication import RELEASE
from orchestration.assets.warehouse import Known, LayerTranslator, layer_events, layer_specs
from orchestration.assets.years import RANKED_YEAR
from orchestration.automation import DOWNLOAD_RUN, STAGES, WHOLE_RUN, sensors
from orchestration.definitions import build_defs
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.sources.model import sources
from orchestration.warehouse.dbt import LAYERS, NodeResult, build_arguments, failure_text, layer_selection, prepare, read_manifest
from orchestration.warehouse.workbench import BusyError
from tests.conftest import Released

SNAPSHOT = PROJECT_ROOT / "tests" / "golden" / "definitions.json"


@pytest.fixture(scope="module")
def definitions(released: Released) -> dg.Definitions:
    return build_defs(released.settings)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_assets_of_a_layer_are_what_dbt_selects_for_it(released: Released, layer: str) -> None:
    """The decorator of dagster-dbt asks dbt's own graph; the code location reads the same from the manifest."""
    translator = LayerTranslator(released.settings.dbt_project_dir)

    @dagster_dbt.dbt_assets(
        manifest=read_manifest(released.settings), select=" ".join(layer_selection(layer)), dagster_dbt_translator=translator
    )
    def by_dbt() -> Iterator[Any]:
        yield

    specs, checks = layer_specs(read_manifest(released.settings), translator, layer)
    assert sorted(specs) == sorted(by_dbt.specs)
    assert {c.key: c for c in checks} == {c.key: c for c in by_dbt.check_specs}
    assert specs and checks


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
        assert node.group_name in STAGES, key
        assert "```" not in node.description, key  # words, not SQL
        links = [reference.file_path for reference in node.metadata["dagster/code_references"].code_references]
        assert links, key
        assert all(Path(link).exists() for link in links), key
        if node.kinds & {"dbt"}:
            assert links[0].endswith(f"/{key.path[-1]}{Path(links[0]).suffix}"), key
            assert node.code_version, key
    ranking = graph.get(dg.AssetKey(["marts", "productivity_ranking"]))
    columns = {c.name for c in ranking.metadata["dagster/column_schema"].columns}
    assert {"definition_id", "area_code", "outcome_score", "spend_per_adult_gbp", "rank", "unranked_reason"} <= columns


def test_every_check_says_in_words_what_it_holds(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    said = {key.name: graph.get_check_spec(key).description or "" for key in graph.asset_check_keys}
    assert [name for name, words in said.items() if len(words) < 12 or words == name.replace("_", " ")] == []
    assert said["not_null_stg_figures_figure_id"] == "figure_id is never missing."
    assert said["unique_key_stg_population_area_code__mid_year"] == "No two rows have the same area_code, mid_year."


def test_nothing_asks_for_a_partition_and_nothing_that_a_run_makes_is_missing_from_the_job(definitions: dg.Definitions) -> None:
    """So that `Materialize all` and the job's first click just run."""
    graph = definitions.resolve_asset_graph()
    assert [key for key in graph.materializable_asset_keys if graph.get(key).partitions_def is not None] == []
    selected = definitions.resolve_job_def(WHOLE_RUN).asset_layer.selected_asset_keys
    assert selected == graph.materializable_asset_keys
    assert {parent for key in selected for parent in graph.get(key).parent_keys} <= selected


def test_what_writes_to_the_warehouse_is_in_its_pool_and_only_downloads_are_retried(definitions: dg.Definitions) -> None:
    layers = [a for a in definitions.assets or [] if isinstance(a, dg.AssetsDefinition)]
    pools = {layer.op.name: layer.op.pool for layer in layers}
    assert pools.pop(FETCH) == "downloads"
    assert pools.pop("acquire__figures_held") is None  # it reads the figures and writes nothing
    assert set(pools.values()) == {"warehouse"}
    assert [layer.op.name for layer in layers if layer.op.retry_policy] == [FETCH]
    release = definitions.resolve_asset_graph().get(RELEASE)
    assert release.freshness_policy is not None
    home = yaml.safe_load((PROJECT_ROOT / ".dagster" / "dagster.yaml").read_text())
    assert home["concurrency"]["pools"] == {"default_limit": 1, "granularity": "run"}
    assert home["telemetry"]["enabled"] is False


def test_the_rank_is_traced_to_published_figures_in_what_dagster_keeps(released: Released) -> None:
    """Column by column, by the metadata that Dagster has of each table's last materialization."""
    with dg.DagsterInstance.get() as instance:

        def origins(schema: str, table: str) -> dict[str, list[tuple[str, str, str]]]:
            event = instance.get_latest_materialization_event(dg.AssetKey([schema, table]))
            assert event is not None
            kept = event.asset_materialization.metadata.get("dagster/column_lineage")
            columns = kept.value.deps_by_column if kept else {}
            return {c: [(*d.asset_key.path, d.column_name) for d in deps] for c, deps in columns.items()}

        ahead, seen = [("marts", "productivity_ranking", "rank")], set()
        while ahead:
            schema, table, column = ahead.pop()
            if (schema, table, column) not in seen:
                seen.add((schema, table, column))
                ahead += origins(schema, table).get(column, []) if schema != "raw" else []
    assert ("raw", "figures", "value") in seen
    assert ("raw", "councils", "area_name") not in seen


def test_each_ranked_year_is_reported_with_the_gates_of_that_year(released: Released) -> None:
    with dg.DagsterInstance.get() as instance:
        years = instance.get_materialized_partitions(RANKED_YEAR)
        assert {"2017-18", "2024-25"} <= years
        assert "2020-21" not in years
        key = dg.AssetCheckKey(RANKED_YEAR, "marts_productivity_ranking")
        found = {r.partition for r in instance.event_log_storage.get_asset_check_execution_history(key, limit=20)}
    assert {"2017-18", "2020-21", "2024-25"} <= found


def test_a_run_at_a_terminal_is_among_the_runs_of_the_job(released: Released) -> None:
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(released.outcome.run_id)
    assert run is not None
    assert run.remote_job_origin is not None
    location = run.remote_job_origin.repository_origin.code_location_origin.location_name
    named = yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text())["load_from"][0]["python_module"]
    assert (location, run.job_name) == (named["location_name"], WHOLE_RUN)


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
        node("productivity_ranking", "model", "success"),
        node("dim_council", "model", "error"),
        node(check.name, "test", "fail"),
        node("national_summary", "model", "skipped"),
    ]
    known = Known(
        {("marts", "productivity_ranking"): 7},
        {("marts", "productivity_ranking"): {"rank": "INTEGER"}},
        {("marts", "productivity_ranking", "rank"): "The place."},
        {"marts.productivity_ranking": {"rank": [("raw", "figures", "value")]}},
    )
    events = list(layer_events(results, {(check.asset_key, check.name)}, known, {"picture": "p"}))
    assert [type(e) for e in events] == [dg.MaterializeResult, dg.AssetCheckResult]
    metadata = events[0].metadata
    assert (metadata["dagster/row_count"], metadata["picture"]) == (7, "p")
    (column,) = metadata["dagster/column_schema"].columns
    assert (column.name, column.type, column.description) == ("rank", "INTEGER", "The place.")
    assert metadata["dagster/column_lineage"].deps_by_column == {
        "rank": [dg.TableColumnDep(dg.AssetKey(["raw", "figures"]), "value")]
    }
    (trail,) = metadata["column_origins"].records
    assert (trail.data["column"], trail.data["published"]) == ("rank", "raw.figures.value")
    assert events[1].asset_key == dg.AssetKey(["marts", "productivity_ranking"])
    assert not events[1].passed
    assert [type(e) for e in layer_events(results, set(), known)] == [dg.MaterializeResult]  # a check that was not chosen
    said = failure_text(results)
    assert "model dim_council: the message" in said
    assert f"test {check.name}" in said
    assert "1 nodes that need them were skipped" in said


def test_one_dbt_asset_is_built_alone_and_one_without_its_tables_says_what_is_missing(
    definitions: dg.Definitions, released: Released, tmp_path: Path
) -> None:
    """On a copy of the build: tests must not change what all look at."""
    settings = released.settings.model_copy(update={"build_dir": tmp_path / "build", "releases_dir": tmp_path / "releases"})
    shutil.copytree(released.settings.build_dir, settings.build_dir, ignore=shutil.ignore_patterns("run.lock"))
    own = build_defs(settings)
    ranking, job = dg.AssetKey(["marts", "productivity_ranking"]), own.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(instance=instance, asset_selection=[ranking])
        assert [e.asset_key for e in done.get_asset_materialization_events()] == [ranking]
        evaluated = {e.asset_check_key for e in done.get_asset_check_evaluations()}
        assert {check.asset_key for check in evaluated} == {
            ranking,
            RANKED_YEAR,
        }  # of the layer only its own tests, and its gates
        # what was made of the ranking is older than it now: that is not published as if it were of one piece
        mixed = job.execute_in_process(instance=instance, asset_selection=[RELEASE], raise_on_error=False)
        assert reason_of(mixed).startswith("The workbench is not of one piece: ")
        assert "was made before marts.productivity_ranking, which it is made of" in reason_of(mixed)
        assert not (settings.releases_dir / "current").exists()
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("drop table intermediate.int_productivity")
        connection.execute("drop table marts.dim_council")
    for key, missing in (
        (ranking, "intermediate.int_productivity"),
        (RELEASE, "marts.dim_council"),
        (dg.AssetKey(["marts", "drop_one"]), "marts.dim_council"),
    ):
        failed = job.execute_in_process(asset_selection=sorted(together(own, key)), raise_on_error=False)
        said = reason_of(failed)
        assert f"tables that are not built yet: {missing}" in said
        assert "Run the job rank_councils first" in said


def together(definitions: dg.Definitions, key: dg.AssetKey) -> set[dg.AssetKey]:
    """An asset with those that are made with it in one step, as Dagster's pages choose them."""
    graph = definitions.resolve_asset_graph()
    return {key, *graph.get(key).execution_set_asset_keys}


def reason_of(result: dg.ExecuteInProcessResult) -> str:
    """What the step that failed said."""
    (event,) = result.get_step_failure_events()
    return reason(event)


# Downloads, the look for new editions, word of failure


PRICES = "\n".join(
    [
        ",x",
        ",Financial year,2022-23 = 100,per cent change",
        *[f",{y}-{(y + 1) % 100:02d},{y - 1922}," for y in range(2010, 2024)],
        "",
    ]
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


def test_downloads_come_before_everything_and_a_year_can_be_backfilled(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for name in sources():
        node = graph.get(download_key(name))
        assert node.key in graph.get(FIGURES_HELD).parent_keys
        assert node.freshness_policy is not None
    job = definitions.resolve_job_def(DOWNLOAD_RUN)
    assert {"2014-15", "2024-25"} <= set(job.partitions_def.get_partition_keys())
    assert job.asset_layer.selected_asset_keys == {download_key(name) for name in sources()}


def fetching(settings: Settings, source: str, year: str, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        download_assets(settings),
        selection=[download_key(source)],
        instance=instance,
        raise_on_error=False,
        run_config={"ops": {FETCH: {"config": {"financial_year": year}}}},
    )


def test_a_year_downloads_its_editions_and_fails_when_one_does_not_come(with_mirror: Settings) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        done = fetching(with_mirror, "deflators", "2023-24", instance)
        (event,) = done.get_asset_materialization_events()
        assert event.asset_key == download_key("deflators")
        assert event.materialization.metadata["asked"].value == 1
        (held,) = store.held(with_mirror.raw_dir, "deflators", "2023-12")
        assert held.path.read_text() == PRICES
        nothing = fetching(with_mirror, "deflators", "2014-15", instance)  # no edition is of that year
        assert nothing.success
        failed = fetching(with_mirror, "deflators", "2025-26", instance)
        assert not failed.success
        assert "1 of 1 files did not come; those that came are kept" in reason_of(failed)
        (check,) = failed.get_asset_check_evaluations()
        assert (check.check_name, check.passed, check.severity) == (EDITIONS_CAME, False, dg.AssetCheckSeverity.WARN)
        assert "1 of 1 did not come: 2026-03: the mirror has no file" in str(check.description)
        unknown = fetching(with_mirror, "deflators", "1999-00", instance)
        assert "No source has an edition of 1999-00; there are 2014-15" in reason_of(unknown)


def test_what_is_held_has_one_version_until_another_file_comes(with_mirror: Settings) -> None:
    def version(instance: dg.DagsterInstance) -> str:
        done = fetching(with_mirror, "deflators", "2023-24", instance)
        return done.get_asset_materialization_events()[0].materialization.tags["dagster/data_version"]

    with dg.DagsterInstance.ephemeral() as instance:
        first = version(instance)
        assert version(instance) == first
        path = Path(str(with_mirror.mirror)) / "prices" / PRICES_FILE
        path.write_text(path.read_text().replace(",99,", ",98.5,"))
        assert version(instance) != first


def test_a_run_may_choose_the_publishers_by_its_tag_and_no_other_word(with_mirror: Settings) -> None:
    """In a run of everything with embedded figures nobody is asked; with publishers' files one that did not come is a warning."""
    definitions = dg.Definitions(assets=[*acquire_assets(with_mirror), *download_assets(with_mirror)])
    job = definitions.resolve_implicit_global_asset_job_def()
    for tag, data in ((None, "embedded"), ("publishers", "publishers")):
        done = job.execute_in_process(tags={DATA_TAG: tag} if tag else {})
        (event,) = done.asset_materializations_for_node("acquire__figures_held")
        assert event.metadata["data"].value == data
        checks = {c.asset_key.path[-1]: c for c in done.get_asset_check_evaluations()}
        assert len(checks) == len(sources())
        assert {c.severity for c in checks.values()} == {dg.AssetCheckSeverity.WARN}
        if data == "embedded":
            assert all(c.passed and "nobody was asked" in str(c.description) for c in checks.values())
            assert not list(store.outcomes(with_mirror.raw_dir))
    assert not checks["deflators"].passed  # one edition came, another did not
    assert not checks["population"].passed
    assert event.metadata["editions_held"].value == 1
    assert event.metadata["editions_missing"].value > 50
    wrong = job.execute_in_process(tags={DATA_TAG: "both"}, raise_on_error=False)
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
    assert len(said) < 1000
    requests, said, cursor = tick(cursor)
    assert requests == []
    listing(mirror, "one.ods", "two.ods")
    (asked,), _, after = tick(cursor)
    assert asked.tags[DATA_TAG] == "publishers"
    assert asked.tags["asc/new_files"] == "1"
    assert tick(after)[0] == []
    (again,), _, _ = tick(cursor)
    assert again.run_key == asked.run_key  # the same news twice is one run


@pytest.mark.parametrize("network", ["slow", "shut"])
def test_a_look_at_the_publishers_ends_soon_whatever_the_network_does(with_mirror: Settings, network: str) -> None:
    """Slow: headers drip for ever. Shut: nobody listens. Neither holds the daemon, neither is `nothing new`, and people are told."""
    stop = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not stop.wait(0.5):
                    self.wfile.write(b"X-More: y\r\n")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port if network == "slow" else 1
        settings = with_mirror.model_copy(update={"mirror": f"http://127.0.0.1:{port}"})
        (sensor,) = (s for s in sensors(settings) if s.name == "new_editions")
        began = time.monotonic()
        with dg.build_sensor_context(cursor=json.dumps({"https://kept": ["one"]})) as context:
            data = sensor.evaluate_tick(context)
        took = time.monotonic() - began
        stop.set()
        server.shutdown()
    assert took < 20
    assert data.skip_message is not None
    assert data.skip_message.startswith("could not look: none of ")
    assert len(data.skip_message) < 600
    (line,) = (settings.releases_dir / "failures.jsonl").read_text().splitlines()
    assert json.loads(line)["sensor"] == "new_editions"


def test_a_host_that_gives_no_answer_is_asked_once(with_mirror: Settings) -> None:
    asked: list[str] = []

    class Fetching(Fetcher):
        def page(self, address: str) -> bytes:
            asked.append(address)
            self._pages[address] = Outcome(address, "failed", "nobody answers", unreachable=True)
            raise RefusedError("nobody answers")

    looked = look(sources(), {}, Fetching(with_mirror.raw_dir))
    assert len(asked) == len({host_of(address) for address in asked})
    assert len(looked.blind) > len(asked)
    assert looked.saw_nothing


def test_word_of_a_failed_run_has_the_sentence_of_the_gate(with_mirror: Settings) -> None:
    from orchestration.assets.notification import reasons

    @dg.asset
    def table() -> None: ...

    @dg.asset_check(asset=table, blocking=True)
    def gate() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=False, description="Raw figures: a percentage lies between 0 and 100, but not for 1 row"
        )

    @dg.asset(deps=[table])
    def after() -> None:
        raise BusyError("A run is going on.")

    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize([table, gate, after], instance=instance, raise_on_error=False)
        assert list(reasons(instance, done.run_id).values()) == [
            "Raw figures: a percentage lies between 0 and 100, but not for 1 row"
        ]
        done = dg.materialize([table, after], instance=instance, raise_on_error=False)
        assert reasons(instance, done.run_id) == {"after": "A run is going on."}


def test_the_yearly_run_reads_the_publishers(definitions: dg.Definitions) -> None:
    assert definitions.resolve_schedule_def("yearly").tags[DATA_TAG] == "publishers"


def test_word_of_a_failed_run_is_kept_and_sent(with_mirror: Settings) -> None:
    from orchestration.assets.notification import tell

    tell(with_mirror, {"run_id": "abc", "steps": {"load_raw": "why"}})
    (line,) = (with_mirror.releases_dir / "failures.jsonl").read_text().splitlines()
    said = json.loads(line)
    assert (said["run_id"], said["steps"]) == ("abc", {"load_raw": "why"})


def test_the_address_that_is_told_is_kept_secret(with_mirror: Settings) -> None:
    """The token of a webhook stands in no file, whether the address answers, answers with another address, or does not answer."""
    from orchestration.assets.notification import tell

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
            tell(settings, {"run_id": "abc"})
        server.shutdown()
    assert told == ["/hook/T0KEN", "/moved/T0KEN"]  # the redirect is not followed
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.get("told") or line.get("not_told") for line in lines] == [
        "127.0.0.1",
        "127.0.0.1: answered 302",
        "127.0.0.1: ConnectError",
    ]
    assert "T0KEN" not in path.read_text()
    assert "pass" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_told_to_a_link_local_address_nor_in_the_clear(with_mirror: Settings) -> None:
    from orchestration.assets.notification import tell

    settings = with_mirror.model_copy(update={"notify": "https://169.254.169.254/latest"})
    said = tell(settings, {"run_id": "abc"})
    assert said["not_told"] == "169.254.169.254: 169.254.169.254 is no address to tell people at"
    with pytest.raises(ValueError, match="ASC_NOTIFY must be an https address"):
        Settings(notify="http://example.org/hook")
