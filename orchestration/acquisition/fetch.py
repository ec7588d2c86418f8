"""Fetch editions: find where each is, download what is new, keep it, and log what came of it. Several at a time, few for one host."""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from orchestration.acquisition import store
from orchestration.acquisition.accounts import against_the_edition_before
from orchestration.acquisition.download import Limits, Outcome, RefusedError, download, host_of
from orchestration.acquisition.importing import outcome_of_file
from orchestration.acquisition.isolated import read_isolated
from orchestration.acquisition.likeness import prove_year
from orchestration.acquisition.links import links_of
from orchestration.acquisition.reading import is_table
from orchestration.readers.cells import LayoutError
from orchestration.settings import get_settings
from orchestration.sources.model import Edition, Source

CONTENT_API: Final = "https://www.gov.uk/api/content"
AT_ONCE: Final = 8
PER_HOST: Final = 2
SILENT_AT_MOST: Final = 4
"""Downloads in a row from which a host sent nothing at all, before it is taken to be down; one file that hangs does not make it so."""
DRIPPED_AT_MOST: Final = 2
"""Downloads in a row that used all their time while the host dripped."""


@dataclass(frozen=True)
class Fetched:
    """What came of one edition: the attempt, and whether the file kept is new, same or reissue ('' when nothing came)."""

    source: str
    edition: str
    outcome: Outcome
    kept: str = ""


