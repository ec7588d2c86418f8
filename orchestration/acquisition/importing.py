"""A file fetched by hand, taken in through the same checks as a downloaded one."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from orchestration.acquisition import store
from orchestration.acquisition.accounts import against_the_edition_before
from orchestration.acquisition.download import HTML_STARTS, Outcome
from orchestration.acquisition.isolated import read_isolated
from orchestration.acquisition.likeness import prove_year
from orchestration.acquisition.reading import Reading, is_table
from orchestration.readers.cells import LayoutError
from orchestration.settings import get_settings
from orchestration.sources.model import Source

SHOWN: Final = 3


@dataclass(frozen=True)
class Imported:
    """What came of a file: where it is kept, as which edition, whether it is new, same or a reissue, and the figures it gives."""

    held: store.Held
    kept: store.Kept
    figures: int
    note: str = ""
    """Where it reads much more or less than the edition before."""


def outcome_of_file(path: Path, address: str, pages: bool = False) -> Outcome:
    """What came of a file that is already here. Its result is failed if it is empty, or a web page where none was wanted."""
    content = path.read_bytes()
    if not content:
        return Outcome(address, "failed", "the file is empty")
    if not pages and content.lstrip()[:20].lower().startswith(HTML_STARTS):
        return Outcome(address, "failed", "the file is a web page, not data")
    return Outcome(address, "fetched", "", None, hashlib.sha256(content).hexdigest(), len(content))


def import_file(path: Path, source: Source, financial_year: str, raw_dir: Path, edition: str | None = None) -> Imported:
    """Read the file as the edition of that year it can be read as, and keep it.

    FileNotFoundError; LayoutError (file, sheet, what was expected and found); ValueError when the source has no edition of the year or
    more than one fits. Then nothing is kept.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file")
    outcome = outcome_of_file(path, path.resolve().as_uri())
    if outcome.result == "failed":
        raise ValueError(f"{path.name}: {outcome.reason}")
    candidates = _candidates(source, financial_year, edition, path.name)
    try:
        name, reading = _fitting(path, source, candidates, raw_dir)
    except ValueError as error:
        said = {"source": source.source, "edition": edition or candidates[0], "financial_year": financial_year, "kept": ""}
        store.log_outcome(raw_dir, said | replace(outcome, result="failed", reason=str(error)).row())
        raise
    note = against_the_edition_before(source, name, reading.account, raw_dir)
    arrived = store.arriving(raw_dir, source.source, name)
    shutil.copyfile(path, arrived)
    kept, what = store.keep(
        raw_dir, (source.source, name, source.editions[name].file_name), arrived, outcome, how="imported", account=reading.account
    )
    said = {"source": source.source, "edition": name, "financial_year": source.editions[name].financial_year, "kept": what}
    store.log_outcome(raw_dir, said | outcome.row())
    return Imported(kept, what, len(reading.figures), note)


def _candidates(source: Source, financial_year: str, edition: str | None, name: str) -> list[str]:
    """Editions the file may be: the one named, else those of the year, or of them the one whose file has that name."""
    if edition is not None:
        if edition not in source.editions:
            raise ValueError(f"{source.source} has no edition {edition!r}; it has {', '.join(source.editions)}.")
        return [edition]
    of_year = [n for n, e in source.editions.items() if e.financial_year == financial_year]
    if not of_year:
        years = ", ".join(sorted({e.financial_year for e in source.editions.values()}))
        raise ValueError(
            f"{source.source} has no edition of {financial_year}; it has {years}. "
            f"A new year is an edition in orchestration/sources/{source.source}.yaml."
        )
    return [n for n in of_year if source.editions[n].file_name == name] or of_year


def _fitting(path: Path, source: Source, candidates: list[str], raw_dir: Path) -> tuple[str, Reading]:
    name, fits = path.name, dict[str, Reading]()
    refused: list[str] = []
    for edition in candidates:
        try:
            reading = read_isolated(source, edition, path, path.name, raw_dir / source.source)
            if not is_table(source, edition):
                prove_year(reading.figures, source.source, get_settings().figures_dir, path.name)
            fits[edition] = reading
        except LayoutError as error:
            refused.append(str(error) if len(candidates) == 1 else f"as {edition}: {error}")
    if not fits and len(refused) > SHOWN:
        refused = [f"{name} cannot be read as any of {len(refused)} editions of the year; the first:", *refused[:SHOWN]]
    if not fits:
        raise LayoutError("\n".join(refused))
    if len(fits) > 1:
        raise ValueError(f"{name} can be read as {', '.join(fits)} of {source.source}: say which with --edition.")
    return next(iter(fits.items()))
