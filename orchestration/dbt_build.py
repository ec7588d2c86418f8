"""dbt: the project prepared once, and the arguments that build one layer of it.

The manifest is written by `prepare`, before Dagster loads, and never by loading the code location.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from orchestration.settings import Settings

LAYERS = ("staging", "intermediate", "marts")
_PARSED = (".sql", ".yml", ".csv")


def layer_selection(layer: str) -> str:
    """What dbt selects for a layer: its models, and with staging the seeds."""
    if layer not in LAYERS:
        raise ValueError(f"no layer {layer!r}; there are {', '.join(LAYERS)}")
    return f"fqn:asc_index.{layer}" + (" resource_type:seed" if layer == "staging" else "")


def build_arguments() -> list[str]:
    """Arguments of `dbt build` for one layer: a test runs once all it looks at is built; unit tests are for `make test`."""
    return ["build", "--indirect-selection", "buildable", "--exclude-resource-type", "unit_test"]


def manifest_path(settings: Settings) -> Path:
    return settings.dbt_target_dir / "manifest.json"


def prepare(settings: Settings) -> bool:
    """Parse the dbt project unless the manifest is of the same files; return whether it parsed.

    RuntimeError with dbt's own words if the project does not parse.
    """
    fingerprint = _fingerprint(settings)
    stamp = settings.dbt_target_dir / "manifest.fingerprint"
    if manifest_path(settings).exists() and stamp.exists() and stamp.read_text() == fingerprint:
        return False
    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    done = run_dbt(settings, ["parse", "--quiet"])
    if done.returncode != 0:
        raise RuntimeError(f"The dbt project does not parse:\n{done.stdout}{done.stderr}")
    stamp.write_text(fingerprint)
    return True


def run_dbt(settings: Settings, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """dbt in a process of its own with the project's settings, its output captured."""
    return subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *arguments],
        cwd=settings.dbt_project_dir, env={**os.environ, **settings.dbt_environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def _fingerprint(settings: Settings) -> str:
    digest = hashlib.sha256(str(settings.build_dir).encode())
    for path in sorted(settings.dbt_project_dir.rglob("*")):
        if path.suffix in _PARSED and path.is_file() and "target" not in path.parts:
            digest.update(str(path.relative_to(settings.dbt_project_dir)).encode() + path.read_bytes())
    return digest.hexdigest()
