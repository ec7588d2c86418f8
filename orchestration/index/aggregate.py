"""Combine indicators into groups and groups into an index, over any number of levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mean = Literal["arithmetic", "geometric", "harmonic"]
POWERS: dict[str, float] = {"arithmetic": 1.0, "geometric": 0.0, "harmonic": -1.0}


@dataclass(frozen=True)
class Level:
    """One step of aggregation: for each child the group it belongs to (0-based), its weight, and the mean to use.

    `weights` is (children,), or (replications, children) when each replication has its own. `mean` is a name, or the power p of
    a generalised mean (1 arithmetic, 0 geometric, -1 harmonic). ValueError if a group has no child or no weight.
    """

    parents: NDArray[np.int64]
    weights: Floats
    mean: Mean | float = "arithmetic"

    def __post_init__(self) -> None:
        if np.any(self.weights < 0) or np.any(self.matrix.sum(axis=-1) <= 0):
            raise ValueError("weights must not be negative and each group must have some")

    @property
    def groups(self) -> int:
        return int(self.parents.max()) + 1

    @property
    def power(self) -> float:
        return POWERS[self.mean] if isinstance(self.mean, str) else float(self.mean)

    @property
    def matrix(self) -> Floats:
        """Weights as (..., groups, children), zero where a child belongs to another group."""
        belongs = self.parents == np.arange(self.groups)[:, None]
        return np.where(belongs, self.weights[..., None, :], 0.0)


def aggregate(values: Floats, level: Level, min_coverage: float = 0.0) -> Floats:
    """(..., children, units) -> (..., groups, units): the weighted mean of the children there are; weights rescale over them.

    NaN where none is there or where less than `min_coverage` of the group's weight is. ValueError if another than the arithmetic
    mean meets a value that is not positive.
    """
    missing = np.isnan(values)
    some_missing = bool(missing.any())
    matrix = level.matrix.astype(values.dtype, copy=False)
    power = level.power
    if power != 1.0 and np.nanmin(values, initial=np.inf) <= 0:
        raise ValueError(f"a {level.mean} mean needs positive scores; use a scale that starts above zero")
    turned = values if power == 1.0 else np.log(values) if power == 0.0 else values**power
    weight = matrix.sum(axis=-1, keepdims=True)
    if some_missing:
        turned = np.where(missing, 0.0, turned)
        held = matrix @ (~missing).astype(values.dtype)
    else:
        held = weight
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (matrix @ turned) / held
        back: Floats = mean if power == 1.0 else np.exp(mean) if power == 0.0 else mean ** (1 / power)
    if some_missing:
        back = np.where((held >= min_coverage * weight - 1e-9) & (held > 0), back, np.nan)
    return back


def aggregate_all(values: Floats, levels: Sequence[Level]) -> list[Floats]:
    """Every level above the indicators, lowest first."""
    found = []
    for level in levels:
        values = aggregate(values, level)
        found.append(values)
    return found
