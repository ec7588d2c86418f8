"""Is there anything new? Files that publishers' pages list now and did not list when they were last looked at.

GOV.UK is asked through its content API, other publishers by the links of their pages. "Could not look" is not "nothing new": it is
reported, and what was known of that page stays known.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

from orchestration.acquisition.download import Limits, RefusedError, host_of
from orchestration.acquisition.fetch import CONTENT_API, Fetcher, attachments
from orchestration.acquisition.links import links_of
from orchestration.sources.model import Source

Seen = dict[str, list[str]]
"""Page -> addresses of the files it listed."""

LOOK_LIMITS: Final = Limits(connect_seconds=4, read_seconds=6, total_seconds=8, bytes=20_000_000, attempts=1)
"""For a page that is looked at again tomorrow: nobody waits for one that is slow."""
LOOK_SECONDS: Final = 9.0
"""For all pages together, whatever the servers do."""
NAMED: Final = 3
"""How many pages or files a sentence names."""


@dataclass
class Looked:
    """What a look at the pages found: all that is listed now, what is new since the last look, pages that could not be looked at and why."""

    seen: Seen = field(default_factory=dict)
    new: Seen = field(default_factory=dict)
    blind: dict[str, str] = field(default_factory=dict)

    @property
    def saw_nothing(self) -> bool:
        """Whether no page at all could be looked at."""
        return bool(self.blind) and not self.seen

    @property
    def sentence(self) -> str:
        """For a person, short however much there is: what is new, then what could not be seen, by the reason."""
        pages = len(self.blind) + len(self.seen)
        files = [file for listed in self.new.values() for file in listed]
        if self.saw_nothing:
            parts = [f"could not look: none of {pages} pages could be reached, so nothing is known of new editions"]
        else:
            parts = [f"{len(files)} new files: {_some(files)}" if files else "nothing new"]
            if self.blind:
                parts.append(f"could not look at {len(self.blind)} of {pages} pages")
        hosts: dict[str, list[str]] = defaultdict(list)
        for page, reason in self.blind.items():
            hosts[host_of(page)].append(reason)
        parts += (
            [_some([f"{host} ({len(reasons)}): {reasons[0][:120]}" for host, reasons in sorted(hosts.items())])] if hosts else []
        )
        return "; ".join(parts)


def _some(things: list[str]) -> str:
    return ", ".join(things[:NAMED]) + (f" and {len(things) - NAMED} more" if len(things) > NAMED else "")


def look(sources: Mapping[str, Source], before: Seen, fetcher: Fetcher, seconds: float = LOOK_SECONDS) -> Looked:
    """Look at every page the sources name, hosts beside each other, and be back within `seconds`.

    A page looked at for the first time has nothing new: all it lists is where to begin. A host that gives no answer to one page is not
    asked for the others. A page that is not there in time counts as one that could not be looked at.
    """
    found = Looked()
    by_host: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for address, is_api in sorted(_pages(sources).items()):
        by_host[host_of(address)].append((address, is_api))
    until = time.monotonic() + seconds
    answers: dict[str, list[str] | str] = {}
    pool = ThreadPoolExecutor(max_workers=max(len(by_host), 1), thread_name_prefix="look")
    waiting: list[Future[None]] = [pool.submit(_look_at_host, pages, fetcher, until, answers) for pages in by_host.values()]
    wait(waiting, timeout=seconds)
    pool.shutdown(wait=False, cancel_futures=True)  # what is still on its way ends by its own limits, and nobody reads it
    came = dict(answers)
    for address, _ in sorted(page for pages in by_host.values() for page in pages):
        answer = came.get(address, f"no answer within {seconds:g} seconds")
        if isinstance(answer, str):
            found.blind[address] = answer
            continue
        found.seen[address] = answer
        fresh = sorted(set(answer) - set(before.get(address, answer)))
        if fresh:
            found.new[address] = fresh
    return found


def _look_at_host(pages: list[tuple[str, bool]], fetcher: Fetcher, until: float, answers: dict[str, list[str] | str]) -> None:
    """Pages of one host, one after the other: what each lists, or why it could not be looked at."""
    silent = ""
    for address, is_api in pages:
        if silent or time.monotonic() > until:
            answers[address] = silent or "there was no time left for it"
            continue
        try:
            answer = fetcher.page(address)
            answers[address] = sorted(set(_listed(answer, address) if is_api else links_of(answer, address)))
        except RefusedError as error:
            answers[address] = str(error).removeprefix(f"{address} could not be looked at: ")
            silent = str(error) if fetcher.was_silent(address) else ""
        except Exception as error:  # whatever a page holds, the others are looked at
            answers[address] = f"what it holds cannot be read: {type(error).__name__}"


def remembered(before: Seen, looked: Looked) -> Seen:
    """What to remember for the next look: pages seen now as they are, pages that could not be looked at as they were."""
    return {**{page: files for page, files in before.items() if page in looked.blind}, **looked.seen}


def _listed(answer: bytes, address: str) -> list[str]:
    return [urljoin("https://www.gov.uk/", str(a["url"])) for a in attachments(answer, address) if "url" in a]


def _pages(sources: Mapping[str, Source]) -> dict[str, bool]:
    """Every page to look at, and whether it is an answer of the content API."""
    pages: dict[str, bool] = {}
    for source in sources.values():
        for edition in source.editions.values():
            if edition.content_path:
                pages[CONTENT_API + edition.content_path] = True
            elif edition.page:
                pages[edition.page] = False
        if not source.landing_page.startswith("https://www.gov.uk/"):
            pages[source.landing_page] = False
    return pages
