"""What people do with releases: list them, hold their files against what was signed, go back to one, see what moved between two."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.cli.app import app
from orchestration.publication.release import UnknownReleaseError, current_release, find_release, point_to, read_manifest, verify
from orchestration.publication.release_diff import moved_ranks
from orchestration.settings import Settings
from tests.conftest import Released


@pytest.fixture
def two(released: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with two releases: the real one, and a later one in which one figure and one rank differ; the later is current."""
    settings = released.settings.model_copy(update={"releases_dir": tmp_path / "releases"})
    first, second = settings.releases_dir / "20260101T000000Z-first000", settings.releases_dir / "20260201T000000Z-second00"
    settings.releases_dir.mkdir()
    for folder in (first, second):
        folder.mkdir()
        for name in ("asc.duckdb", "manifest.json", "self_audit.md"):
            shutil.copy(released.release / name, folder)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        manifest["files"] = {n: manifest["files"][n] for n in ("asc.duckdb", "self_audit.md")}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with duckdb.connect(str(second / "asc.duckdb")) as db:
        db.execute(
            "update marts.productivity_ranking set rank = rank + 5, productivity = productivity - 1 "
            "where definition_id = 'default' and financial_year = '2023-24' and area_code = 'E08000035'"
        )
        self_id = db.execute(
            "select figure_id from marts.fct_lineage where area_code = 'E08000035' and financial_year = '2023-24' and component = 'spend' "
            "and component_id = 'total_net'"
        ).fetchone()[0]
        db.execute("update marts.fct_published_figure set value = value * 1.1 where figure_id = ?", [self_id])
    (settings.releases_dir / "current").symlink_to(second.name)
    monkeypatch.setenv("ASC_RELEASES_DIR", str(settings.releases_dir))
    monkeypatch.setenv("ASC_BUILD_DIR", str(tmp_path / "build"))
    from orchestration import settings as module

    module.get_settings.cache_clear()
    yield settings
    module.get_settings.cache_clear()


def test_files_are_held_against_what_was_signed(two: Settings, released: Released) -> None:
    assert verify(released.release) == []
    first = find_release(two, "20260101T000000Z-first000")
    assert verify(first) == []
    (first / "self_audit.md").write_text("changed", encoding="utf-8")
    assert len(verify(first)) == 1 and "self_audit.md has 7 bytes" in verify(first)[0]
    (first / "self_audit.md").unlink()
    assert verify(first) == ["self_audit.md is missing"]


def test_current_goes_back_in_one_step_and_not_to_what_was_tampered_with(two: Settings) -> None:
    first = two.releases_dir / "20260101T000000Z-first000"
    before = current_release(two)
    (first / "self_audit.md").write_text("changed", encoding="utf-8")
    with pytest.raises(ValueError, match=r"is not as it was published: self_audit\.md"):
        point_to(two, first.name)
    assert current_release(two) == before
    shutil.copy(before / "self_audit.md", first)
    assert point_to(two, first.name) == first
    assert current_release(two) == first.resolve()
    with pytest.raises(UnknownReleaseError, match=r"There are: 2026.*first000, 2026.*second00"):
        point_to(two, "nonsense")


def test_what_moved_between_two_releases_and_which_figure_moved_it(two: Settings) -> None:
    moved = moved_ranks(two.releases_dir / "20260101T000000Z-first000", two.releases_dir / "20260201T000000Z-second00")
    leeds = moved[(moved["area_code"] == "E08000035") & (moved["financial_year"] == "2023-24")].iloc[0]
    assert leeds["places_gained"] == -5 and leeds["figures_changed"] == 1 and leeds["figures"].startswith("total_net: ")
    assert set(moved["area_code"]) == {"E08000035"}
    same = two.releases_dir / "20260101T000000Z-first000"
    assert moved_ranks(same, same).empty


def test_the_commands_say_what_they_did(two: Settings) -> None:
    run = CliRunner()
    listed = run.invoke(app, ["releases", "--format", "json"])
    assert [r["is_current"] for r in json.loads(listed.stdout)] == [False, True]
    assert run.invoke(app, ["verify", "20260201T000000Z-second00"]).exit_code == 1
    assert "2 files are as they were published" in run.invoke(app, ["verify", "20260101T000000Z-first000"]).stdout
    different = run.invoke(app, ["diff", "20260101T000000Z-first000", "--format", "csv"])
    assert different.stdout.splitlines()[0].startswith("financial_year,area_code,area_name,rank_before")
    assert "is current" in run.invoke(app, ["rollback", "20260101T000000Z-first000"]).stdout
    assert "No rank and no figure under one differs." in run.invoke(app, ["diff", "current"]).stdout
    assert isinstance(run.invoke(app, ["open"]).exception, ValueError)  # these two have no pages


def test_open_says_where_a_page_is(released: Released, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestration import settings as module

    monkeypatch.setenv("ASC_RELEASES_DIR", str(released.settings.releases_dir))
    module.get_settings.cache_clear()
    run = CliRunner()
    for asked, page in (
        ([], "index.html"),
        (["leeds city council"], "councils/E08000035.html"),
        (["E08000016"], "councils/E08000038.html"),
    ):
        said = run.invoke(app, ["open", *asked, "--print"]).stdout.strip()
        assert said.endswith(f"/site/{page}") and Path(said).exists()
    module.get_settings.cache_clear()


def test_the_database_says_which_release_it_is_of(released: Released) -> None:
    manifest = read_manifest(released.release)
    with released.connect() as db:
        rows = db.execute("select release_id, made_at, commit, content_sha256 from meta.release").fetchall()
    assert rows == [(released.release.name, manifest["made_at"], manifest["commit"], manifest["content_sha256"])]
