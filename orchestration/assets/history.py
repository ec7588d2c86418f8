"""Dagster's history in SQLite files, each opened once a process.

Dagster's own class opens, compiles its statements for, and closes a file for each event, and SQLite writes its log back whenever nobody has the
file open any more: a fifth of a run here, which has some 1,500 events. `.dagster/dagster.yaml` names this class; files and tables are the same.
What belongs here: how the files are opened. What does not: what is written (Dagster), or PostgreSQL (`deploy/dagster.yaml`).
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

FILES_OPEN: Final = 8
"""Files that stay open: the index, the run that goes on, and the runs that somebody looks at."""


class OpenHistory(SqliteEventLogStorage):
    """As SqliteEventLogStorage, with one engine and its connection kept for each file, run or index, until `dispose`."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """`home`: the folder of `dagster.yaml`."""
        return {"home": dg.StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Where Dagster's own class keeps its files, so that histories from before are there."""
        return cls(str(Path(config_value["home"]) / "history" / "runs"), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engines.pop(shard, None) or self._open(shard)
            self._engines[shard] = engine  # the one last used is the last to go
            if len(self._engines) > FILES_OPEN:
                self._engines.pop(next(iter(self._engines))).dispose()
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _open(self, shard: str) -> Engine:
        engine = create_engine(
            self.conn_string_for_shard(shard), pool_size=1, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        )
        event.listen(engine, "connect", _without_waiting_for_the_disk)
        return engine

    def dispose(self) -> None:
        """Close every file."""
        self._close()
        super().dispose()

    def wipe(self) -> None:
        """Delete all history: the files are closed before."""
        self._close()
        super().wipe()

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _without_waiting_for_the_disk(connection: sqlite3.Connection, _: object) -> None:
    """In SQLite's write-ahead mode, which Dagster sets, a power cut can then cost the last events, and never the file."""
    connection.execute("pragma synchronous = normal")
