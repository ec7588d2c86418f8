"""The documents say what the release says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from orchestration.cli.app import app
from orchestration.pages.pictures.standalone import pictures_of_documents
from orchestration.publication.catalogue import catalogue_page
from orchestration.publication.queries import typed_query
from orchestration.publication.release import read_manifest
from orchestration.settings import PROJECT_ROOT
from tests.conftest import Released


def test_the_council_worked_by_hand_is_the_one_in_the_release(released: Released) -> None:
    page = (PROJECT_ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    worked = page[page.index("## 8.") : page.index("## 9.")]
    where = "area_code = 'E06000047' and financial_year = '2023-24'"
    with released.connect() as db:
        domains = dict(
            db.execute(
                f"select domain_id, domain_score from marts.fct_domain_score where definition_id = 'default' and {where}"
            ).fetchall()
        )
        scores = dict(
            db.execute(
                f"select measure_id, score from marts.fct_measure_score where definition_id = 'default' and {where}"
            ).fetchall()
        )
        ranking = db.execute(
            f"select outcome_score, spend_per_adult_gbp, england_spend_per_adult_gbp, productivity, spend_index, rank "
            f"from marts.productivity_ranking where definition_id = 'default' and {where}"
        ).fetchone()
    assert ranking
    for value in (*domains.values(), scores["reablement_offered"], scores["carer_quality_of_life"], *ranking[:4]):
        assert f"{value:.2f}" in worked, value
    assert f"{ranking[4]:.4f}" in worked
    assert ranking[5] == 3


def test_every_source_is_cited_with_its_publisher(released: Released) -> None:
    page = (PROJECT_ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    with released.connect() as db:
        editions = db.execute("select distinct source, publisher, licence from marts.dim_edition").fetchall()
    for source, publisher, licence in editions:
        row = next((line for line in page.splitlines() if line.startswith(f"| {source} |")), "")
        assert row, f"docs/figures.md has no row of {source}"
        assert publisher in row, (source, publisher)
        assert licence == "Open Government Licence v3.0"


def test_each_question_of_an_analyst_is_one_statement_that_answers(released: Released) -> None:
    page = (PROJECT_ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    asked = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert len(asked) == 10
    for sql in asked:
        tables = re.findall(r"marts\.\w+", sql)
        assert len(tables) == len(set(tables)), f"joined with itself: {sql}"
        assert len(typed_query(released.release, sql)) > 0, sql
    leaders = typed_query(released.release, asked[0])
    assert list(leaders["rank"]) == list(range(1, 11))
    years = typed_query(released.release, asked[1])  # under two codes, one after the other
    with released.connect() as db:
        codes = db.execute(
            "select count(distinct area_code) from marts.council_scorecard where continuity_code = 'E08000038'"
        ).fetchone()
    assert codes is not None
    assert codes[0] >= 1
    assert len(years) == 8


def test_views_say_what_their_tables_say(released: Released) -> None:
    with released.connect() as db:
        counts = db.execute(
            "select (select count(*) from marts.council_scorecard), (select count(*) from marts.productivity_ranking), "
            "(select count(*) from marts.council_measures), (select count(*) from marts.fct_measure_value)"
        ).fetchone()
        assert counts is not None
        assert counts[0] == counts[1]
        assert counts[2] == counts[3]
        without = db.execute(
            "select table_name from duckdb_columns() where schema_name = 'marts' group by table_name "
            "having bool_or(column_name = 'area_code') and not bool_or(column_name = 'continuity_code')"
        ).fetchall()
        missing = db.execute("select count(*) from marts.rank_uncertainty where continuity_code is null").fetchone()
        undescribed = db.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'marts' and comment is null "
            "and table_name in (select table_name from duckdb_tables())"
        ).fetchall()
    assert without == []
    assert missing == (0,)
    assert undescribed == []


PAGES = [*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").glob("*.md")]


def commands_of(page: Path) -> list[str]:
    """What a page tells people to type: code in a line or a block that begins with a program of the project's."""
    text = page.read_text(encoding="utf-8")
    code = [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^    (\S.*)$", text, re.MULTILINE)]
    for block in re.findall(r"```(?:sh|console)?\n(.*?)```", text, re.DOTALL):
        code += block.splitlines()
    programs = re.compile(r"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(asc|make|dbt|dagster|dagster-webserver|dagster-daemon) (?! *=)")
    return [
        line.split(" #")[0].strip()
        for line in code
        if programs.match(line.strip()) and line.strip() not in {"asc", "make", "dbt", "dagster"}
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_document_names_only_commands_options_and_targets_that_exist(page: Path) -> None:
    """Each command of each document is held against the program's own: its name, its subcommands and every option. What the commands do is
    tested where they are; SQL of the documents is run by the tests above."""
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    asc = typer.main.get_command(app)
    for line in commands_of(page):
        words = [word for word in shlex.split(line.replace("…", "")) if not re.fullmatch(r"[A-Z_]+=\S*", word)]
        program, rest = words[0].removeprefix(".venv/bin/"), words[1:]
        if program == "make":
            for target in rest:
                assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), line
        elif program == "asc":
            command = asc
            while rest and not rest[0].startswith("-") and hasattr(command, "commands"):
                assert rest[0] in command.commands, line
                command, rest = command.commands[rest[0]], rest[1:]
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {
                "--help"
            }
            assert {word.split("=")[0] for word in rest if word.startswith("-")} <= known, line
        else:
            assert (Path(sys.executable).parent / program).exists(), line
    if page.name == "README.md":
        assert {"make run", "make test", "make ui"} <= set(commands_of(page))


READS = {
    "ranking",
    "council",
    "compare",
    "trend",
    "peers",
    "explain",
    "sql",
    "sources",
    "checks",
    "releases",
    "verify",
    "path",
    "doctor",
}
"""Commands that only read: those of the documents are run."""
TRIED = {
    "asc run": "test_run.py",
    "asc fetch": "test_publishers_run.py",
    "asc import": "test_adding_a_year.py",
    "asc prepare": "test_definitions.py",
    "asc site": "test_pages.py",
    "asc open": "test_cli.py",
    "asc diff": "test_releases.py",
    "asc rollback": "test_releases.py",
    "asc share": "test_sharing.py",
    "asc catalogue": "test_documents.py",
    "asc calibrate": "test_calibration.py",
    "asc figures": "test_cli.py",
    "asc --install-completion": "test_cli.py",
    "dbt build": "test_dbt_project.py",
    "dbt test": "test_dbt_project.py",
    "dbt docs": "test_dbt_project.py",
    "dagster-webserver -w": "test_deploy.py",
    "dagster-daemon run": "test_deploy.py",
}
"""What the others do is tested there. `make` calls these; `dagster instance migrate` is Dagster's own."""


@pytest.mark.slow
def test_commands_of_the_documents_that_read_are_run_and_the_others_are_tried_elsewhere(released: Released) -> None:
    environment = os.environ | {
        "ASC_BUILD_DIR": str(released.settings.build_dir),
        "ASC_RELEASES_DIR": str(released.settings.releases_dir),
    }
    ran = 0
    for line in sorted({line for page in PAGES for line in commands_of(page)}):
        words = [word for word in shlex.split(line) if not re.fullmatch(r"[A-Z_]+=\S*", word)]
        program = words[0].removeprefix(".venv/bin/")
        if program == "make" or words[:2] == ["dagster", "instance"]:
            continue
        is_a_name = len(words) == 2 and words[1] in {"council", "compare", "trend", "peers", "explain", "sql"}
        is_an_example = any(re.fullmatch(r"[A-Z_]{1,}|.*….*|\.+", word) for word in words[2:]) or words[-1] == "--year"
        if program == "asc" and words[1] in READS:
            if is_a_name or is_an_example:
                continue
            done = subprocess.run(
                [str(Path(sys.executable).parent / "asc"), *words[1:]],
                check=False,
                capture_output=True,
                text=True,
                env=environment,
                cwd=PROJECT_ROOT,
            )
            assert done.returncode == 0, (line, done.stderr)
            assert done.stdout, line
            ran += 1
        else:
            (where,) = (PROJECT_ROOT / "tests").rglob(TRIED[" ".join([program, *words[1:2]])])
            assert words[1].lstrip("-").split("-")[-1] in where.read_text(), (line, where)
    assert ran >= 12


def test_the_glossary_names_columns_and_headings_that_exist(released: Released) -> None:
    """Every name in its SQL column is a column of the release or of its log of checks; every heading stands in the terminal's code."""
    lines = [
        line.split("|")[1:-1]
        for line in (PROJECT_ROOT / "docs" / "glossary.md").read_text().splitlines()
        if line.startswith("| ")
    ][1:]
    assert len(lines) > 25
    assert len({term.strip() for term, *_ in lines}) == len(lines)
    with released.connect() as db:
        columns = {
            name for (name,) in db.execute("select distinct column_name from duckdb_columns() where not internal").fetchall()
        }
    columns |= set(read_manifest(released.release))
    code = "".join(path.read_text() for path in (PROJECT_ROOT / "orchestration" / "cli").glob("*.py"))
    for term, _, sql, headings in lines:
        named = re.findall(r"`([^`]+)`", sql)
        assert named, term
        assert set(named) <= columns, term
        for heading in headings.split(","):
            assert heading.strip() in code, term


def test_the_catalogue_is_what_the_seeds_say(released: Released) -> None:
    assert (PROJECT_ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8") == catalogue_page(released.release), (
        "run `asc catalogue`"
    )


def test_examples_of_using_the_data_run_and_agree(
    released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (PROJECT_ROOT / "docs" / "using_the_data.md").read_text(encoding="utf-8")
    (sql,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    expected = list(typed_query(released.release, sql)["area_name"])
    assert len(expected) == 5
    (tmp_path / "data" / "releases").mkdir(parents=True)
    (tmp_path / "data" / "releases" / "current").symlink_to(released.release)
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "using_the_data.md", "exec"), {})
        printed = capsys.readouterr().out
        assert [name for name in expected if name in printed] == expected
    for file in re.findall(r"`([a-z_-]+\.(?:json|csv|xlsx|duckdb))`", page):
        assert (released.release / file).exists(), file


def test_pictures_of_readme_are_of_this_release(released: Released) -> None:
    readme = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    made = pictures_of_documents(released.release)
    for name, svg in made.items():
        assert f"(docs/pictures/{name})" in readme
        assert (PROJECT_ROOT / "docs" / "pictures" / name).read_text(encoding="utf-8") == svg, (
            f"run `asc catalogue`: {name} has changed"
        )
