"""The command line on a real release: what it prints, what it exits with, and how it helps when the words are wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestration.cli import app as cli
from orchestration.settings import PROJECT_ROOT, Settings
from tests.conftest import Released

runner = CliRunner()


@pytest.fixture
def asc(released: Released, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run `asc …` as its entry point does; returns (exit code, standard output, standard error)."""
    monkeypatch.setattr(cli, "get_settings", lambda: released.settings)
    return _caller(monkeypatch, capsys)


def _caller(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["asc", *words])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_the_ranking_as_a_table_names_the_unranked(asc) -> None:
    code, out, _ = asc("ranking", "--year", "2018-19")
    assert code == 0
    assert "Barnsley" in out
    assert "Not ranked:" in out
    assert "City of London: Left out of rankings" in out
    assert "of last year's top ten kept their place" in out


def test_the_ranking_as_csv_and_json_agree(asc) -> None:
    rows = list(csv.DictReader(io.StringIO(asc("ranking", "--year", "2018-19", "--top", "5", "--format", "csv")[1])))
    objects = json.loads(asc("ranking", "--year", "2018-19", "--top", "5", "--format", "json")[1])
    assert [r["area_code"] for r in rows] == [o["area_code"] for o in objects]
    assert [o["rank"] for o in objects] == [1, 2, 3, 4, 5]


def test_a_council_by_name_or_code_with_its_sources(asc) -> None:
    code, by_name, _ = asc("council", "north yorkshire", "--year", "2021-22")
    assert code == 0
    assert asc("council", "E06000065", "--year", "2021-22")[1] == by_name
    assert "England" in by_name
    assert "NHS Digital, ascof 2021-22, 1G total" in by_name
    assert "2017-18" in by_name  # the years before its new code


@pytest.mark.parametrize(
    "definition",
    [
        "default",
        "outcomes_only",
        "by_domain",
        "need_adjusted",
        "geometric",
        "three_year",
        "balanced",
        "ratio_to_england",
        "as_published",
    ],
)
def test_explain_writes_the_arithmetic_out_so_that_it_can_be_redone(asc, definition: str) -> None:
    code, out, _ = asc("explain", "County Durham", "--year", "2019-20", "--definition", definition)
    assert code == 0
    redone = 0
    for line in out.splitlines():
        if ", the bound, for " in line:
            continue
        if match := re.match(r"\s+score (.+) = ([\d.]+), weight", line):
            formula = match[1].replace("×", "*").replace("−", "-")
            assert eval(formula, {"__builtins__": {}}) == pytest.approx(float(match[2]), abs=2e-3), line
            redone += 1
        if (match := re.match(r"\s+(?:[\w ]+: )?(\([^=]+) = ([\d.]+)$", line)) and "mean of" not in line:
            formula = match[1].replace("×", "*").replace("−", "-")
            assert eval(formula, {"__builtins__": {}}) == pytest.approx(float(match[2]), abs=2e-3), line
            redone += 1
    assert redone >= 20
    assert out.count("    from ") >= 17
    assert "rank " in out.splitlines()[-1]


def test_explain_follows_a_recoded_council_and_refuses_a_year_without_it(asc) -> None:
    assert "North Yorkshire (E10000023), 2019-20" in asc("explain", "North Yorkshire", "--year", "2019-20")[1]
    code, _, err = asc("explain", "Cumberland", "--year", "2019-20")
    assert code == 1
    assert "was not a council with its present area in 2019-20" in err
    assert "see Cumberland, Westmorland and Furness" in asc("explain", "Cumbria", "--year", "2023-24")[2]


def test_a_council_sees_what_moved_it_its_peers_and_its_opportunity(asc) -> None:
    out = asc("council", "Barnsley", "--year", "2022-23")[1]
    rows = {
        r["financial_year"]: r
        for r in json.loads(
            asc(
                "sql",
                "select * from marts.productivity_ranking where definition_id = 'default' and area_code = 'E08000016'",
                "--format",
                "json",
            )[1]
        )
    }
    change = rows["2022-23"]["productivity"] - rows["2021-22"]["productivity"]
    assert f"Productivity changed by {change:+.1f} since the year before. Most of it: " in out
    assert "Most similar councils (rank): " in out
    assert "upper quartile" in out


def test_a_doubt_stands_wherever_the_council_is_shown(asc) -> None:
    assert (
        "Thurrock: Spend is doubtful and withheld from this ranking. Net spend changed by -48 %"
        in asc("ranking", "--year", "2024-25")[1]
    )
    seen = asc("council", "Thurrock", "--year", "2024-25")[1]
    assert "Doubtful, withheld: Net spend. Net spend changed by -48 %" in seen
    assert "implies about £378 per adult: an estimate, used in no ranking" in seen
    assert "doubtful, withheld: Net spend changed by -48 %" in asc("explain", "Thurrock", "--year", "2024-25")[1]
    assert "doubtful, used as published: " in asc("explain", "Thurrock", "--year", "2024-25", "--definition", "as_published")[1]
    assert "23 was published and is withheld: From 100.0 to 23.0" in asc("explain", "South Tyneside", "--year", "2018-19")[1]
    assert "withheld: From 100.0 to 23.0" in asc("council", "South Tyneside", "--year", "2018-19")[1].replace("\n", " ")


