"""What a run's result depends on, as a hash for each part: a run whose inputs are those of the current release has nothing to do.

The hashes are noted with a build when its figures are loaded, and beside the releases when the release that it ends in is whole: so a file that
was edited while a run went on is no part of what is said of its release. What belongs here: which files and settings count. What does not:
what is done about it (`cli/run.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from orchestration.acquisition import store
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.sources.model import sources

NOTED: Final = "inputs.json"
SETTINGS: Final = ("data", "replications", "sensitivity_samples", "seed")
"""Settings that change what a run makes; the others say where things are."""
PACKAGES: Final = (
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "great-expectations",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "gptables",
    "jinja2",
)
CODE: Final = ("*.py", "*.sql", "*.yaml", "*.j2", "*.css", "*.js")
FACE: Final = "cli"
"""The one package whose code speaks of results and makes none."""

Inputs = dict[str, str]


def inputs(settings: Settings) -> Inputs:
    """A hash for each part that a run depends on: figures, files of publishers (if they are read), dbt project, rules, code, settings, packages."""
    code = [
        path
        for pattern in CODE
        for path in (PROJECT_ROOT / "orchestration").rglob(pattern)
        if FACE not in path.relative_to(PROJECT_ROOT / "orchestration").parts
    ]
    own = settings.definitions_dir
    return {
        "figures": _of_files(settings.figures_dir, settings.figures_dir.rglob("*.csv")),
        "publishers' files": _of_publishers(settings) if settings.data == "publishers" else "not read",
        "dbt project": _of_files(
            settings.dbt_project_dir,
            (p for p in settings.dbt_project_dir.rglob("*") if p.suffix in {".sql", ".yml", ".csv"} and "target" not in p.parts),
        ),
        "rules of the gates": _of_files(
            settings.expectations_dir, (p for p in settings.expectations_dir.rglob("*") if p.suffix in {".yaml", ".csv", ".py"})
        ),
        "code": _of_files(PROJECT_ROOT, code),
        "definitions of your own": _of_files(own, own.glob("*.csv")) if own else "none",
        "settings": _of_text(json.dumps({name: getattr(settings, name) for name in SETTINGS})),
        "packages": _of_text(json.dumps({name: version(name) for name in PACKAGES})),
    }


def code_version(*packages: str) -> str:
    """Of the Python files of these packages of the project: when one changes, what they made is out of date."""
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted((PROJECT_ROOT / "orchestration" / package).rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def note(settings: Settings) -> None:
    """Write down what the build in work is made of."""
    _noted_with_build(settings).write_text(json.dumps(inputs(settings)), encoding="utf-8")


def note_release(settings: Settings, release_id: str) -> None:
    """Write down what the release is made of, if what the build was made of is still what there is."""
    try:
        built: Inputs = json.loads(_noted_with_build(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    data = {"data": "embedded" if built["publishers' files"] == "not read" else "publishers"}
    if built != inputs(settings.model_copy(update=data)):
        return
    place = settings.releases_dir / NOTED
    aside = place.with_suffix(".part")
    aside.write_text(json.dumps({"release_id": release_id, "inputs": built}, indent=1) + "\n", encoding="utf-8")
    aside.replace(place)


def differences(settings: Settings, release_id: str) -> list[str] | None:
    """The parts in which what there is now differs from what a release was made of; None if that was not written down."""
    try:
        noted = json.loads((settings.releases_dir / NOTED).read_text(encoding="utf-8"))
        if noted["release_id"] != release_id:
            return None
        made_of: Inputs = noted["inputs"]
    except (OSError, ValueError, KeyError):
        return None
    now = inputs(settings)
    return [part for part in now if made_of.get(part) != now[part]]


def _noted_with_build(settings: Settings) -> Path:
    return settings.warehouse_path.with_name(NOTED)


def _of_files(root: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(root)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _of_publishers(settings: Settings) -> str:
    """By the issues that are held: each names its file's hash, and the newest is what is read."""
    held = {
        f"{source.source} {edition}": issue.sha256
        for source in sources().values()
        for edition in source.editions
        if (issue := store.newest(settings.raw_dir, source.source, edition)) is not None
    }
    return _of_text(json.dumps(held, sort_keys=True))


def _of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
