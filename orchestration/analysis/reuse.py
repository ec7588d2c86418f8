"""Results of the analysis that are kept from run to run: what is made of the same inputs by the same code is not computed again.

The unit is one year of one definition, under a hash of all that it depends on, so that a run in which one edition changed computes the years that
the edition reaches. What belongs here: the hash, and keeping rows on disk. What does not: which inputs there are (`run.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from orchestration.warehouse.inputs import code_version

PACKAGES: Final = ("numpy", "scipy", "pandas")
FILES_KEPT: Final = 1000
"""Of all runs, the ones last used: 2 kB to 1 MB each, about a hundred and twenty a run."""

Rows = list[dict[str, Any]]
T = TypeVar("T", bound=Hashable)


def fingerprint(*parts: object) -> str:
    """A hash over the whole content of `parts`: dataclasses field by field, arrays with shape and kind, mappings in their order.

    TypeError for anything whose content it does not know how to read: two different inputs must never look the same.
    """
    digest = hashlib.sha256()
    for part in parts:
        _add(digest, part)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, part: object) -> None:
    if isinstance(part, np.generic):
        part = part.item()
    if part is None or isinstance(part, str | int | float | bool):
        digest.update(f"{type(part).__name__} {part!r};".encode())
    elif isinstance(part, np.ndarray):
        digest.update(f"array {part.dtype.str} {part.shape};".encode())
        digest.update(repr(part.tolist()).encode() if part.dtype.hasobject else np.ascontiguousarray(part).tobytes())
    elif is_dataclass(part) and not isinstance(part, type):
        digest.update(f"{type(part).__qualname__};".encode())
        for field in fields(part):
            _add(digest, field.name)
            _add(digest, getattr(part, field.name))
    elif isinstance(part, Mapping):
        digest.update(f"mapping {len(part)};".encode())
        for key, value in part.items():
            _add(digest, key)
            _add(digest, value)
    elif isinstance(part, Set):
        _add(digest, sorted(part))
    elif isinstance(part, Sequence):
        digest.update(f"sequence {len(part)};".encode())
        for one in part:
            _add(digest, one)
    else:
        raise TypeError(f"no fingerprint of a {type(part).__qualname__}: say in {__name__} what it consists of")


class Kept:
    """Tables of rows in a folder, each under its fingerprint and the code, the packages and the machine that made it.

    `read`: whether what is there is taken; it is written in any case.
    """

    def __init__(self, folder: Path, read: bool = True) -> None:
        self._folder, self._read = folder, read
        self._made_by = fingerprint(
            code_version("analysis", "index"),
            {name: version(name) for name in PACKAGES},
            platform.python_version(),
            platform.machine(),
        )

    def complete(
        self, keys: Mapping[T, str], make: Callable[[list[T]], Iterable[tuple[T, Mapping[str, Rows]]]]
    ) -> tuple[int, list[dict[str, Rows]]]:
        """The tables of each of `keys`, in their order, and how many of them `make`, which is asked for those that are not kept, made now."""
        found = {one: tables for one, key in keys.items() if (tables := self.get(key)) is not None}
        wanted = [one for one in keys if one not in found]
        for one, now in make(wanted):
            found[one] = self.put(keys[one], now)
        return len(wanted), [found[one] for one in keys]

    def get(self, key: str) -> dict[str, Rows] | None:
        """The tables under `key`; None if there are none, or the file is not as it was written."""
        path = self._path(key)
        try:
            signed, _, text = path.read_text(encoding="utf-8").partition("\n") if self._read else ("", "", "")
        except (OSError, UnicodeDecodeError):
            return None
        if not signed or hashlib.sha256(text.encode()).hexdigest() != signed:
            return None
        os.utime(path)
        tables: dict[str, Rows] = json.loads(text)
        return tables

    def put(self, key: str, tables: Mapping[str, Rows]) -> dict[str, Rows]:
        """Keep the tables; returns them as `get` will. Rows hold texts, numbers, truth values and None."""
        text = json.dumps(tables, default=_plain)
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}")
        aside.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}", encoding="utf-8")
        aside.replace(path)
        made: dict[str, Rows] = json.loads(text)
        return made

    def forget_the_oldest(self) -> None:
        """Delete all but the FILES_KEPT that were used last."""
        files = sorted(self._folder.glob("*"), key=lambda p: p.stat().st_mtime_ns)
        for old in files[:-FILES_KEPT]:
            old.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{fingerprint(self._made_by, key)}.json"


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a row holds a {type(value).__qualname__}")
