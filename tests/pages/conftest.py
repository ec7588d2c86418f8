"""The site of the release that all tests share, made once; and a release in which a council has a name that is an attack."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.pages.site import SITE, Site, build_site
from tests.conftest import Released

HOSTILE = {
    "E08000035": '<script>document.title="taken"</script>',
    "E08000032": '=HYPERLINK("http://example.org","click")',
    "E06000010": "\"quoted\" & 'single', O\u2019Name</title><img src=x onerror=alert(1)>",
}
"""Code -> a name that is hostile to HTML, to spreadsheets, to attributes."""


@pytest.fixture(scope="session")
def site(released: Released) -> Path:
    """The folder of the site that the whole run made."""
    return released.release / SITE


@pytest.fixture(scope="session")
def hostile(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The same release with three hostile names in the tables that have names."""
    release = tmp_path_factory.mktemp("hostile") / "release"
    release.mkdir()
    shutil.copy(released.release / "manifest.json", release)
    with duckdb.connect(str(release / "asc.duckdb")) as connection:
        connection.execute(f"attach '{released.release / 'asc.duckdb'}' as real (read_only)")
        connection.execute("create schema marts")
        connection.execute("create schema meta")
        for table in ("check_result", "quarantine"):
            connection.execute(f"create table meta.{table} as from real.meta.{table}")
        for (table,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'real' and schema_name = 'marts'"
        ).fetchall():
            connection.execute(f"create table marts.{table} as from real.marts.{table}")
            columns = {row[0] for row in connection.execute(f"describe marts.{table}").fetchall()}
            if {"area_code", "area_name"} <= columns:
                for code, name in HOSTILE.items():
                    connection.execute(f"update marts.{table} set area_name = ? where area_code = ?", [name, code])
        for name, sql in connection.execute(
            "select view_name, sql from duckdb_views() where database_name = 'real' and schema_name = 'marts'"
        ).fetchall():
            assert name
            connection.execute(sql.replace("real.", ""))
    return build_site(release)
