"""dbt in this process: parse the project once, build one layer, and hand the warehouse file back.

dbt takes seconds to import, so one process imports it once for all three layers. It is imported inside functions: loading the
code location must not pay for it. After each call the DuckDB file is closed, because an open writer keeps every reader out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.settings import Settings

LAYERS = ("staging", "intermediate", "marts")
_PARSED = (".sql", ".yml", ".csv")


class DbtError(RuntimeError):
    """dbt did not parse or build; the text names each node that failed, with dbt's message."""


@dataclass(frozen=True)
class NodeResult:
    """What came of one dbt node. `kind` is model, seed, test or unit_test; `status` is dbt's word."""

    unique_id: str
    name: str
    kind: str
    schema: str
    status: str
    message: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.status in {"success", "pass", "warn"}


def layer_selection(layer: str) -> list[str]:
    """What dbt selects for a layer: its models, and with staging the seeds. ValueError for another word."""
    if layer not in LAYERS:
        raise ValueError(f"no layer {layer!r}; there are {', '.join(LAYERS)}")
    return [f"fqn:asc_index.{layer}"] + (["resource_type:seed"] if layer == "staging" else [])


def build_arguments(layer: str) -> list[str]:
    """Arguments of `dbt build` for one layer: a test runs once all it looks at is built; unit tests are for `make test`."""
    return [
        "build", "--indirect-selection", "buildable", "--exclude-resource-type", "unit_test", "--select", *layer_selection(layer)
    ]  # fmt: skip


def build_layer(settings: Settings, layer: str) -> list[NodeResult]:
    """Build the models and run the tests of one layer; returns a result for each node, failed ones included."""
    return run_dbt(settings, build_arguments(layer))


def run_dbt(settings: Settings, arguments: list[str]) -> list[NodeResult]:
    """One dbt command. DbtError if dbt itself could not run; nodes that failed are returned, not raised."""
    with _environment(settings.dbt_environment):
        from dbt.cli.main import dbtRunner

        try:
            done = dbtRunner().invoke(["--quiet", *arguments])
        finally:
            _close_warehouse()
    if done.exception is not None:
        raise DbtError(f"dbt could not run: {done.exception}")
    results: list[Any] = getattr(done.result, "results", [])
    return [
        NodeResult(
            r.node.unique_id, r.node.name, str(r.node.resource_type), r.node.schema, str(r.status), str(r.message or ""), r.execution_time
        )
        for r in results
    ]  # fmt: skip


def failure_text(results: list[NodeResult]) -> str:
    """Each failed node with dbt's message; skipped ones are only counted."""
    failed = [r for r in results if not r.ok and r.status != "skipped"]
    skipped = sum(r.status == "skipped" for r in results)
    lines = [f"{r.kind} {r.name}: {r.message.strip()}" for r in failed]
    return "\n".join(lines) + (f"\n{skipped} nodes that need them were skipped" if skipped else "")


def manifest_path(settings: Settings) -> Path:
    """Where `prepare` leaves the parsed project."""
    return settings.dbt_target_dir / "manifest.json"


def prepare(settings: Settings) -> bool:
    """Parse the dbt project unless the manifest is of the same files; return whether it parsed. DbtError if it does not parse."""
    fingerprint = _fingerprint(settings)
    stamp = settings.dbt_target_dir / "manifest.fingerprint"
    if manifest_path(settings).exists() and stamp.exists() and stamp.read_text() == fingerprint:
        return False
    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    run_dbt(settings, ["parse"])
    stamp.write_text(fingerprint)
    return True


def _fingerprint(settings: Settings) -> str:
    digest = hashlib.sha256(str(settings.build_dir).encode())
    for path in sorted(settings.dbt_project_dir.rglob("*")):
        if path.suffix in _PARSED and path.is_file() and "target" not in path.parts:
            digest.update(str(path.relative_to(settings.dbt_project_dir)).encode() + path.read_bytes())
    return digest.hexdigest()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _close_warehouse() -> None:
    """dbt-duckdb keeps its connection for the life of the process; give the file back."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    manager: Any = DuckDBConnectionManager
    if manager._ENV is not None:
        manager._ENV.close()
        manager.close_all_connections()
