"""Whose figures are these? A file that does not say its year is told from another year's by its numbers.

Figures of another year under this year's name agree with that year's embedded figures, council by council. Two years of one publication
share few numbers by chance.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import pandas as pd

from orchestration.figures import read_figures
from orchestration.readers.cells import LayoutError

SAME: Final = ["framework", "item", "breakdown", "area_code"]
FEWEST: Final = 100
"""Pairs of figures below which nothing is said."""
ALIKE: Final = 0.6
"""The share of pairs that are equal from which two years are one file. The most that two embedded years of a source share is .16."""


@cache
def _embedded(folder: Path) -> pd.DataFrame:
    files = sorted(folder.glob("*.csv"))
    if not files:
        return pd.DataFrame(columns=[*SAME, "period", "value"])
    whole = pd.concat([read_figures(path) for path in files], ignore_index=True)
    return whole.loc[whole["value"].notna() & (whole["value"] != 0), [*SAME, "period", "value"]]


def prove_year(figures: pd.DataFrame, source: str, figures_dir: Path, name: str) -> None:
    """LayoutError, with the file's name, when the figures of a year or month are those of another, with both named and the share that is equal."""
    for other, share, period in likenesses(figures, source, figures_dir):
        if other != period and share >= ALIKE:
            raise LayoutError(
                f"{name}: its figures of {period} are those of {other}: {share:.0%} are equal. Is it that year's file?"
            )


def likenesses(figures: pd.DataFrame, source: str, figures_dir: Path) -> list[tuple[str, float, str]]:
    """(embedded period, share of pairs that are equal, period of the figures), the most alike first, its own period first among equals."""
    mine = figures.loc[figures["value"].notna() & (figures["value"] != 0), [*SAME, "period", "value"]]
    both = mine.merge(_embedded(figures_dir / source), on=SAME, suffixes=("", "_embedded"))
    if both.empty:
        return []
    equal = (both["value"] - both["value_embedded"]).abs() <= 1e-9 * both["value"].abs()
    grouped = equal.groupby([both["period"], both["period_embedded"]]).agg(["mean", "size"])
    alike = [
        (str(other), float(share), str(period), int(pairs))
        for (period, other), (share, pairs) in zip(grouped.index, grouped.to_numpy(), strict=True)
    ]
    own = {period: share for other, share, period, _ in alike if other == period}
    return sorted(
        ((other, share, period) for other, share, period, pairs in alike if pairs >= FEWEST and share >= own.get(period, 0.0)),
        key=lambda one: -one[1],
    )