def test_a_trail_says_where_it_does_not_end_at_the_published_cell(asc) -> None:
    seen = asc("explain", "County Durham", "--year", "2018-19")[1]
    assert "a table compiled from the publication, ascof_outcomes.csv" in seen
    assert "a table compiled" not in next(line for line in seen.splitlines() if "mid_year_estimates" in line)


def test_an_abolished_council_names_its_successors(asc) -> None:
    assert "see E06000063 E06000064" in asc("council", "Cumbria")[1]


def test_an_unknown_council_suggests_near_names(asc) -> None:
    code, _, err = asc("council", "Bernsley")
    assert code == 1
    assert "Barnsley" in err
    assert "Did you mean" in asc("council", "shire")[2]


def test_an_unknown_year_lists_the_years_and_an_unknown_definition_the_definitions(asc) -> None:
    code, _, err = asc("ranking", "--year", "1999-00")
    assert code == 1
    assert "2017-18" in err
    code, _, err = asc("ranking", "--definition", "nonsense")
    assert code == 1
    assert "default" in err


def test_sql_reads_and_cannot_write(asc) -> None:
    code, out, _ = asc("sql", "select count(*) as n from marts.dim_council", "--format", "csv")
    assert (code, out.split()) == (0, ["n", "163"])
    code, _, err = asc("sql", "drop table marts.dim_council")
    assert code == 1
    assert "read-only" in err
    assert asc("sql", "select nonsense")[0] == 1
    code, out, _ = asc("sql", "show all tables")
    assert (code, "productivity_ranking" in out) == (0, True)


def test_an_unranked_year_says_so_once_and_claims_nothing(asc) -> None:
    out = asc("ranking", "--year", "2020-21")[1]
    assert out.count("18 of 149 councils have enough measures") == 1
    assert "top ten" not in out
    assert "Not ranked by this definition: 2022-23, 2023-24" in asc("ranking", "--definition", "by_domain", "--top", "3")[1]


def test_a_survey_that_is_not_split_says_all_ages(asc) -> None:
    assert "Control over daily life, all ages" in asc("council", "Leeds", "--year", "2023-24")[1]
    assert "Control over daily life, 65+ " in asc("council", "Leeds", "--year", "2018-19")[1]


def test_no_release_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli, "get_settings", lambda: Settings(releases_dir=tmp_path, build_dir=tmp_path))
    call = _caller(monkeypatch, capsys)
    for words in (["ranking"], ["council", "Leeds"], ["sql", "select 1"]):
        code, _, err = call(*words)
        assert code == 1
        assert "make run" in err
    code, out, _ = call("doctor")
    assert code == 1
    assert "Current release: none yet" in out


def test_doctor_finds_everything_well(asc) -> None:
    code, out, _ = asc("doctor")
    assert code == 0, out
    assert "✗" not in out


def test_help_lists_the_commands_and_wrong_usage_is_exit_code_2(asc) -> None:
    result: Result = runner.invoke(cli.app, ["--help"])
    assert result.exit_code == 0
    for command in ("run", "ranking", "council", "sql", "doctor", "figures"):
        assert command in result.output
    assert asc("ranking", "--top", "0")[0] == 2


def test_a_reader_that_has_seen_enough_is_no_failure(released: Released) -> None:
    environment = {**os.environ, "ASC_RELEASES_DIR": str(released.settings.releases_dir)}
    for format in ("table", "csv"):
        code = f"import sys; sys.argv = ['asc', 'sql', 'from marts.fct_lineage limit 5000', '--format', '{format}']; from orchestration.cli.app import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=PROJECT_ROOT
        )
        assert process.stdout
        assert process.stderr
        assert b"financial_year" in process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        assert (process.wait(), said) == (0, b""), format


def test_completion_is_installed_and_completes(tmp_path: Path) -> None:
    asc = str(Path(sys.executable).parent / "asc")
    home = os.environ | {"HOME": str(tmp_path)}
    # typed in bash: it looks which shell called it
    subprocess.run(["bash", "-c", f"{asc} --install-completion && true"], check=True, capture_output=True, env=home)
    assert any("asc" in path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    asked = home | {"_ASC_COMPLETE": "complete_bash", "COMP_WORDS": "asc ra", "COMP_CWORD": "1"}
    assert subprocess.run([asc], check=False, capture_output=True, text=True, env=asked).stdout.split() == ["ranking"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ASC_REPLICATONS", "; did you mean ASC_REPLICATIONS?"),
        ("ASC_ZZZZZZ", "."),
        ("ASC_REPLICATIONS", None),
        ("ASC_PASSWORD", None),
    ],
)
def test_a_misspelt_setting_is_said_and_not_silently_left_out(name: str, said: str | None) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ASC_")} | {name: "5"}
    told = subprocess.run(
        [str(Path(sys.executable).parent / "asc"), "sources", "--format", "csv"],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert told.stdout.startswith("source,")
    assert (f"The variable {name} is no setting, and was not read{said}" in told.stderr) if said else told.stderr == ""
