"""dbt's project as its users have it: who may read what, who reads it, every column described, and dbt typed by hand."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.publication.schema import OF_ANALYSIS
from orchestration.settings import PROJECT_ROOT, get_settings
from orchestration.warehouse import dbt
from orchestration.warehouse.dbt import docs_path, prepare, read_manifest
from tests.conftest import Released

CODE = {
    "command_line": ["cli/*.py", "publication/queries.py", "publication/names.py"],
    "pages": ["pages/**/*.py"],
    "workbook": ["publication/workbook.py"],
}
"""Where each reader that dbt calls an exposure has its questions."""
PARSING = ("Unable to do partial parsing", "1 files changed", "Nothing changed, skipping partial parsing")
"""What dbt's log says of a project that it parses whole, in part, or not."""
DBT = str(Path(sys.executable).parent / "dbt")


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    prepare(get_settings())
    return read_manifest(get_settings())


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def test_marts_are_public_and_nothing_else_is(manifest: dict[str, Any]) -> None:
    assert {(node["schema"], node["access"], node["group"]) for node in models(manifest)} == {
        ("staging", "private", "index"),
        ("intermediate", "private", "index"),
        ("marts", "public", "index"),
    }


def test_the_key_in_a_contract_is_the_key_that_is_tested(manifest: dict[str, Any]) -> None:
    """The database of a build and of a release holds the contract's key; dbt's test, which Dagster shows, must be of the same columns."""
    contracted = {
        node["name"]: constraint["columns"]
        for node in models(manifest)
        for constraint in node["constraints"]
        if constraint["type"] == "primary_key"
    }
    tested: dict[str, list[str]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node.get("attached_node") and node["test_metadata"]["name"] == "unique_key":
            tested[node["attached_node"].rpartition(".")[2]] = node["test_metadata"]["kwargs"]["columns"]
        elif node["resource_type"] == "test" and node.get("attached_node") and node["test_metadata"]["name"] == "unique":
            tested.setdefault(node["attached_node"].rpartition(".")[2], [node["column_name"]])
    marts = {node["name"] for node in models(manifest) if node["schema"] == "marts"}
    assert set(contracted) == marts
    of_dbt = {name: key for name, key in contracted.items() if name not in OF_ANALYSIS}
    assert of_dbt == {name: tested[name] for name in of_dbt}
    assert {name: tuple(contracted[name]) for name in marts & set(OF_ANALYSIS)} == {
        name: OF_ANALYSIS[name] for name in marts & set(OF_ANALYSIS)
    }


def test_exposures_name_exactly_the_marts_that_the_code_reads(manifest: dict[str, Any]) -> None:
    """By the names that stand in the code: a new question to a mart belongs into the exposure, a question that is gone out of it."""
    marts = {node["name"] for node in models(manifest) if node["schema"] == "marts"}
    views = {path.stem: path.read_text() for path in (PROJECT_ROOT / "orchestration" / "publication" / "views").glob("*.sql")}
    exposures = {node["name"]: node for node in manifest["exposures"].values()}
    assert set(exposures) == set(CODE)
    for name, patterns in CODE.items():
        files = [path for pattern in patterns for path in (PROJECT_ROOT / "orchestration").glob(pattern)]
        text = "\n".join(path.read_text() for path in files)
        while True:  # a view stands for what it reads, and may read another
            named = [view for view in views if re.search(rf"marts\.{view}\b|\"{view}\"", text)]
            wider = text + "\n".join(views[view] for view in named if views[view] not in text)
            if wider == text:
                break
            text = wider
        read = {mart for mart in marts if re.search(rf"marts\.{mart}\b|\"{mart}\"", text)}
        assert {node.split(".")[-1] for node in exposures[name]["depends_on"]["nodes"]} == read, name


def test_every_column_of_every_seed_is_described(manifest: dict[str, Any]) -> None:
    seeds = [node for node in manifest["nodes"].values() if node["resource_type"] == "seed"]
    assert len(seeds) > 15
    for seed in seeds:
        with (PROJECT_ROOT / "dbt_project" / seed["original_file_path"]).open(encoding="utf-8", newline="") as file:
            columns = next(csv.reader(file))
        described = {name for name, column in seed["columns"].items() if column["description"]}
        assert set(columns) == described, seed["name"]


def test_the_documentation_is_one_page_without_a_path_of_this_machine(manifest: dict[str, Any]) -> None:
    pages = docs_path(get_settings()).read_text()
    assert "model.asc_index.productivity_ranking" in pages
    assert str(PROJECT_ROOT) not in pages
    assert str(get_settings().build_dir) not in pages
    assert str(Path.home()) not in pages


def test_dbt_parses_the_project_once_and_again_when_a_file_of_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, released: Released
) -> None:
    """dbt parses everything anew for a warehouse of another path, and each build has a folder of its own."""
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT_ROOT / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs", "__pycache__"))
    settings = released.settings.model_copy(update={"build_dir": tmp_path / "build", "dbt_project_dir": project})

    def listed_in_a_build_of_its_own(in_a_process_of_its_own: bool = False) -> list[str]:
        build = settings.build_dir / f"build-{len(list(settings.build_dir.glob('build-*')))}"
        build.mkdir(parents=True)
        settings.build_pointer.write_text(build.name)
        shutil.copyfile(released.settings.warehouse_path, settings.warehouse_path)
        if in_a_process_of_its_own:
            monkeypatch.setattr(dbt, "_kept", {})
        log = settings.build_dir / "logs" / "dbt.log"
        before = log.stat().st_size if log.exists() else 0
        assert [r for r in dbt.run_dbt(settings, ["test", "--select", "dim_measure"]) if not r.ok] == []
        return [said for said in PARSING if said in log.read_text(encoding="utf-8")[before:]]

    anew, only_what_changed, nothing = PARSING
    assert listed_in_a_build_of_its_own(in_a_process_of_its_own=True) == [anew]
    assert listed_in_a_build_of_its_own() == []
    assert listed_in_a_build_of_its_own(in_a_process_of_its_own=True) == [nothing]
    model = project / "models" / "marts" / "dim_measure.sql"
    model.write_text(model.read_text() + "\n-- a comment\n")
    assert listed_in_a_build_of_its_own() == [only_what_changed]


