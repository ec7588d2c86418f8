"""Combine indicators into groups and groups into an index, over any number of levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mean = Literal["arithmetic", "geometric", "harmonic"]


_TURN: dict[str, Callable[[Floats], Floats]] = {"arithmetic": np.positive, "geometric": np.log, "harmonic": np.reciprocal}
_TURN_BACK: dict[str, Callable[[Floats], Floats]] = {"arithmetic": np.positive, "geometric": np.exp, "harmonic": np.reciprocal}


@dataclass(frozen=True)
class Level:
    """One step of aggregation: for each child the group it belongs to (0-based), its weight, and the mean to use.

    ValueError if a group has no child or no weight.
    """

    parents: NDArray[np.int64]
    weights: Floats
    mean: Mean = "arithmetic"

    def __post_init__(self) -> None:
        totals = np.bincount(self.parents, weights=self.weights)
        if np.any(self.weights < 0) or np.any(totals <= 0):
            raise ValueError("weights must not be negative and each group must have some")

    @property
    def groups(self) -> int:
        return int(self.parents.max()) + 1

    @property
    def matrix(self) -> Floats:
        """Weights as (groups, children), zero where a child belongs to another group."""
        matrix = np.zeros((self.groups, len(self.parents)))
        matrix[self.parents, np.arange(len(self.parents))] = self.weights
        return matrix


def aggregate(values: Floats, level: Level, min_coverage: float = 0.0) -> Floats:
    """(..., children, units) -> (..., groups, units): the weighted mean of the children there are; weights rescale over them.

    NaN where none is there or where less than `min_coverage` of the group's weight is. ValueError if a geometric or harmonic
    mean meets a value that is not positive.
    """
    there = ~np.isnan(values)
    if level.mean != "arithmetic" and np.any(values[there] <= 0):
        raise ValueError(f"a {level.mean} mean needs positive scores; use a scale that starts above zero")
    turned = _TURN[level.mean](values)
    matrix = level.matrix
    held = matrix @ there.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (matrix @ np.where(there, turned, 0.0)) / held
        enough = held >= min_coverage * matrix.sum(axis=1)[:, None] - 1e-9
        back = _TURN_BACK[level.mean](mean)
    return np.where(enough & (held > 0), back, np.nan)


def aggregate_all(values: Floats, levels: Sequence[Level]) -> list[Floats]:
    """Every level above the indicators, lowest first."""
    found = []
    for level in levels:
        values = aggregate(values, level)
        found.append(values)
    return found
