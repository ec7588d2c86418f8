"""All figures of a run: what publishers' files that are held give, and embedded figures for what they do not.

The rule, for each block of figures (framework, year, period, item, breakdown):
1. a publisher's file stands before the embedded figures, whole: blocks are never mixed, because codes of areas differ between editions;
2. of several files, the edition of the figures' own year stands before editions that repeat it, then the newest, then the order of the
   source file; of a source that is `newest_only` (rebased at every edition) only the newest edition held is read at all;
3. an edition that another superseded (a first release) competes with its like alone: it shows what was revised and is used for nothing else.
Each figure's `provenance` says which it was: `publishers` or `embedded`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from orchestration.acquisition import store
from orchestration.acquisition.isolated import read_isolated
from orchestration.acquisition.likeness import prove_year
from orchestration.acquisition.reading import is_table
from orchestration.figures import EDITION_COLUMNS, FIGURE_COLUMNS, read_all_figures, read_table
from orchestration.readers.cells import LayoutError
from orchestration.readers.discharge_ready_date import item_name, year_sums
from orchestration.sources.model import Source, sources

BLOCK: Final = ["framework", "financial_year", "period", "item", "breakdown"]
EMBEDDED: Final = "embedded"
PUBLISHERS: Final = "publishers"
MEASURES_FILE: Final = "measures.csv"
FIRST: Final = 0
LAST: Final = 100_000_000


@dataclass(frozen=True)
class Gathered:
    """Figures with their provenance, their editions, and files that are held but could not be read (`source edition` -> why)."""

    figures: pd.DataFrame
    editions: pd.DataFrame
    unread: dict[str, str]


def embedded(figures_dir: Path) -> Gathered:
    """The embedded figures alone."""
    return Gathered(read_all_figures(figures_dir).assign(provenance=EMBEDDED), read_table(figures_dir / "editions.csv"), {})


def gather(figures_dir: Path, raw_dir: Path, report: Callable[[str], None] = lambda _: None) -> Gathered:
    """Figures of every file held under `raw_dir`, and embedded ones for the blocks no file has. StoreError if the raw folder was changed."""
    fallback = embedded(figures_dir)
    old = set(
        fallback.editions.loc[fallback.editions["superseded_by"] != "", ["source", "edition"]].itertuples(index=False, name=None)
    )
    is_old = pd.Series(list(zip(fallback.figures["source"], fallback.figures["edition"], strict=True)), dtype=object).isin(
        list(old)
    )
    frames, rows, unread = [fallback.figures.assign(precedence=LAST, is_superseded=is_old)], [], {}
    order = 0
    for source in sources().values():
        for name, issue in _to_read(source, raw_dir):
            order += 1
            try:
                figures = read_isolated(source, name, issue.path, issue.path.name, raw_dir / source.source).figures
                prove_year(figures, source.source, figures_dir, issue.path.name)
            except LayoutError as error:
                unread[f"{source.source} {name}"] = str(error)
                report(f"{source.source} {name}: cannot be read: {error}")
                continue
            year = source.editions[name].financial_year
            frames.append(
                figures.assign(
                    provenance=PUBLISHERS,
                    precedence=[_precedence(y, year, order) for y in figures["financial_year"]],
                    is_superseded=bool(source.editions[name].superseded_by),
                )
            )
            rows.append(edition_row(source, name, issue))
            report(f"{source.source} {name}: {len(figures):,} figures")
        sums = _discharge_years(source, [f for f in frames[1:] if len(f) and f.iloc[0]["source"] == source.source], raw_dir)
        frames += [f.assign(precedence=FIRST, is_superseded=False) for f in sums]
        rows += [edition_row(source, f.iloc[0]["locator"][:7], None) | {"edition": f.iloc[0]["edition"]} for f in sums]
    whole = pd.concat(frames, ignore_index=True)
    stands = whole["precedence"] == whole.groupby([*BLOCK, "is_superseded"])["precedence"].transform("min")
    whole = whole[stands & ~_outdated(whole)].drop(columns=["precedence", "is_superseded"]).reset_index(drop=True)
    return Gathered(*_named_apart(whole, fallback.editions, pd.DataFrame(rows, columns=list(EDITION_COLUMNS))), unread)


def _to_read(source: Source, raw_dir: Path) -> Iterator[tuple[str, store.Held]]:
    found = [
        (name, issue)
        for name in source.editions
        if not is_table(source, name) and (issue := store.newest(raw_dir, source.source, name))
    ]
    yield from found[-1:] if source.newest_only else found


def _precedence(figure_year: str, edition_year: str, order: int) -> int:
    """Smaller stands first: editions of the figure's own year, then the newest, and among equals the order in the sources."""
    return order if figure_year == edition_year else (10_000 - int(edition_year[:4])) * 1_000 + order