@pytest.mark.slow
def test_dbt_typed_by_hand_builds_tests_and_documents_with_no_variables_set(released: Released, tmp_path: Path) -> None:
    """In a copy of the folder with a build beside it, as somebody would type it. The build that is copied from stays as it was."""
    shutil.copytree(
        PROJECT_ROOT / "dbt_project", tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs", "__pycache__")
    )
    build = released.settings.warehouse_path.parent
    (tmp_path / "data" / "build" / build.name).mkdir(parents=True)
    raw = tmp_path / "data" / "build" / build.name / "warehouse.duckdb"
    shutil.copyfile(released.settings.warehouse_path, raw)
    (tmp_path / "data" / "build" / "in_work").write_text(build.name)
    before = raw.stat().st_mtime_ns
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "ASC_"))}

    def typed(*words: str) -> str:
        done = subprocess.run(
            [DBT, *words], check=False, capture_output=True, text=True, cwd=tmp_path / "dbt_project", env=inherited
        )
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    assert "ERROR=0" in typed("build")
    assert "ERROR=0" in typed("test", "--select", "marts")
    typed("docs", "generate")
    assert raw.stat().st_mtime_ns == before
    query = "select area_code, rank from marts.productivity_ranking where definition_id = 'default' and financial_year = '2023-24' order by 1"
    with duckdb.connect(str(tmp_path / "data" / "build" / "by_hand.duckdb"), read_only=True) as db, released.connect() as theirs:
        assert db.execute(query).fetchall() == theirs.execute(query).fetchall()


def test_dbt_typed_by_hand_before_any_run_says_what_to_do(tmp_path: Path) -> None:
    shutil.copytree(
        PROJECT_ROOT / "dbt_project", tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs", "__pycache__")
    )
    (tmp_path / "data" / "build").mkdir(parents=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "ASC_"))}
    done = subprocess.run(
        [DBT, "build"], check=False, capture_output=True, text=True, cwd=tmp_path / "dbt_project", env=inherited
    )
    assert done.returncode != 0
    assert "there are no raw figures to build from yet" in done.stdout
