"""Method uncertainty: the factors of `seeds.method_factors` turned from uniform numbers into choices.

A choice in which a definition differs from `default` is what that definition is: it is not varied for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestration.analysis.problems import DefinitionYear, Problem
from orchestration.index.aggregate import Floats
from orchestration.index.monte_carlo import Choices, Indices, Scale
from orchestration.settings import Settings
from orchestration.warehouse.connection import connect

DATA = "data"
WEIGHTS = "weights"
IDENTITY: Mapping[str, tuple[str, ...]] = {
    "normalisation": ("normalisation", "scale_low", "scale_high"),
    "origin": ("normalisation", "scale_low", "scale_high"),
    "winsorising": ("winsorise_lower", "winsorise_upper"),
    "weights": (),
    "aggregation": ("outcome_aggregation",),
    "spend_basis": ("spend_basis",),
    "k": ("k",),
    "missing_rule": (),
    "dropped_measure": (),
    "data": (),
}
"""For each factor the columns of a definition that it varies."""


@dataclass(frozen=True)
class Alternatives:
    """What one factor can be: names, ends, and where each begins in the unit interval."""

    names: NDArray[np.str_]
    low: Floats
    high: Floats
    probability: Floats

    def pick(self, uniforms: Floats) -> Indices:
        """Which alternative each uniform number falls on."""
        edges = np.cumsum(self.probability)
        found = np.searchsorted(edges / edges[-1], uniforms, side="right")
        return np.minimum(found, len(self.names) - 1)

    def between(self, uniforms: Floats) -> Floats:
        """Evenly between the ends of the one alternative."""
        return np.asarray(self.low[0] + (self.high[0] - self.low[0]) * uniforms)


@dataclass(frozen=True)
class Factors:
    """The factors that are varied for one definition, and what each can be."""

    definition: Problem
    varied: tuple[str, ...]
    alternatives: Mapping[str, Alternatives]

    @property
    def scales(self) -> dict[str, Scale]:
        """Scale of each normalisation: the definition's own for its own, the factor's for the others."""
        own = {str(self.definition.definition["normalisation"]): self.definition.own_scale}
        if "normalisation" not in self.alternatives:
            return own
        declared = self.alternatives["normalisation"]
        scales = {
            name.item(): Scale(centre=low, spread=high) if name == "z_score" else Scale(low, high)
            for name, low, high in zip(declared.names, declared.low, declared.high, strict=True)
        }
        return scales | own


def read_factors(settings: Settings) -> pd.DataFrame:
    """The table of factors. ValueError names a factor that nothing here can vary, or one with nothing to draw."""
    with connect(str(settings.warehouse_path), read_only=True) as db:
        table = db.execute("select * from seeds.method_factors order by factor_id, low, high, alternative").df()
    unknown = set(table["factor_id"]) - set(IDENTITY)
    if unknown:
        raise ValueError(f"method_factors: no factor {', '.join(sorted(unknown))}; there are {', '.join(IDENTITY)}.")
    empty = table.groupby("factor_id")["probability"].sum()
    if (table["probability"] < 0).any() or (empty <= 0).any():
        raise ValueError("method_factors: probabilities must not be negative, and each factor needs one above zero.")
    return table


def factors_of(table: pd.DataFrame, problem: Problem, default: Problem) -> Factors:
    """The factors varied for `problem`: those declared, less those in which it differs from `default`."""
    varied = tuple(
        factor
        for factor, columns in IDENTITY.items()
        if factor in set(table["factor_id"]) and all(problem.definition[c] == default.definition[c] for c in columns)
    )
    alternatives = {
        str(factor): Alternatives(
            rows["alternative"].to_numpy(str),
            rows["low"].to_numpy(float),
            rows["high"].to_numpy(float),
            rows["probability"].to_numpy(float),
        )
        for factor, rows in table.groupby("factor_id")
    }
    return Factors(problem, varied, alternatives)


def nominal(problem: Problem, year: DefinitionYear, replications: int) -> Choices:
    """The definition's own choices, `replications` times."""
    definition, n = problem.definition, replications
    return Choices(
        normalisation=np.full(n, str(definition["normalisation"])),
        origin=np.full(n, np.nan),
        lower=np.full(n, problem.number("winsorise_lower")),
        upper=np.full(n, problem.number("winsorise_upper")),
        measure_weights=np.ones((n, len(year.measures))),
        domain_weights=np.ones((n, len(year.domains))),
        domain_mean=np.full(n, str(definition["domain_aggregation"])),
        outcome_mean=np.full(n, str(definition["outcome_aggregation"])),
        spend_basis=np.full(n, str(definition["spend_basis"])),
        k=np.full(n, problem.number("k")),
        fill_missing=np.zeros(n, dtype=bool),
        dropped=np.full(n, -1),
    )


def choices(
    factors: Factors, year: DefinitionYear, uniforms: Mapping[str, Floats], weight_uniforms: Mapping[str, Floats]
) -> Choices:
    """Choices of R replications for one year.

    `uniforms` has (R,) numbers for each scalar factor; `weight_uniforms` has (R,) numbers for each measure and domain by name, so that
    a measure keeps its factor from year to year. Factors that are not varied stay as the definition has them.
    """
    n = len(next(iter(uniforms.values())))
    changes: dict[str, NDArray] = {}

    def picked(factor: str) -> tuple[Alternatives, Indices] | None:
        if factor not in factors.varied:
            return None
        alternatives = factors.alternatives[factor]
        return alternatives, alternatives.pick(uniforms[factor])

    if found := picked("normalisation"):
        changes["normalisation"] = found[0].names[found[1]]
    if found := picked("origin"):
        changes["origin"] = found[0].low[found[1]]
    if found := picked("winsorising"):
        changes["lower"], changes["upper"] = found[0].low[found[1]], found[0].high[found[1]]
    if found := picked("aggregation"):
        changes["outcome_mean"] = found[0].names[found[1]]
    if found := picked("spend_basis"):
        changes["spend_basis"] = found[0].names[found[1]]
    if found := picked("missing_rule"):
        changes["fill_missing"] = found[0].names[found[1]] == "median"
    if "k" in factors.varied:
        changes["k"] = factors.alternatives["k"].between(uniforms["k"])
    if "dropped_measure" in factors.varied:
        changes["dropped"] = _dropped(factors.alternatives["dropped_measure"], year, uniforms["dropped_measure"])
    if WEIGHTS in factors.varied:
        between = factors.alternatives[WEIGHTS].between
        changes["measure_weights"] = between(np.stack([weight_uniforms[m] for m in year.measures], axis=1))
        changes["domain_weights"] = between(np.stack([weight_uniforms[d] for d in year.domains], axis=1))
    return nominal(factors.definition, year, n).with_(**changes)


def _dropped(alternatives: Alternatives, year: DefinitionYear, uniforms: Floats) -> Indices:
    """-1 for none with its probability; else one of the measures that do not stand alone in their domain, each as likely."""
    shares = dict(zip(alternatives.names.tolist(), alternatives.probability / alternatives.probability.sum(), strict=True))
    none = float(shares["none"])
    counted = np.bincount(year.arrays.domain_of)
    droppable = np.flatnonzero(counted[year.arrays.domain_of] > 1)
    if not len(droppable) or none >= 1:
        return np.full(len(uniforms), -1)
    position = ((uniforms - none) / (1 - none) * len(droppable)).astype(int).clip(0, len(droppable) - 1)
    return np.where(uniforms < none, -1, droppable[position])