def _outdated(figures: pd.DataFrame) -> pd.Series:
    """Embedded figures of a source that is read only whole, when a publisher's edition of it is held."""
    held = set(figures.loc[figures["provenance"] == PUBLISHERS, "source"])
    whole = [s.source for s in sources().values() if s.newest_only and s.source in held]
    return figures["source"].isin(whole) & (figures["provenance"] == EMBEDDED)


def _discharge_years(source: Source, frames: list[pd.DataFrame], raw_dir: Path) -> list[pd.DataFrame]:
    """Sums of twelve months of discharges, under the names the index knows, where `measures.csv` says by which words they are published."""
    words = raw_dir / source.source / MEASURES_FILE
    if source.source != "discharge_ready_date" or not frames or not words.exists():
        return []
    items = {item_name(m): i for i, m in read_table(words)[["item", "measure"]].itertuples(index=False)}
    months = pd.concat(frames, ignore_index=True)[list(FIGURE_COLUMNS)]
    years = [rows for _, rows in months.groupby("financial_year") if rows["period"].nunique() == 12]
    return [
        year_sums([rows], items).assign(source=source.source, edition=rows["financial_year"].iloc[0], provenance=PUBLISHERS)
        for rows in years
    ]


def edition_row(source: Source, name: str, issue: store.Held | None) -> dict[str, str]:
    """What `editions` says of a publisher's edition that is held; of sums over several files, without a file of its own."""
    described = source.editions[name]
    reissued = issue is not None and issue.is_reissue
    return {
        "source": source.source,
        "edition": name,
        "publisher": described.publisher or source.publisher,
        "title": described.title or f"{source.title}, {name}",
        "file": issue.path.name if issue else "the twelve months",
        "sheet": described.sheet,
        "sha256": issue.sha256 if issue else "",
        "url": described.address or (str(issue.sidecar["address"]) if issue and issue.sidecar["how"] == "fetched" else ""),
        "licence": source.licence,
        "maturity": "reissued" if reissued else described.maturity,
        "obtained": described.obtained,
        "superseded_by": described.superseded_by,
        "note": described.note,
    }


def _named_apart(figures: pd.DataFrame, fallback: pd.DataFrame, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Figures and editions, one row an edition: an embedded edition whose name a file has too is named so, and unused ones are dropped."""
    key = ["source", "edition"]
    both = fallback.merge(rows[key], on=key)[key].apply(tuple, axis=1) if len(rows) else pd.Series(dtype=object)
    clash = set(both)

    def apart(frame: pd.DataFrame, which: pd.Series) -> pd.DataFrame:
        names = [
            f"{e}, embedded" if w and (s, e) in clash else e
            for s, e, w in zip(frame["source"], frame["edition"], which, strict=True)
        ]
        return frame.assign(edition=names)

    figures = apart(figures, figures["provenance"] == EMBEDDED)
    editions = pd.concat([apart(fallback, pd.Series(True, index=fallback.index)), rows], ignore_index=True)
    used = pd.MultiIndex.from_frame(figures[key].drop_duplicates())
    return figures, editions[pd.MultiIndex.from_frame(editions[key]).isin(used)].reset_index(drop=True)
