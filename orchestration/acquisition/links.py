"""Links of a web page: what publishers without an API have instead of one."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin, urlsplit

DATA: Final = (".csv", ".xlsx", ".xls", ".ods", ".zip")


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def links_of(page: bytes, address: str) -> list[str]:
    """Addresses of data files that a page links to, in order, each once, made whole from the page's own address."""
    parser = _Links()
    parser.feed(page.decode("utf-8", errors="replace"))
    whole = (urljoin(address, link.strip()) for link in parser.found)
    return list(dict.fromkeys(link for link in whole if urlsplit(link).path.lower().endswith(DATA)))
