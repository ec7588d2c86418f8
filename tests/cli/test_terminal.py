"""The command line in a real terminal of 80, 100 and 140 columns: no name, number or word is cut or broken, and rows survive a round trip."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import math
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_ROOT
from tests.conftest import Released

COMMANDS = (
    ("ranking", "--year", "2018-19"),
    ("ranking",),
    ("council", "Barnsley"),
    ("council", "Thurrock"),
    ("compare", "Leeds", "St Helens", "BCP"),
    ("trend", "Leeds"),
    ("peers", "County Durham"),
    ("explain", "Barnsley", "--year", "2018-19"),
    ("sources",),
    ("sql", "from marts.national_summary"),
    ("sql", "from marts.productivity_ranking limit 2"),
    ("doctor",),
    ("--help",),
    ("ranking", "--help"),
)
ROOM = 1000
"""Columns at which nothing has to be broken: what words there are."""
SHORTER = {"Prod"}
"""Headings that have a shorter form where there is less room."""
INSTEAD = {
    "Where",
    "each",
    "figure",
    "was",
    "published",
    "asc",
    "explain",
    "covered",
    "carried",
    "forward",
    "from",
    "withheld",
    "spend",
    "doubtful",
    "failing",
    "since",
    "row",
}
"""Words of the lines that stand, where there is less room, for columns that are left out."""


def environment(released: Released) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}
    }  # the runner of tests sets them
    return {
        **inherited,
        "ASC_BUILD_DIR": str(released.settings.build_dir),
        "ASC_RELEASES_DIR": str(released.settings.releases_dir),
        "TERM": "xterm-256color",
    }


def on_a_terminal(released: Released, width: int, *words: str) -> str:
    """What a person sees: the command on a pseudo-terminal of so many columns, colours taken out."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "asc"), *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=PROJECT_ROOT,
        env=environment(released),
    )
    os.close(slave)
    seen = b""
    while True:
        ready, _, _ = select.select([master], [], [], 60)
        try:
            chunk = os.read(master, 1 << 16) if ready else b""
        except OSError:
            chunk = b""
        if not chunk:
            break
        seen += chunk
    os.close(master)
    process.wait(timeout=60)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r\n", "\n")


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_nothing_is_cut_and_no_word_is_broken_at_any_width(released: Released, words: tuple[str, ...]) -> None:
    whole = words_of(on_a_terminal(released, ROOM, *words))
    for width in (80, 100, 140):
        shown = on_a_terminal(released, width, *words)
        assert max(map(len, shown.splitlines())) <= width
        lines = words_of(shown)
        box = {w for w in lines if set(w) <= set("─╭╮╰╯│├┤┌┐└┘")}
        paths = {w for w in lines if len(w) > 20 and any(w in whole_word for whole_word in whole)}  # longer than any column
        new = {w for w in lines - whole - SHORTER - INSTEAD - box - paths if not w.isdigit()}
        parts = {w for w in new if any(w in other for other in whole if len(other) > len(w))}
        assert parts == set(), f"{width} columns"
        assert not [w for w in lines if w.endswith("…") and w not in whole], f"{width} columns"


@pytest.mark.slow
def test_the_width_of_the_terminal_is_seen(released: Released) -> None:
    """Or else the test above compares a thing with itself."""
    assert len({on_a_terminal(released, width, "ranking") for width in (80, 140, ROOM)}) == 3


def words_of(shown: str) -> set[str]:
    """Words without what stands before or after them in a sentence."""
    return {word.strip(",.;:()") for word in shown.split()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("ranking", "--year", "2018-19"),
        ("council", "Leeds"),
        ("trend", "Leeds"),
        ("peers", "Leeds"),
        ("compare", "Leeds", "Hull"),
        ("explain", "Leeds"),
        ("sources",),
        ("sql", "from marts.fct_council_spend where spend_gbp is not null limit 50"),
    ],
    ids=" ".join,
)
def test_csv_and_json_say_the_same_to_the_last_digit_on_screen_and_in_a_file(
    released: Released, words: tuple[str, ...], tmp_path: Path
) -> None:
    def asked(*more: str) -> str:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "asc"), *words, *more],
            capture_output=True,
            text=True,
            check=True,
            cwd=PROJECT_ROOT,
            env=environment(released),
        )
        return done.stdout

    objects = json.loads(asked("--format", "json"))
    rows = list(csv.DictReader(io.StringIO(asked("--format", "csv"))))
    assert len(rows) == len(objects) > 0
    for row, one in zip(rows, objects, strict=True):
        for name, value in one.items():
            told = row[name]
            if value is None:
                assert told == ""
            elif isinstance(value, bool):
                assert told == ("true" if value else "false")
            elif isinstance(value, int | float):
                assert math.isfinite(value)
                assert float(told) == value
            elif isinstance(value, list):
                assert json.loads(told) == value
            else:
                assert told == value
    file = tmp_path / "rows.csv"
    assert "Written:" in asked("--output", str(file))
    assert list(csv.DictReader(file.open(encoding="utf-8"))) == rows
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def test_numbers_equal_the_mart(released: Released) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "asc"), "ranking", "--year", "2018-19", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT_ROOT,
        env=environment(released),
    )
    with released.connect() as db:
        mart = db.execute(
            "select area_code, rank, outcome_score, productivity, is_tied from marts.productivity_ranking "
            "where definition_id = 'default' and financial_year = '2018-19'"
        ).fetchall()
    told = {
        o["area_code"]: (o["area_code"], o["rank"], o["outcome_score"], o["productivity"], o["is_tied"])
        for o in json.loads(done.stdout)
    }
    assert told == {row[0]: row for row in mart}
    assert all(isinstance(row[1], int | None) for row in told.values())


def test_what_a_cell_holds_is_shown_as_it_is(released: Released) -> None:
    shown = on_a_terminal(released, 100, "sql", "select ':x:' as emoji, '[bold]b[/]' as markup, [1, 2] as list, true as yes")
    for cell in (":x:", "[bold]b[/]", "1, 2", "true"):
        assert cell in shown
    assert "no release" not in on_a_terminal(released, 80, "--version")
    assert released.release.name in on_a_terminal(released, 80, "--version").replace("\n", "")
