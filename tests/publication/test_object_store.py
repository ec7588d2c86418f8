"""A release in a folder and in an S3-compatible store, which is a real server on this machine: whole or not there, and opened from afar."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import duckdb
import pytest
from moto.server import ThreadedMotoServer

from orchestration.publication import object_store
from orchestration.publication.object_store import SharingError, attach_stored, load_extensions, to_store, use_object_stores
from orchestration.publication.release import _signed
from orchestration.publication.sharing import attach_lake, share_release, snapshots, to_lake
from tests.conftest import Released

pytestmark = pytest.mark.slow
READERS, PUBLICATIONS = 8, 4


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def keys(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    given = {
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "AWS_REGION": "eu-west-2",
        "AWS_ENDPOINT_URL": endpoint,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


@pytest.fixture
def bucket(keys: dict[str, str], request: pytest.FixtureRequest) -> str:
    """A bucket of its own for each test."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": keys["AWS_REGION"]})
    return f"s3://{name}/index"


def numbered(folder: Path, number: int) -> Path:
    """A small release that has its number in two tables, signed."""
    made = folder / f"release-{number}"
    made.mkdir(parents=True)
    with duckdb.connect(str(made / "asc.duckdb")) as db:
        db.execute("create schema marts")
        for table in ("one", "other"):
            db.execute(f"create table marts.{table} as select {number} as number from range(200000)")
    files = {file.name: _signed(file) for file in made.iterdir()}
    (made / "manifest.json").write_text(json.dumps({"tables": {"one": 200000, "other": 200000}, "files": files}))
    return made


def everything(db: duckdb.DuckDBPyConnection, database: str) -> dict[str, tuple[object, ...]]:
    """Rows and a hash of every table, whatever their order."""
    names = db.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = 'marts' order by 1", [database]
    ).fetchall()
    return {
        name: db.execute(f"select count(*), sum(hash(t)) from {database}.marts.{name} as t").fetchone() or () for (name,) in names
    }


def test_every_mart_is_read_from_the_store_as_it_is_here_and_cannot_be_written(released: Released, bucket: str) -> None:
    assert to_store(released.release, bucket)
    assert not to_store(released.release, bucket)
    with duckdb.connect() as db:
        assert attach_stored(db, bucket, name="there") == released.release.name
        db.execute(f"attach '{released.release / 'asc.duckdb'}' as here (read_only)")
        there = everything(db, "there")
        assert len(there) > 40
        assert there == everything(db, "here")
        with pytest.raises(duckdb.Error, match="read-only"):
            db.execute("create table there.marts.mine as select 1")
    stored = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket.split("/")[2], Prefix="index/")
    files = {o["Key"]: o["Size"] for page in stored for o in page["Contents"] if not o["Key"].endswith("/")}
    here = {
        f"index/{released.release.name}/{p.relative_to(released.release).as_posix()}": p.stat().st_size
        for p in released.release.rglob("*")
        if p.is_file()
    }
    assert files == here | {"index/current": len(released.release.name) + 1}


def test_a_release_opens_over_plain_http(tmp_path: Path, bucket: str, endpoint: str) -> None:
    to_store(numbered(tmp_path, 1), bucket)
    with duckdb.connect() as db:
        load_extensions(db, "httpfs")
        db.execute(f"attach '{endpoint}/{bucket.removeprefix('s3://')}/release-1/asc.duckdb' as there (read_only)")
        assert db.execute("select count(*), max(number) from there.marts.one").fetchone() == (200000, 1)


def test_readers_find_one_whole_release_while_others_come(tmp_path: Path, bucket: str) -> None:
    made = [numbered(tmp_path, n) for n in range(PUBLICATIONS)]
    to_store(made[0], bucket)
    stop, mixed, errors, seen = threading.Event(), [], [], [set[int]() for _ in range(READERS)]

    def read(place: int) -> None:
        try:
            while not stop.is_set():
                with duckdb.connect() as db:
                    name = attach_stored(db, bucket)
                    found = db.execute(
                        "select (select min(number) from release.marts.one), (select max(number) from release.marts.other)"
                    ).fetchone()
                if found is None or name != f"release-{found[0]}" or found[0] != found[1]:
                    mixed.append((name, found))
                else:
                    seen[place].add(found[0])
        except (duckdb.Error, SharingError) as error:
            errors.append(str(error))

    readers = [threading.Thread(target=read, args=(place,)) for place in range(READERS)]
    for reader in readers:
        reader.start()
    for release in made[1:]:
        to_store(release, bucket)
    stop.set()
    for reader in readers:
        reader.join(60)
    assert (errors, mixed) == ([], [])
    assert all(seen)
    with duckdb.connect() as db:
        assert attach_stored(db, bucket) == made[-1].name
        assert attach_stored(db, bucket, "release-0", name="earlier") == "release-0"
        assert db.execute("select max(number) from earlier.marts.other").fetchone() == (0,)


