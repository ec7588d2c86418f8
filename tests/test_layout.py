"""Imports run one way through the packages, as README's flow has it; the order below is the project's, lowest first."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from orchestration.settings import PROJECT_ROOT
from orchestration.warehouse.connection import connect

ORDER = (
    "settings",
    "figures",
    "sources",
    "readers",
    "acquisition",
    "expectations",
    "warehouse",
    "client_level",
    "index",
    "analysis",
    "publication",
    "pages",
    "assets",
    "automation",
    "definitions",
    "cli",
)


def part(module: str) -> str:
    """The package or root module of the order that a dotted name belongs to: orchestration.cli.app -> cli."""
    names = module.split(".")
    return names[0] if names[0] == "expectations" else names[1] if len(names) > 1 else ""


def imports(path: Path) -> set[str]:
    """Every module of ours that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" if node.module == "orchestration" else node.module for alias in node.names}
    return {name for name in found if name.split(".")[0] in {"orchestration", "expectations"}}


def back_imports(files: list[tuple[str, set[str]]]) -> list[str]:
    """`importer -> imported` for each import of a part that stands above the importer's own."""
    rank = {name: n for n, name in enumerate(ORDER)}
    return [
        f"{module} -> {name}"
        for module, names in files
        for name in sorted(names)
        if part(name) and rank[part(name)] > rank[part(module)]
    ]


def modules() -> list[tuple[str, set[str]]]:
    paths = [p for folder in ("orchestration", "expectations") for p in sorted((PROJECT_ROOT / folder).rglob("*.py"))]
    named = [(".".join(p.relative_to(PROJECT_ROOT).with_suffix("").parts).removesuffix(".__init__"), imports(p)) for p in paths]
    return [(module, names) for module, names in named if part(module)]


def test_every_part_has_its_place_and_nothing_imports_upwards() -> None:
    found = modules()
    assert {part(module) for module, _ in found} == set(ORDER)
    assert back_imports(found) == []


def test_a_planted_back_import_is_found() -> None:
    planted = [
        ("orchestration.readers.cells", {"orchestration.cli.app"}),
        ("orchestration.cli.app", {"orchestration.readers.cells"}),
    ]
    assert back_imports(planted) == ["orchestration.readers.cells -> orchestration.cli.app"]


def test_index_arithmetic_knows_nothing_of_files_databases_or_frameworks() -> None:
    for path in (PROJECT_ROOT / "orchestration" / "index").glob("*.py"):
        known = {
            n.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for n in [a.name for a in node.names]
        }
        assert not known & {"duckdb", "dagster", "pandas", "pathlib"}, path.name


def test_a_help_text_and_a_question_to_a_release_import_only_what_they_need() -> None:
    """Dagster, dbt and pandas take seconds to import: none is needed to print help, the first two not to read a release, the last not to load the
    code location."""
    heavy = "{'pandas', 'duckdb', 'dagster', 'dbt', 'great_expectations', 'scipy'}"
    for module, allowed in (
        ("orchestration.cli.app", "set()"),
        ("orchestration.cli.ranking", "{'duckdb'}"),
        ("orchestration.cli.council", "{'duckdb'}"),
        ("orchestration.publication.release", "set()"),
        ("orchestration.cli.report", "{'pandas', 'duckdb'}"),
        ("orchestration.definitions", "{'dagster', 'dbt'}"),
    ):
        code = f"import sys, {module}; print(sorted(({heavy} - {allowed}) & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT)
        assert done.stdout.strip() == "[]", module


def test_databases_are_opened_in_one_way_which_prints_nothing() -> None:
    """DuckDB draws a progress bar into whatever standard output is once a query takes two seconds."""
    by_themselves = [
        str(path.relative_to(PROJECT_ROOT))
        for path in (PROJECT_ROOT / "orchestration").rglob("*.py")
        if "duckdb.connect(" in path.read_text(encoding="utf-8")
    ]
    assert by_themselves == ["orchestration/warehouse/connection.py"]
    with connect() as db:
        setting = "select current_setting('enable_progress_bar')"
        assert (db.execute(setting).fetchone(), db.cursor().execute(setting).fetchone()) == ((False,), (False,))
