"""Files of unknown origin are opened in a child process, with limits on memory and time; a child that dies is an error that names the file.

A small file can ask for more memory than there is (a workbook with two cells far apart, a spreadsheet that repeats itself, a packed
gigabyte), or for more time than anybody has. What that ends is the child.
"""

from __future__ import annotations

import atexit
import multiprocessing
import resource
import threading
from concurrent.futures import TimeoutError as TooLongError
from pathlib import Path
from typing import Final

from pebble import ProcessExpired, ProcessPool

from orchestration.acquisition.reading import Reading, read
from orchestration.readers.cells import LayoutError
from orchestration.sources.model import Source
from orchestration.sources.model import sources as known_sources

MEMORY_BYTES: Final = 1_500_000_000
"""What a child may hold more than it does when it starts. The largest file at hand needs a third of that."""
SECONDS: Final = 120
FILE_BYTES: Final = 300_000_000
CHILDREN: Final = 2

_pool: ProcessPool | None = None
_lock = threading.Lock()


def read_isolated(
    source: Source, edition: str, path: Path, name: str, beside: Path | None = None, *, seconds: float = SECONDS
) -> Reading:
    """What `reading.read` makes of the file at `path`. LayoutError as there, and when the child runs out of memory or time or dies."""
    size = path.stat().st_size
    if size > FILE_BYTES:
        raise LayoutError(f"{name}: it has {size:,} bytes; a file to read may have {FILE_BYTES:,}")
    task = _children().schedule(_read, args=(source, edition, path, name, beside), timeout=seconds)
    try:
        reading: Reading = task.result()
    except MemoryError:
        raise LayoutError(f"{name}: {_TOO_MUCH}") from None
    except TooLongError:
        raise LayoutError(f"{name}: reading it took longer than {seconds:g} seconds and was stopped") from None
    except ProcessExpired as died:
        raise LayoutError(f"{name}: {_TOO_MUCH} (the process that read it ended with {died.exitcode})") from None
    return reading


_TOO_MUCH: Final = f"reading it takes more than {MEMORY_BYTES / 1e9:g} GB of memory; it is not what it seems to be"


def _read(source: Source, edition: str, path: Path, name: str, beside: Path | None) -> Reading:
    return read(source, edition, path.read_bytes(), name, beside)


def _children() -> ProcessPool:
    """The children of this process, started at the first file: each is told its limits, and a new one takes the place of one that died."""
    global _pool  # noqa: PLW0603 - one pool a process, whoever asks first
    with _lock:
        if _pool is None or not _pool.active:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["orchestration.acquisition.reading"])
            _pool = ProcessPool(max_workers=CHILDREN, initializer=_limit, context=context)
            atexit.register(_end)
        return _pool


def _limit() -> None:
    known_sources()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    status = Path("/proc/self/status")
    if status.exists():  # elsewhere than on Linux the limit on time alone stands
        sizes = (line.split() for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmSize:"))
        held = next(int(size) * 1024 for _, size, _ in sizes)
        resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY_BYTES, held + MEMORY_BYTES))


def _end() -> None:
    if _pool is not None and _pool.active:
        _pool.stop()  # type: ignore[no-untyped-call] # pebble has types for all but this
        _pool.join(timeout=5)
