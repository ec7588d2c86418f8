"""Every setting of the project, read once from `ASC_*` environment variables.

dbt reads the same values: `dbt_environment` is handed to each dbt process, and `dbt_project/profiles.yml` names the same
variables with the same defaults. What belongs here: paths, switches, sizes. What does not: anything about the index itself.
"""

from __future__ import annotations

import difflib
import os
import re
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent
BUILD_PREFIX = "build-"
"""How the folder of each build is named inside the workbench."""


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
    private_addresses: bool = Field(
        default=False, description="Whether a publisher may send a download on to a private address, or to one without https."
    )
    notify: str | None = Field(default=None, description="An https address that is told, as JSON, of a run that failed.")

    @field_validator("notify")
    @classmethod
    def _is_safe(cls, value: str | None) -> str | None:
        """https, so that nobody on the way reads the token; plain http only to this machine."""
        if value is not None and not re.match(r"https://|http://(127\.0\.0\.1|localhost|\[::1\])[:/]", value):
            raise ValueError("ASC_NOTIFY must be an https address")
        return value

    look_every_seconds: int = Field(
        default=24 * 60 * 60, ge=30, description="How often the sensor new_editions looks at publishers' pages."
    )
    build_dir: Path = Field(default=PROJECT_ROOT / "data" / "build", description="The workbench; nobody queries it.")
    releases_dir: Path = Field(
        default=PROJECT_ROOT / "data" / "releases", description="Published releases; `current` points to one."
    )
    expectations_dir: Path = Field(default=PROJECT_ROOT / "expectations", description="Expectation suites, a YAML file each.")
    store: str | None = Field(
        default=None,
        description="A folder or an S3-compatible store that every release is copied to: /shared/index or s3://bucket/prefix, with keys and "
        "endpoint in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL.",
    )
    lake_catalogue: str | None = Field(
        default=None,
        description="A DuckLake that every release is taken to: `postgres:dbname=… host=…`, or the path of a file for its catalogue.",
    )
    lake_data: str | None = Field(default=None, description="Where that lake's data is: a shared folder, or s3://….")
    postgres: str | None = Field(
        default=None, description="A PostgreSQL database that every release is taken to: postgresql://user@host/database."
    )
    dbt_project_dir: Path = Field(default=PROJECT_ROOT / "dbt_project", description="The dbt project.")
    definitions_dir: Path | None = Field(
        default=None,
        description="A folder with a user's own index_definitions.csv, and measure_weights.csv, domain_weights.csv if they have own weights.",
    )
    replications: int = Field(
        default=10_000,
        ge=1,
        description="Replications from which the uncertainty of ranks is told; definitions other than default have a quarter.",
    )
    sensitivity_samples: int = Field(
        default=1024,
        ge=256,
        description="Base samples of the sensitivity study, a power of two; it computes as many for each factor.",
    )
    seed: int = Field(default=20261123, ge=0, description="Seed of every draw: the same seed gives the same bytes.")
    reuse: bool = Field(
        default=True,
        description="Take what an earlier analysis made of the same inputs with the same code; `asc run --again` does not.",
    )
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        description="Threads that share the simulations, and processes the pages.",
    )
    given_data_dir: Path = Field(
        default=PROJECT_ROOT.parent / "shared" / "data",
        description="Publishers' files and tidy figures that `asc figures compile` reads. May be absent.",
    )

    @property
    def build_pointer(self) -> Path:
        """The file that names the folder of the build in work. A file and no link: whoever opens a build opens that build for good."""
        return self.build_dir / "in_work"

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file of the build in work; one writer at a time."""
        try:
            name = self.build_pointer.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return self.build_dir / "warehouse.duckdb"
        return self.build_dir / name / "warehouse.duckdb"

    @property
    def dbt_target_dir(self) -> Path:
        """What dbt writes; each of its commands writes it anew."""
        return self.build_dir / "dbt"

    @property
    def prepared_dir(self) -> Path:
        """The compiled project as `prepare` left it, for Dagster and the release."""
        return self.build_dir / "prepared"

    @property
    def dbt_environment(self) -> dict[str, str]:
        """The variables that `dbt_project/profiles.yml` and dbt itself read."""
        return {
            # named as a secret only so that dbt does not parse the project anew for each build's folder
            "DBT_ENV_SECRET_ASC_WAREHOUSE": str(self.warehouse_path),
            "DBT_PROFILES_DIR": str(self.dbt_project_dir),
            "DBT_PROJECT_DIR": str(self.dbt_project_dir),
            "DBT_TARGET_PATH": str(self.dbt_target_dir),
            "DBT_LOG_PATH": str(self.build_dir / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_VERSION_CHECK": "false",
        }


NOT_SETTINGS = {"ASC_DAGSTER_POSTGRES", "ASC_CODE_HOST", "ASC_PASSWORD", "ASC_UPDATE_GOLDEN", "ASC_CHROMIUM", "ASC_EVENTS"}
"""Variables of the service's own files (`deploy/`) and of the tests."""


def misspelt_variables() -> dict[str, list[str]]:
    """Variables of this process that look like settings and are none -> the setting that each is like. A run would go on without them."""
    known = {f"ASC_{name.upper()}" for name in Settings.model_fields}
    return {
        name: difflib.get_close_matches(name, known, n=1)
        for name in sorted(os.environ)
        if name.startswith("ASC_") and name.upper() not in known | NOT_SETTINGS
    }


@cache
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