def test_a_store_that_goes_away_half_way_keeps_the_release_before(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_store(numbered(tmp_path, 1), bucket)
    second = numbered(tmp_path, 2)

    def broken(source: object, target: object, size: int) -> None:
        raise OSError("connection reset by peer")

    monkeypatch.setattr(object_store.shutil, "copyfileobj", broken)
    with pytest.raises(
        SharingError, match=r"^Release release-2 could not be taken to s3://.*reset by peer. `current` there stays\.$"
    ):
        to_store(second, bucket)
    with duckdb.connect() as db:
        assert attach_stored(db, bucket) == "release-1"


def test_what_came_across_shorter_is_not_made_current(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    to_store(numbered(tmp_path, 1), bucket)
    second, whole = numbered(tmp_path, 2), shutil.copyfileobj
    monkeypatch.setattr(object_store.shutil, "copyfileobj", lambda source, target, size: target.write(source.read()[:-1]))
    with pytest.raises(SharingError, match=r"has other bytes of asc.duckdb than release release-2. `current` there stays\.$"):
        to_store(second, bucket)
    monkeypatch.setattr(object_store.shutil, "copyfileobj", whole)
    with duckdb.connect() as db:
        assert attach_stored(db, bucket) == "release-1"
    assert to_store(second, bucket)  # over what is left of the attempt
    with duckdb.connect() as db:
        assert attach_stored(db, bucket) == "release-2"


def test_a_release_that_was_changed_is_not_copied(tmp_path: Path) -> None:
    made = numbered(tmp_path, 1)
    with (made / "asc.duckdb").open("ab") as file:
        file.write(b"x")
    with pytest.raises(SharingError, match=r"is not as it was published: asc.duckdb has .* It was not copied\."):
        to_store(made, str(tmp_path / "store"))
    assert not (tmp_path / "store").exists()


def test_a_folder_does_as_well(tmp_path: Path) -> None:
    store = str(tmp_path / "shared")
    assert to_store(numbered(tmp_path, 1), store)
    assert to_store(numbered(tmp_path, 2), store)
    assert not to_store(tmp_path / "release-2", store)
    with duckdb.connect() as db:
        assert attach_stored(db, store) == "release-2"
        assert db.execute("select max(number) from release.marts.one").fetchone() == (2,)
    assert sorted(p.name for p in (tmp_path / "shared").iterdir()) == ["current", "release-1", "release-2"]


def test_a_store_without_a_release_and_one_that_does_not_answer_are_sentences(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, released: Released
) -> None:
    with duckdb.connect() as db:
        with pytest.raises(SharingError, match=r"There is no release at s3://.*run `asc share`"):
            attach_stored(db, bucket)
        to_store(numbered(tmp_path, 1), bucket)
        with pytest.raises(SharingError, match="Release release-7 cannot be opened at s3://"):
            attach_stored(db, bucket, "release-7")
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        with pytest.raises(SharingError, match="does not answer") as told:
            attach_stored(db, bucket)
    assert "a-secret" not in str(told.value)
    with pytest.raises(SharingError, match="could not be taken to s3://") as told:
        share_release(released.settings.model_copy(update={"store": bucket}), released.release)
    assert "a-secret" not in str(told.value)


def test_a_lake_has_its_data_in_the_store(released: Released, bucket: str, tmp_path: Path) -> None:
    catalogue, data = str(tmp_path / "catalogue.ducklake"), bucket.replace("/index", "/lake/")
    assert to_lake(released.release, catalogue, data).is_new
    with duckdb.connect() as db:
        use_object_stores(db)
        load_extensions(db, "ducklake")
        attach_lake(db, catalogue, data, read_only=True)
        db.execute(f"attach '{released.release / 'asc.duckdb'}' as here (read_only)")
        assert [name for _, name in snapshots(db)] == [released.release.name]
        for table in ("productivity_ranking", "fct_measure_value", "rank_uncertainty"):
            there = db.execute(f"select count(*), sum(hash(t)) from lake.marts.{table} as t").fetchone()
            assert there == db.execute(f"select count(*), sum(hash(t)) from here.marts.{table} as t").fetchone()
    held = boto3.client("s3").list_objects_v2(Bucket=bucket.split("/")[2], Prefix="lake/")
    assert held["KeyCount"] > 40


def test_asc_share_takes_the_release_there(released: Released, bucket: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASC_")} | {
        "ASC_BUILD_DIR": str(released.settings.build_dir),
        "ASC_RELEASES_DIR": str(released.settings.releases_dir),
        "ASC_STORE": bucket,
    }
    done = subprocess.run(
        [str(Path(sys.executable).parent / "asc"), "share"], check=False, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{bucket}: ")
    assert f"tables of release {released.release.name}" in done.stdout
    with duckdb.connect() as db:
        assert attach_stored(db, bucket) == released.release.name
