"""A release: the marts frozen into one folder, and a pointer to the newest that is replaced in one step.

    data/releases/<release id>/asc.duckdb, <mart>.csv, <mart>.parquet, manifest.json, datapackage.json, csv-metadata.json,
                               data_dictionary.csv, asc_index.xlsx, dbt_docs.html, self_audit.md; site/ (`pages/`)
    data/releases/current -> <release id>

Everything is written to a folder aside and renamed when whole. The pointer is a symbolic link replaced by a rename: whoever has
the old release open keeps it, whoever opens `current` next gets the new one, and nobody sees half of either.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.publication.export import VIEWS, comments, editions, export, sign_within
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse.connection import connect

if TYPE_CHECKING:
    from expectations.runner import SuiteResult

RELEASES_KEPT = 5
PART = ".part-"
MAKERS = ("descriptors.py", "export.py", "safe_text.py", "schema.py", "workbook.py")
"""What makes the files that describe the tables: a change of theirs is a change of the release."""


@dataclass(frozen=True)
class Release:
    """One published release."""

    release_id: str
    path: Path
    tables: int
    rows: int
    content_sha256: str
    is_new: bool = True
    """Whether it was made now: what the current release has already, to the last byte, is not published again."""


class NoReleaseError(FileNotFoundError):
    """Nothing has been published yet."""


class UnknownReleaseError(LookupError):
    """No release of that name is kept; the text lists those that are."""


def publish(settings: Settings, report: Callable[[str], None] = lambda _: None) -> Release:
    """Run the gates of the marts and of the analysis, then freeze the marts and move `current` to them.

    GateError if a gate is closed: nothing is written and `current` stays. Only the newest RELEASES_KEPT releases are kept.
    """
    # Here and not above: who only reads a release must not pay for Dagster and for what gathers figures.
    from orchestration.warehouse.gates import run_gates
    from orchestration.warehouse.raw import assert_unchanged

    # Open for reading from the first gate to the last file: as long as it is, no other process can write to what was guarded.
    with connect(str(settings.warehouse_path), read_only=True) as guarded:

        def gates() -> list[SuiteResult]:
            checks = run_gates(settings, "marts_") + run_gates(settings, "analysis_")
            assert_unchanged(guarded)
            report(f"{len(checks)} gates are open")
            return checks

        return _publish(settings, gates, report)


def _publish(settings: Settings, gates: Callable[[], list[SuiteResult]], report: Callable[[str], None]) -> Release:
    from orchestration.warehouse.check_log import COLUMNS

    settings.releases_dir.mkdir(parents=True, exist_ok=True)
    pointer = settings.releases_dir / "current"
    if pointer.exists() and not pointer.is_symlink():
        raise NotADirectoryError(
            f"{pointer} is a folder or file of its own and not the link to a release: move it away, then run again. Nothing was published."
        )
    _sweep(settings)
    aside = settings.releases_dir / f"{PART}{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        rows, checks = export(settings, aside, gates)
        content = _content(aside, rows)
        told = [
            json.dumps(COLUMNS),
            *comments(settings, sorted(rows)),
            *(file.read_text(encoding="utf-8") for file in (*VIEWS, *(Path(__file__).parent / name for name in MAKERS))),
        ]
        described = hashlib.sha256("\n".join(told).encode()).hexdigest()
        same = _same_as_current(settings, content, described)
        if same is not None:
            report(f"nothing has changed: release {same.name} stays current")
            return Release(same.name, same, len(rows), sum(rows.values()), content, is_new=False)
        made_at = dt.datetime.now(dt.UTC).replace(microsecond=0)
        release_id = f"{made_at:%Y%m%dT%H%M%SZ}-{content[:8]}"
        manifest: dict[str, Any] = {
            "release_id": release_id,
            "made_at": made_at.isoformat(),
            "commit": _commit(),
            "content_sha256": content,
            "descriptions_sha256": described,
            "tables": rows,
            "editions": editions(settings),
            "checks": [
                {
                    "suite": c.suite,
                    "guards": c.guards,
                    "rules": c.rules_checked,
                    "rows": c.rows_checked,
                    "passed": c.passed,
                }
                for c in checks
            ],
            "licence": "Figures: Open Government Licence v3.0, publishers as in editions. Scores and ranks: this index.",
            "warning": "The publisher of the outcomes says that they cannot by themselves be used to judge how effective councils are.",
        }
        sign_within(aside, manifest)
        manifest["files"] = {file.name: _signed(file) for file in sorted(aside.iterdir())}
        (aside / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        for file in sorted(aside.iterdir()):
            _to_disk(file)
        _to_disk(aside)
        path = settings.releases_dir / release_id
        if path.exists():  # the same content published twice in one second
            shutil.rmtree(aside)
        else:
            aside.rename(path)
            _to_disk(settings.releases_dir)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _point(settings, release_id)
    _prune(settings)
    report(f"release {release_id} is current")
    return Release(release_id, path, len(rows), sum(rows.values()), content)


def current_release(settings: Settings) -> Path:
    """The folder of the current release. NoReleaseError, with what to run or to do, if there is none, or if `current` leads elsewhere."""
    pointer = settings.releases_dir / "current"
    if not (pointer / "asc.duckdb").exists():
        raise NoReleaseError("There is no release yet. Run `make run` (or `asc run`) first: it takes two minutes.")
    release = pointer.resolve()
    if release.parent != settings.releases_dir.resolve():
        raise NoReleaseError(
            f"{pointer} leads to {release}, which is not among the releases of its folder: somebody moved it. Delete the link and run again, "
            "or `asc rollback` to a release that is there."
        )
    return release


def find_release(settings: Settings, release_id: str | None) -> Path:
    """The folder of a release; the current one for None. UnknownReleaseError lists those there are."""
    if release_id is None or release_id == "current":
        return current_release(settings)
    held = {path.name: path for path in releases(settings)} if settings.releases_dir.is_dir() else {}
    if release_id not in held:
        raise UnknownReleaseError(f"No release {release_id!r}. There are: {', '.join(held) or 'none'}.")
    return held[release_id]


def read_manifest(release: Path) -> dict[str, Any]:
    """The manifest of a release."""
    manifest: dict[str, Any] = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def _signed(file: Path) -> dict[str, int | str]:
    """Size and hash of a file: what `verify` holds it against."""
    with file.open("rb") as content:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(content, "sha256").hexdigest()}


def verify(release: Path) -> list[str]:
    """What is wrong with the files of a release: those that are missing, or are not what the manifest signed. Empty if all is well."""
    signed = read_manifest(release).get("files")
    if not signed:
        return ["manifest.json signs no files: the release was made before files were signed"]
    wrong = []
    for name, expected in signed.items():
        file = release / name
        if not file.exists():
            wrong.append(f"{name} is missing")
        elif (found := _signed(file)) != expected:
            wrong.append(
                f"{name} has {found['bytes']:,} bytes with the hash {str(found['sha256'])[:12]}…; "
                f"signed were {expected['bytes']:,} bytes with {str(expected['sha256'])[:12]}…"
            )
    return wrong


def point_to(settings: Settings, release_id: str) -> Path:
    """Make an earlier release current again. UnknownReleaseError, or ValueError if its files are not what was signed: then nothing is moved."""
    release = find_release(settings, release_id)
    wrong = verify(release)
    if wrong:
        raise ValueError(f"Release {release_id} is not as it was published: {'; '.join(wrong)}. `current` stays where it is.")
    _point(settings, release.name)
    return release


def _same_as_current(settings: Settings, content: str, described: str) -> Path | None:
    """The current release, if its tables and their descriptions are these, and its files are still those that it was made with."""
    try:
        current = current_release(settings)
        manifest = read_manifest(current)
        held = _content(current, manifest["tables"])
    except (OSError, ValueError, KeyError):
        return None
    same = (held, manifest.get("descriptions_sha256")) == (content, described) and not verify(current)
    return current if same else None


def _content(folder: Path, tables: Iterable[str]) -> str:
    """One hash over the CSV of every table."""
    digest = hashlib.sha256()
    for name in sorted(tables):
        digest.update((folder / f"{name}.csv").read_bytes())
    return digest.hexdigest()


def _commit() -> str | None:
    """The commit the release was made from, or None outside a checkout."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def _point(settings: Settings, release_id: str) -> None:
    aside = settings.releases_dir / f".current-{os.getpid()}"
    aside.unlink(missing_ok=True)
    aside.symlink_to(release_id, target_is_directory=True)
    aside.replace(settings.releases_dir / "current")
    _to_disk(settings.releases_dir)


def _to_disk(path: Path) -> None:
    """Have the operating system write a file, or the names in a folder, through to the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(settings: Settings) -> None:
    """Delete what killed runs left: folders and pointers that were never put in place, of processes that are no more."""
    for left in [*settings.releases_dir.glob(f"{PART}*"), *settings.releases_dir.glob(".current-*")]:
        process = left.name.rpartition("-")[2]
        if process.isdigit() and int(process) != os.getpid() and Path(f"/proc/{process}").exists():
            continue
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink(missing_ok=True)


def releases(settings: Settings) -> list[Path]:
    """The folders of all releases, the one published first first: by when each folder was made, whatever its name or the clock says."""
    folders = [p for p in settings.releases_dir.iterdir() if p.is_dir() and not p.is_symlink() and (p / "manifest.json").exists()]
    return sorted(folders, key=lambda p: (p / "manifest.json").stat().st_mtime_ns)


def _prune(settings: Settings) -> None:
    """Delete all but the newest RELEASES_KEPT releases; never the current one."""
    current = (settings.releases_dir / "current").resolve()
    for old in [p for p in releases(settings) if p.resolve() != current][: -(RELEASES_KEPT - 1)]:
        shutil.rmtree(old)
