"""What is held, missing, reissued or failing, by source and edition: what `asc sources` prints and a run without a network says."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import pandas as pd

from orchestration.acquisition import store
from orchestration.sources.model import sources

COLUMNS: Final = (
    "source",
    "edition",
    "financial_year",
    "state",
    "failing_since",
    "attempts_failed",
    "detail",
    "maturity",
    "licence",
)


def statuses(raw_dir: Path, embedded: pd.DataFrame) -> pd.DataFrame:
    """One row an edition, columns COLUMNS. `embedded` is the table of embedded editions (source, edition).

    State: held, reissued (more than one issue held), embedded (no file, but its figures are embedded), missing. `failing_since` is the time
    of the first attempt that failed since the last that did not, and `detail` its reason or what to do.
    """
    attempts: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in store.outcomes(raw_dir):
        attempts[row["source"], row["edition"]].append(row)
    known = set(embedded[["source", "edition"]].itertuples(index=False, name=None))
    rows = []
    for source in sources().values():
        for name, edition in source.editions.items():
            issues = store.held(raw_dir, source.source, name)
            failures = _failing(attempts[source.source, name])
            state = (
                "reissued"
                if len(issues) > 1
                else "held"
                if issues
                else "embedded"
                if (source.source, name) in known
                else "missing"
            )
            detail = f"{len(issues)} issues held, the newest of {issues[-1].sidecar['at'][:10]}" if len(issues) > 1 else ""
            if failures:
                detail = failures[-1]["reason"]
            elif state == "missing":
                by_hand = f"asc import FILE --source {source.source} --year {edition.financial_year}"
                detail = f"asc fetch {source.source}" if edition.can_be_fetched else f"no address is known: {by_hand}"
            rows.append(
                (
                    source.source,
                    name,
                    edition.financial_year,
                    state,
                    failures[0]["at"] if failures else "",
                    len(failures),
                    detail,
                    edition.maturity,
                    source.licence,
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _failing(attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The attempts that failed since the last that did not."""
    failing: list[dict[str, Any]] = []
    for attempt in attempts:
        failing = [*failing, attempt] if attempt["result"] == "failed" else []
    return failing
