"""The current release in a folder or an S3-compatible store, whence many machines open it read-only.

    <address>/<release id>/asc.duckdb, CSV, Parquet, manifest.json, site/ …     as in data/releases
    <address>/current                                                          one line: the id of the release that is current

Files go first and `current` last, in one step, so whoever reads it finds that release whole. Keys, region and endpoint are those of the
environment that every tool of S3 reads: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL.
What belongs here: writing there and opening it. What does not: databases (`sharing.py`); deleting old releases, which is a rule of the store.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from orchestration.publication.release import read_manifest, verify

if TYPE_CHECKING:
    import duckdb
    from pyarrow.fs import FileSystem

S3: Final = "s3://"
CURRENT: Final = "current"
AT_ONCE: Final = 4
SECONDS_TO_CONNECT, SECONDS_FOR_AN_ANSWER, ATTEMPTS = 10, 60, 3


class SharingError(RuntimeError):
    """A release could not be taken to a place, or none could be opened there; the text names the place without its password, what it said, and
    what to do or that what was there still is."""


def to_store(release: Path, address: str) -> bool:
    """The release at `address`, a folder or s3://bucket/prefix; returns False if it is the current one there already.

    What was written is held against the manifest by size before `current` names it. SharingError if the release is not as it was signed, or the
    store cannot be written to: `current` there stays.
    """
    wrong = verify(release)
    if wrong:
        raise SharingError(f"Release {release.name} is not as it was published: {wrong[0]}. It was not copied.")
    try:
        system, root = _system(address)
        if _current(system, root) == release.name:
            return False
        files = [
            path
            for path in sorted(release.rglob("*"))
            if path.is_file() and not path.relative_to(release).parts[0].startswith(".")
        ]
        place = f"{root}/{release.name}"
        for folder in sorted({f"{place}/{path.relative_to(release).parent.as_posix()}" for path in files}):
            system.create_dir(folder.removesuffix("/."))

        def write(path: Path) -> None:
            with (
                path.open("rb") as source,
                system.open_output_stream(f"{place}/{path.relative_to(release).as_posix()}") as target,
            ):
                shutil.copyfileobj(source, target, 1 << 20)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(write, files))
        signed: Mapping[str, Mapping[str, object]] = read_manifest(release)["files"]
        found = system.get_file_info([f"{place}/{name}" for name in signed])
        short = [name for (name, file), info in zip(signed.items(), found, strict=True) if info.size != file["bytes"]]
        if short:
            raise SharingError(
                f"{address} has other bytes of {', '.join(short)} than release {release.name}. `current` there stays."
            )
        with system.open_output_stream(f"{root}/{CURRENT}.part") as target:
            target.write(f"{release.name}\n".encode())
        system.move(f"{root}/{CURRENT}.part", f"{root}/{CURRENT}")
    except OSError as error:
        raise SharingError(f"Release {release.name} could not be taken to {address}: {error}. `current` there stays.") from None
    return True


def attach_stored(
    connection: duckdb.DuckDBPyConnection, address: str, release_id: str | None = None, name: str = "release"
) -> str:
    """Attach a release of the store read-only under `name`, the current one for None; returns its id. DuckDB reads only the parts it needs.

    SharingError if there is none, or the store does not answer.
    """
    import duckdb

    try:
        found = release_id or _current(*_system(address))
    except OSError as error:
        raise SharingError(f"{address} does not answer: {error}") from None
    if found is None:
        raise SharingError(f"There is no release at {address}: set ASC_STORE to it and run `asc share`.")
    if address.startswith(S3):
        use_object_stores(connection)
    try:
        connection.execute(f"attach '{_quoted(address.rstrip('/'))}/{_quoted(found)}/asc.duckdb' as {name} (read_only)")
    except duckdb.Error as error:
        raise SharingError(f"Release {found} cannot be opened at {address}: {str(error).splitlines()[0]}") from None
    return found


def use_object_stores(connection: duckdb.DuckDBPyConnection) -> None:
    """Let a connection read and write s3:// addresses, with the keys of the environment. SharingError without `requirements/sharing.txt`."""
    load_extensions(connection, "httpfs")
    given = {
        "key_id": os.environ.get("AWS_ACCESS_KEY_ID"),
        "secret": os.environ.get("AWS_SECRET_ACCESS_KEY"),
        "session_token": os.environ.get("AWS_SESSION_TOKEN"),
        "region": _region(),
    }
    if endpoint := _endpoint():
        given |= {"endpoint": endpoint.netloc, "url_style": "path", "use_ssl": str(endpoint.scheme != "http").lower()}
    listed = ", ".join(f"{name} '{_quoted(value)}'" for name, value in given.items() if value)
    connection.execute(f"create or replace secret of_the_environment (type s3, provider config, {listed})")


def load_extensions(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Extensions of DuckDB from their Python packages, without the network. SharingError without `requirements/sharing.txt`."""
    try:
        from duckdb_extensions import import_extension
    except ImportError as error:
        raise SharingError(
            "Sharing a release needs extensions of DuckDB: .venv/bin/python -m pip install -r requirements/sharing.txt"
        ) from error
    for name in names:
        with _importing:
            if name not in _imported:
                import_extension(name)
                _imported.add(name)
        connection.execute(f"load {name}")


_importing, _imported = Lock(), set[str]()
"""The package puts extensions in place by the one default connection of the process, which threads must not do side by side."""


def _current(system: FileSystem, root: str) -> str | None:
    from pyarrow.fs import FileType

    if system.get_file_info(f"{root}/{CURRENT}").type != FileType.File:
        return None
    with system.open_input_stream(f"{root}/{CURRENT}") as file:
        return str(file.read().decode().strip())


def _system(address: str) -> tuple[FileSystem, str]:
    """The file system of an address and the path in it."""
    from pyarrow import fs

    if not address.startswith(S3):
        folder = Path(address).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return fs.LocalFileSystem(), str(folder)
    endpoint = _endpoint()
    system = fs.S3FileSystem(
        region=_region(),
        endpoint_override=endpoint.netloc if endpoint else None,
        scheme=endpoint.scheme if endpoint else "https",
        connect_timeout=SECONDS_TO_CONNECT,
        request_timeout=SECONDS_FOR_AN_ANSWER,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )
    return system, address.removeprefix(S3).rstrip("/")


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def _endpoint() -> SplitResult | None:
    address = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return urlsplit(address) if address else None


def _quoted(text: str) -> str:
    return text.replace("'", "''")
