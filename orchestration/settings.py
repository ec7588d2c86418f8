"""Every setting of the project, read once from `ASC_*` environment variables.

dbt reads the same values: `dbt_environment` is handed to each dbt process, and `dbt_project/profiles.yml` names the same
variables with the same defaults. What belongs here: paths, switches, sizes. What does not: anything about the index itself.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where things are. Every field can be set as `ASC_<FIELD>`; tests pass values instead of patching."""

    model_config = SettingsConfigDict(env_prefix="ASC_", extra="ignore")

    figures_dir: Path = Field(default=PROJECT_ROOT / "data" / "figures", description="Embedded published figures (tracked).")
    raw_dir: Path = Field(
        default=PROJECT_ROOT / "data" / "raw", description="Publishers' files as they came, with a sidecar each."
    )
    data: Literal["embedded", "publishers"] = Field(
        default="embedded",
        description="publishers: fetch publishers' files and read those held, with embedded figures for what they do not have.",
    )
    mirror: str | None = Field(
        default=None, description="A folder or an address with the publishers' paths, asked in place of the publishers."
    )
    notify: str | None = Field(default=None, description="An https address that is told, as JSON, of a run that failed.")
    build_dir: Path = Field(default=PROJECT_ROOT / "data" / "build", description="The workbench; nobody queries it.")
    releases_dir: Path = Field(
        default=PROJECT_ROOT / "data" / "releases", description="Published releases; `current` points to one."
    )
    expectations_dir: Path = Field(default=PROJECT_ROOT / "expectations", description="Expectation suites, a YAML file each.")
    dbt_project_dir: Path = Field(default=PROJECT_ROOT / "dbt_project", description="The dbt project.")
    definitions_dir: Path | None = Field(
        default=None,
        description="A folder with a user's own index_definitions.csv, and measure_weights.csv, domain_weights.csv if they have own weights.",
    )
    replications: int = Field(default=1024, ge=1, description="Replications from which the uncertainty of ranks is told.")
    sensitivity_samples: int = Field(
        default=256,
        ge=256,
        description="Base samples of the sensitivity study, a power of two; it computes as many for each factor.",
    )
    seed: int = Field(default=20261123, ge=0, description="Seed of every draw: the same seed gives the same bytes.")
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, description="Threads that share the simulations.")
    given_data_dir: Path = Field(
        default=PROJECT_ROOT.parent / "shared" / "data",
        description="Publishers' files and tidy figures that `asc figures compile` reads. May be absent.",
    )

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file dbt builds; one writer at a time."""
        return self.build_dir / "warehouse.duckdb"

    @property
    def dbt_target_dir(self) -> Path:
        """Compiled dbt artefacts, manifest.json among them."""
        return self.build_dir / "dbt"

    @property
    def dbt_environment(self) -> dict[str, str]:
        """The variables that `dbt_project/profiles.yml` and dbt itself read."""
        return {
            "ASC_BUILD_DIR": str(self.build_dir),
            "DBT_PROFILES_DIR": str(self.dbt_project_dir),
            "DBT_PROJECT_DIR": str(self.dbt_project_dir),
            "DBT_TARGET_PATH": str(self.dbt_target_dir),
            "DBT_LOG_PATH": str(self.build_dir / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_VERSION_CHECK": "false",
        }


@cache
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
