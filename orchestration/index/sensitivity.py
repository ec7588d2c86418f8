"""Variance-based sensitivity: Saltelli's design of samples, and the estimators of first-order and total Sobol indices.

The estimators are those of Saltelli et al. (2010), table 2 (b) and (f), on centred outputs, as SALib has them. An output may be a
vector (the rank of each council): all outputs are estimated at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SobolIndices:
    """First-order and total indices, each (factors, outputs), with the ends of their bootstrap intervals."""

    first: Floats
    total: Floats
    first_low: Floats
    first_high: Floats
    total_low: Floats
    total_high: Floats


def base_samples(replications: int, factors: int, seed: int) -> tuple[Floats, Floats]:
    """Two independent samples A and B of uniforms, each (replications, factors), from one scrambled Sobol sequence.

    ValueError unless `replications` is a power of two: the sequence is balanced only there.
    """
    if replications < 2 or replications & (replications - 1):
        raise ValueError(f"{replications} base samples: a Sobol sequence needs a power of two")
    both = qmc.Sobol(2 * factors, scramble=True, rng=np.random.default_rng(seed)).random(replications)
    return both[:, :factors], both[:, factors:]


def sobol_indices(
    a: Floats, b: Floats, ab: Floats, *, centred: bool = True, resamples: int = 0, confidence: float = 0.9, seed: int = 0
) -> SobolIndices:
    """Indices from outputs `a` and `b`, (samples, outputs), and `ab`, (factors, samples, outputs), where factor i comes from B.

    With `centred` false the outputs are used as they are, as COINr does. `resamples` bootstraps over samples give the interval
    (percentiles); with none its ends are NaN. An output that never changes has NaN indices: nothing explains nothing.
    """
    if centred:
        pooled = np.concatenate([a, b, *ab])
        centre = pooled.mean(axis=0)
        a, b, ab = a - centre, b - centre, ab - centre
    terms = Terms(b * (ab - a), 0.5 * (a - ab) ** 2, a, b)
    first, total = terms.indices(np.full((1, len(a)), 1.0 / len(a)))
    nothing = np.full(first.shape[1:], np.nan)
    if not resamples:
        return SobolIndices(first[0], total[0], nothing, nothing, nothing, nothing)
    rng = np.random.default_rng(seed)
    shares = rng.multinomial(len(a), np.full(len(a), 1.0 / len(a)), size=resamples) / len(a)
    firsts, totals = terms.indices(shares)
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    first_low, first_high = np.quantile(firsts, ends, axis=0)
    total_low, total_high = np.quantile(totals, ends, axis=0)
    return SobolIndices(first[0], total[0], first_low, first_high, total_low, total_high)


@dataclass(frozen=True)
class Terms:
    """What the estimators average, kept apart so that a bootstrap is one product of matrices."""

    first: Floats
    total: Floats
    a: Floats
    b: Floats

    def indices(self, shares: Floats) -> tuple[Floats, Floats]:
        """(resamples, samples) of weights that sum to one -> first and total indices, each (resamples, factors, outputs)."""
        mean = (shares @ self.a + shares @ self.b) / 2
        variance = (shares @ self.a**2 + shares @ self.b**2) / 2 - mean**2
        variance = np.where(variance > 1e-12 * np.maximum(1.0, mean**2), variance, np.nan)[:, None, :]
        return np.einsum("rs,fso->rfo", shares, self.first, optimize=True) / variance, np.einsum(
            "rs,fso->rfo", shares, self.total, optimize=True
        ) / variance