@dataclass
class Fetcher:
    """Fetches into `raw_dir`, politely: at most PER_HOST at a time from a host, none from a host that is down.

    `mirror` is a folder or an address that holds the publishers' paths, or the files by name in a folder for each source; all is then
    asked of it and nothing of the publishers.
    """

    raw_dir: Path
    limits: Limits = field(default_factory=Limits)
    mirror: str | None = None
    private: bool = False
    """Whether redirects may lead to private addresses or to http."""
    source_seconds: float = 1_800
    run_seconds: float = 7_200
    """What all editions of a source, and all sources together, may take; what is left then is not asked for, and says so."""
    _gates: dict[str, threading.Semaphore] = field(default_factory=lambda: defaultdict(lambda: threading.Semaphore(PER_HOST)))
    _unreachable: dict[str, str] = field(default_factory=dict)
    _silent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _dripped: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _ends: dict[str, float] = field(default_factory=dict)
    _ends_in_all: float = math.inf
    _pages: dict[str, Outcome | bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fetch(self, wanted: Iterable[tuple[Source, str]], report: Callable[[Fetched], None] = lambda _: None) -> list[Fetched]:
        """Fetch editions (source, name) in the order asked for; one that fails leaves the others alone."""

        self._ends_in_all = time.monotonic() + self.run_seconds
        self._ends.clear()

        def one(pair: tuple[Source, str]) -> Fetched:
            source, name = pair
            with self._lock:
                end = min(self._ends.setdefault(source.source, time.monotonic() + self.source_seconds), self._ends_in_all)
            try:
                done = self._one(source, name, end)
            except (OSError, store.StoreError) as error:
                done = Fetched(source.source, name, Outcome("", "failed", f"could not be kept: {error}"))
            with self._lock:
                year = source.editions[name].financial_year
                said = {"source": source.source, "edition": name, "financial_year": year, "kept": done.kept}
                store.log_outcome(self.raw_dir, said | done.outcome.row())
                report(done)
            return done

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            return list(pool.map(one, wanted))

    def _one(self, source: Source, name: str, end: float) -> Fetched:
        edition = source.editions[name]
        arrived = store.arriving(self.raw_dir, source.source, name)
        issue = store.newest(self.raw_dir, source.source, name)
        try:
            outcome = self._download(source, edition, arrived, issue, end)
            if outcome.result != "fetched":
                return Fetched(source.source, name, outcome)
            account: dict[str, Any] = {}
            try:
                reading = read_isolated(source, name, arrived, edition.file_name, self.raw_dir / source.source)
                account = reading.account
                if not is_table(source, name):
                    prove_year(reading.figures, source.source, get_settings().figures_dir, edition.file_name)
            except LayoutError as error:
                if "counts.csv" not in str(error):  # a file that only lacks its dictionary is kept
                    return Fetched(
                        source.source, name, replace(outcome, result="failed", reason=f"came, but cannot be read: {error}")
                    )
            _, kept = store.keep(
                self.raw_dir, (source.source, name, edition.file_name), arrived, outcome, how="fetched", account=account
            )
            if kept in {"new", "reissue"}:
                outcome = replace(outcome, reason=against_the_edition_before(source, name, account, self.raw_dir))
            if kept == "withdrawn":
                outcome = replace(outcome, reason="the publisher went back to an earlier issue, which stands again")
            return Fetched(source.source, name, replace(outcome, result="unchanged") if kept == "same" else outcome, kept)
        except RefusedError as error:
            return Fetched(
                source.source, name, Outcome(edition.content_path or edition.page or edition.address or "", "failed", str(error))
            )
        finally:
            arrived.unlink(missing_ok=True)

    def _download(self, source: Source, edition: Edition, target: Path, issue: store.Held | None, end: float) -> Outcome:
        """From where the edition is; on a mirror, also from the source's folder by the file's name."""
        reason = ""
        try:
            outcome = self._get(self.resolve(edition), target, issue, end=end)
            if outcome.result != "failed" or self.mirror is None:
                return outcome
            reason = outcome.reason
        except RefusedError as error:
            if self.mirror is None:
                raise
            reason = str(error)
        by_name = self._get(f"https://mirror/{source.folder}/{quote(edition.file_name)}", target, issue, end=end)
        return by_name if by_name.result != "failed" else replace(by_name, reason=f"{reason}; {by_name.reason}")

    def resolve(self, edition: Edition) -> str:
        """Where the file is now: by the content API on GOV.UK, by a link on a page elsewhere, because addresses change with a reissue.

        The address given in the source is what is left when the page cannot be looked at. RefusedError, with what is there, when no
        attachment or link matches, or more than one, and when no address is known at all.
        """
        try:
            if edition.content_path:
                found = attachments(self.page(CONTENT_API + edition.content_path), edition.content_path)
                return _the_one(found, edition.title_pattern or "", edition.content_path)
            if edition.page:
                links = [{"url": link} for link in links_of(self.page(edition.page), edition.page)]
                return _the_one(links, edition.link_pattern or "", edition.page)
        except RefusedError:
            if edition.address is None:
                raise
        if edition.address is None:
            raise RefusedError(f"no address is known for {edition.file}: get it by hand, then asc import")
        return edition.address

    def page(self, address: str) -> bytes:
        """A page or an answer of an API, asked for once. RefusedError if it cannot be looked at."""
        with self._lock:
            seen = self._pages.get(address)
        if seen is None:
            name = hashlib.sha256(address.encode()).hexdigest()[:16]
            target = store.arriving(self.raw_dir, "page", f"{name}-{threading.get_ident()}")
            outcome = self._get(address, target, None, pages=True)
            seen = target.read_bytes() if outcome.result == "fetched" else outcome
            target.unlink(missing_ok=True)
            with self._lock:
                self._pages[address] = seen
        if isinstance(seen, bytes):
            return seen
        raise RefusedError(f"{address} could not be looked at: {seen.reason}")

    def was_silent(self, address: str) -> bool:
        """Whether the host gave no answer at all when the page was asked for, so that its other pages need not be."""
        seen = self._pages.get(address)
        return isinstance(seen, Outcome) and seen.status is None and self.mirror_is_no_folder

    @property
    def mirror_is_no_folder(self) -> bool:
        """Whether somebody is asked over a network: a folder that lacks one page may have the next."""
        return self.mirror is None or self.mirror.startswith(("http://", "https://"))

    def _get(
        self, address: str, target: Path, issue: store.Held | None, *, pages: bool = False, end: float = math.inf
    ) -> Outcome:
        """From the publisher, or from the mirror instead, within what is left of the budget.

        What the server said of the issue held is shown to it again only at the address that said so: another server's words mean nothing.
        """
        parts = urlsplit(address)
        if self.mirror is not None and not self.mirror_is_no_folder:
            return _from_folder(Path(self.mirror), parts.path, address, target, pages)
        if self.mirror is not None:
            address = self.mirror.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")
        host = host_of(address)
        with self._lock:
            gate = self._gates[host]
        with gate:
            with self._lock:
                down = self._unreachable.get(host)
            if down:
                return Outcome(address, "failed", f"{host} could not be reached a moment ago: {down}")
            left = min(end, self._ends_in_all) - time.monotonic()
            if left <= 0:
                return Outcome(address, "failed", "not asked for: the time for this source, or for the run, was used up")
            known = dict(issue.sidecar["headers"]) if issue and issue.sidecar["address"] == address else {}
            limits = replace(self.limits, total_seconds=min(self.limits.total_seconds, left))
            outcome = download(address, target, limits, known, pages=pages, private=self.private)
        with self._lock:
            failed = outcome.result == "failed"
            self._silent[host] = self._silent[host] + 1 if failed and outcome.status is None else 0
            self._dripped[host] = self._dripped[host] + 1 if outcome.dripped else 0
            if outcome.unreachable or self._silent[host] >= SILENT_AT_MOST or self._dripped[host] >= DRIPPED_AT_MOST:
                self._unreachable[host] = outcome.reason
        return outcome


def attachments(answer: bytes, path: str) -> list[dict[str, Any]]:
    """The attachments the content API lists for a page. RefusedError if the answer is not described as expected."""
    try:
        found = json.loads(answer)["details"]["attachments"]
        return [{str(k): v for k, v in one.items()} for one in found]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(f"the page {path} is not described as expected: {error!r}") from None


def _the_one(found: Sequence[dict[str, Any]], pattern: str, where: str) -> str:
    matching = {
        str(a["url"])
        for a in found
        if "url" in a and any(re.search(pattern, str(a.get(k, ""))) for k in ("title", "filename", "url"))
    }
    if len(matching) != 1:
        there = "; ".join(str(a.get("title") or a.get("url")) for a in found[:20]) or "none"
        raise RefusedError(f"{len(matching)} files of {where} match {pattern!r}; there are: {there}")
    return urljoin("https://www.gov.uk/", matching.pop())


def _from_folder(folder: Path, path: str, address: str, target: Path, pages: bool) -> Outcome:
    held = folder / unquote(path).lstrip("/")
    if not held.is_file() or not held.resolve().is_relative_to(folder.resolve()):
        return Outcome(address, "failed", f"the mirror has no file {held}")
    shutil.copyfile(held, target)
    return outcome_of_file(target, address, pages=pages)
