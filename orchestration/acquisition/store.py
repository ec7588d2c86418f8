"""The raw folder: every edition's file with a sidecar, reissues beside the first, and a row for each attempt.

    data/raw/<source>/<edition>/<file>           the bytes
    data/raw/<source>/<edition>/<file>.json      address, hash, size, headers, time, and how it came
    data/raw/outcomes.jsonl                      one line for each attempt, fetched or not

A file is never overwritten: other bytes for an edition that is held are a reissue, kept under their hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from orchestration.acquisition.download import Outcome

SIDECAR: Final = ".json"
OUTCOMES: Final = "outcomes.jsonl"
Kept = Literal["new", "same", "reissue", "withdrawn"]


@dataclass(frozen=True)
class Held:
    """A file that is held, with what its sidecar says."""

    source: str
    edition: str
    path: Path
    sidecar: dict[str, Any]

    @property
    def sha256(self) -> str:
        return str(self.sidecar["sha256"])

    @property
    def is_reissue(self) -> bool:
        return bool(self.sidecar.get("reissue_of"))


class StoreError(ValueError):
    """The raw folder is not as it was left; the text names the file and what to do."""


def folder_of(raw_dir: Path, source: str, edition: str) -> Path:
    return raw_dir / source / edition


def held(raw_dir: Path, source: str, edition: str) -> list[Held]:
    """The issues held of an edition, the oldest first. StoreError if a file's bytes are no longer those of its sidecar."""
    found = []
    for sidecar in folder_of(raw_dir, source, edition).glob(f"*{SIDECAR}"):
        path = sidecar.with_name(sidecar.name.removesuffix(SIDECAR))
        try:
            said = json.loads(sidecar.read_text(encoding="utf-8"))
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except (OSError, ValueError) as error:
            raise StoreError(f"{sidecar}: the file or what is said of it cannot be read ({error}). {_mend(path)}") from None
        if digest != said["sha256"]:
            raise StoreError(f"{path}: the file is not the one that came (its hash is another). {_mend(path)}")
        found.append(Held(source, edition, path, said))
    return sorted(found, key=lambda h: (h.sidecar["number"], h.path.name))


def newest(raw_dir: Path, source: str, edition: str) -> Held | None:
    """The issue to read, if any is held."""
    issues = held(raw_dir, source, edition)
    return issues[-1] if issues else None


def keep(
    raw_dir: Path, issue: tuple[str, str, str], arrived: Path, outcome: Outcome, *, how: str, account: Mapping[str, Any]
) -> tuple[Held, Kept]:
    """Take a file that arrived into the store; returns it and what it is: new, same, reissue, or withdrawn.

    `issue` is source, edition and the file's name; `arrived` lies on the same disk as the store and is moved. The same bytes as any issue
    held are dropped; other bytes stand beside it under their hash. The bytes of an issue that is not the newest mean that what came after
    was withdrawn: that issue is the newest again. `how` is fetched or imported; `account` is what reading the file read and passed over.
    """
    source, edition, name = issue
    issues = held(raw_dir, source, edition)
    same = next((one for one in issues if one.sha256 == outcome.sha256), None)
    if same is not None:
        arrived.unlink()
        if same.sha256 == issues[-1].sha256:
            return same, "same"
        again = {
            **same.sidecar,
            "number": issues[-1].sidecar["number"] + 1,
            "again_at": outcome.at,
            "withdrew": issues[-1].sha256,
        }
        _write_sidecar(same.path, again)
        return Held(source, edition, same.path, again), "withdrawn"
    target = folder_of(raw_dir, source, edition) / name
    said: dict[str, Any] = {
        "source": source,
        "edition": edition,
        "how": how,
        "address": outcome.address,
        "sha256": outcome.sha256,
        "size_bytes": outcome.size_bytes,
        "headers": dict(outcome.headers),
        "at": outcome.at,
        "number": issues[-1].sidecar["number"] + 1 if issues else 1,
        "account": dict(account),
    }
    if issues:
        target = target.with_name(f"{target.stem}.{outcome.sha256[:8]}{target.suffix}")
        said["reissue_of"] = issues[-1].sha256
    target.parent.mkdir(parents=True, exist_ok=True)
    # The bytes first: a file without a sidecar is not held, a sidecar without its file would be an error.
    arrived.replace(target)
    _write_sidecar(target, said)
    return Held(source, edition, target, said), "reissue" if issues else "new"


def _write_sidecar(path: Path, said: dict[str, Any]) -> None:
    """What is said of a file, aside and renamed."""
    sidecar = path.with_name(path.name + SIDECAR)
    aside = sidecar.with_name(sidecar.name + ".part")
    aside.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    aside.replace(sidecar)


def arriving(raw_dir: Path, source: str, edition: str) -> Path:
    """Where a file of an edition may arrive before it is kept or dropped: on the store's own disk, seen by nobody."""
    raw_dir.mkdir(parents=True, exist_ok=True)
    return raw_dir / f".arriving-{source}-{edition}".replace(" ", "_")


def log_outcome(raw_dir: Path, row: dict[str, Any]) -> None:
    """Append one attempt to `outcomes.jsonl`."""
    raw_dir.mkdir(parents=True, exist_ok=True)
    with (raw_dir / OUTCOMES).open("a", encoding="utf-8") as log:
        log.write(json.dumps(row) + "\n")


def outcomes(raw_dir: Path) -> Iterator[dict[str, Any]]:
    """Every attempt so far, the oldest first. A last line that was cut short by a crash is passed over."""
    path = raw_dir / OUTCOMES
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _mend(path: Path) -> str:
    return f"Delete it with {path.name}{SIDECAR} and fetch or import it again."
