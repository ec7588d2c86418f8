"""Is there anything new? Files that publishers' pages list now and did not list when they were last looked at.

GOV.UK is asked through its content API, other publishers by the links of their pages. "Could not look" is not "nothing new": it is
reported, and what was known of that page stays known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

from orchestration.acquisition.download import RefusedError
from orchestration.acquisition.fetch import CONTENT_API, Fetcher, attachments
from orchestration.acquisition.links import links_of
from orchestration.sources.model import Source

Seen = dict[str, list[str]]
"""Page -> addresses of the files it listed."""


@dataclass
class Looked:
    """What a look at the pages found: all that is listed now, what is new since the last look, pages that could not be looked at and why."""

    seen: Seen = field(default_factory=dict)
    new: Seen = field(default_factory=dict)
    blind: dict[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """For a person."""
        parts = [f"{sum(map(len, self.new.values()))} new files" if self.new else "nothing new"]
        parts += [f"{page}: {', '.join(files)}" for page, files in self.new.items()]
        if self.blind:
            parts.append(f"could not look at {len(self.blind)} of {len(self.blind) + len(self.seen)} pages")
            parts += [f"{page}: {reason}" for page, reason in self.blind.items()]
        return "; ".join(parts)


def look(sources: Mapping[str, Source], before: Seen, fetcher: Fetcher) -> Looked:
    """Look at every page the sources name. A page looked at for the first time has nothing new: all it lists is where to begin."""
    found = Looked()
    for address, is_api in sorted(_pages(sources).items()):
        try:
            answer = fetcher.page(address)
            listed = _listed(answer, address) if is_api else links_of(answer, address)
        except RefusedError as error:
            found.blind[address] = str(error)
            continue
        found.seen[address] = sorted(set(listed))
        fresh = sorted(set(listed) - set(before.get(address, listed)))
        if fresh:
            found.new[address] = fresh
    return found


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
