"""Many replications of an index of any number of levels: each picks one prepared data set, its own weights and its own mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestration.index.aggregate import Floats, Level, Mean, aggregate
from orchestration.index.normalise import rank

CHUNK = 128
"""Replications at a time: few enough that a chunk stays in the processor's cache."""


@dataclass(frozen=True)
class Step:
    """A level of the hierarchy: the group of each child, and a set of weights to pick from, (sets, children)."""

    parents: NDArray[np.int64]
    weight_sets: Floats


def replicate(
    scaled: Floats, steps: Sequence[Step], data_set: NDArray[np.int64], weight_set: NDArray[np.int64], means: Sequence[Mean]
) -> Floats:
    """Scores of the index, (replications, units).

    `scaled` is (data sets, indicators, units); replication r uses data set `data_set[r]`, weights `weight_set[r]` at every step
    and mean `means[r]`. ValueError as in `aggregate`.
    """
    kinds = np.asarray(means)
    scores = np.empty((len(data_set), scaled.shape[-1]))
    for kind in np.unique(kinds):
        of_kind = np.flatnonzero(kinds == kind)
        for start in range(0, len(of_kind), CHUNK):
            rows = of_kind[start : start + CHUNK]
            values = scaled[data_set[rows]]
            for step in steps:
                values = aggregate(values, Level(step.parents, step.weight_sets[weight_set[rows]], kind.item()))
            scores[rows] = values[:, 0]
    return scores


def descending_rank(scores: Floats) -> Floats:
    """Rank over the last axis, 1 for the highest; ties share the better rank; a missing score has none."""
    return rank(-scores)


def mean_rank_change(ranks: Floats, nominal: Floats) -> Floats:
    """Mean over units of |rank - nominal rank|, one for each replication; units without either are left out."""
    return np.asarray(np.nanmean(np.abs(ranks - nominal), axis=-1))
