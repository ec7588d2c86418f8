"""Addresses of pages within the site, relative, so that it opens from a folder. `root` is the way up to the site's first page."""

from __future__ import annotations


def council_href(history: str, root: str = "") -> str:
    """A council's page is named by the code that its history is kept under."""
    return f"{root}councils/{history}.html"


def measure_href(measure_id: str, root: str = "") -> str:
    return f"{root}measures/{measure_id}.html"


def league_href(definition: str, year: str, root: str = "") -> str:
    return f"{root}league/{definition}-{year}.html"


def weights_href(year: str, root: str = "") -> str:
    return f"{root}weights/{year}.html"
