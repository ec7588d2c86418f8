"""What a reading read and passed over, against the edition before: a sentence for a person where much is gone or new."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from orchestration.acquisition import store
from orchestration.sources.model import Source

CHANGED: Final = 0.05
"""A count that is so much larger or smaller than the edition before is said; councils come and go by one or two in 150."""
COUNTED: Final = {"figures": "figures", "rows_read": "rows read", "sheets_read": "sheets read"}


def against_the_edition_before(source: Source, edition: str, account: Mapping[str, Any], raw_dir: Path) -> str:
    """'figures 7,525, in 2023-24 10,593; ...' where counts differ from those of the last edition of the same layout that is held, else ''."""
    layout = source.editions[edition].layout
    names = [name for name, one in source.editions.items() if one.layout == layout and not one.superseded_by]
    earlier = names[: names.index(edition)] if edition in names else []
    for name in reversed(earlier):
        issue = store.newest(raw_dir, source.source, name)
        before = issue.sidecar.get("account") if issue else None
        if before:
            said = [
                f"{word} {account[key]:,}, in {name} {before[key]:,}"
                for key, word in COUNTED.items()
                if key in account and key in before and abs(account[key] - before[key]) > CHANGED * max(before[key], 1)
            ]
            gone = sorted(set(before.get("passed_over", {})) ^ set(account.get("passed_over", {})))
            return "; ".join([*said, *([f"passed over otherwise: {', '.join(gone)}"] if gone else [])])
    return ""
