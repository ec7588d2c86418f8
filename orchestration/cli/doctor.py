"""Is everything here that the project needs? Each finding says what was found and, where it is wrong, what to do."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from dataclasses import dataclass

from orchestration.figures import figure_files, read_figures
from orchestration.publication.release import NoReleaseError, current_release, read_manifest
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse.dbt import manifest_path

PACKAGES = ("dagster", "duckdb", "dbt-core", "dbt-duckdb", "pandas", "great-expectations")


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    ok: bool
    found: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order a newcomer would need them."""
    version = ".".join(map(str, sys.version_info[:3]))
    findings = [
        Finding(
            "Python",
            sys.version_info >= (3, 11),
            version,
            "Install Python 3.11 or newer, delete .venv, run make setup.",
        )
    ]
    wanted = _pins()
    for package in PACKAGES:
        try:
            held = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            held = "missing"
        pinned = wanted.get(package)
        findings.append(
            Finding(
                package,
                held == (pinned or held) and held != "missing",
                held,
                f"make setup installs {package} {pinned}.",
            )
        )
    try:
        files = figure_files(settings.figures_dir)
        figures = sum(len(read_figures(path)) for path in files)
        findings.append(Finding("Embedded figures", True, f"{figures:,} in {len(files)} files"))
    except (FileNotFoundError, ValueError) as error:
        findings.append(Finding("Embedded figures", False, str(error), "git checkout data/figures"))
    for folder in (settings.build_dir, settings.releases_dir):
        nearest = next(p for p in (folder, *folder.parents) if p.exists())
        findings.append(
            Finding(
                f"Can write {folder.name}",
                os.access(nearest, os.W_OK),
                str(folder),
                f"Make {nearest} writable, or set ASC_{folder.name.upper()}_DIR.",
            )
        )
    manifest = manifest_path(settings)
    findings.append(
        Finding("dbt manifest", manifest.exists(), str(manifest) if manifest.exists() else "not prepared", "asc prepare")
    )
    try:
        release = current_release(settings)
        findings.append(Finding("Current release", True, f"{release.name}, made {read_manifest(release)['made_at']}"))
    except NoReleaseError:
        findings.append(Finding("Current release", False, "none yet", "make run"))
    return findings


def _pins() -> dict[str, str]:
    """Exact versions from requirements/runtime.txt, where the project is a checkout."""
    path = PROJECT_ROOT / "requirements" / "runtime.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pinned = [line.split(" ")[0].split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {name.split("[")[0]: version for name, version in pinned}
