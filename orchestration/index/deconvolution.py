"""How true values spread, told from estimates with errors: a smooth prior that is not assumed normal, and what it makes of an estimate.

What belongs here: Efron's g-modelling (2016, Empirical Bayes deconvolution estimates, Biometrika 103): the prior is the exponential of a
spline on a grid, fitted by penalised marginal likelihood, each estimate with its own standard error. What does not: ranks (`intervals.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.optimize import minimize

Floats = NDArray[np.float64]
POINTS = 81
DEGREES_OF_FREEDOM = 6
PENALTY = 0.75
REACH = 1.05
LEAST_TRUE_SHARE = 0.05
"""Of a measure's variance at least so much is taken to be true, however large its declared errors."""


@dataclass(frozen=True)
class Prior:
    """A distribution of true values: probabilities (G,) on an even grid (G,)."""

    grid: Floats
    probability: Floats

    @property
    def mean(self) -> float:
        return float(self.grid @ self.probability)

    @property
    def deviation(self) -> float:
        return float(np.sqrt((self.grid - self.mean) ** 2 @ self.probability))


def fit_prior(estimates: Floats, errors: Floats) -> Prior:
    """The prior of the true values behind (n,) estimates with (n,) normal standard errors.

    ValueError with fewer than five estimates or where all are the same: no spread can be told.
    """
    if len(estimates) < DEGREES_OF_FREEDOM or np.ptp(estimates) == 0:
        raise ValueError(f"{len(estimates)} estimates that spread over {np.ptp(estimates):g}: no prior can be told from them")
    centre, variance = estimates.mean(), estimates.var()
    # errors spread the estimates further than the truth: the grid reaches as far as the estimates would without them, and a little on
    kept = np.sqrt(max(1 - np.mean(errors**2) / variance, LEAST_TRUE_SHARE))
    reach = min(kept * REACH, 1.0)
    grid = np.linspace(centre + reach * (estimates.min() - centre), centre + reach * (estimates.max() - centre), POINTS)
    design = _splines(grid)
    # an error far below the grid's step would fall between its points
    sigma = np.maximum(errors, (grid[1] - grid[0]) / 2)[:, None]
    log_density = -0.5 * ((estimates[:, None] - grid) / sigma) ** 2
    # each estimate's own factor changes nothing of the fit: the largest is made 1, so that none vanishes
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))

    def negative(coefficients: Floats) -> tuple[float, Floats]:
        prior = _softmax(design @ coefficients)
        weighted = density * prior
        marginal = weighted.sum(axis=1)
        responsible = (weighted / marginal[:, None]).sum(axis=0)
        length = np.sqrt(coefficients @ coefficients + 1e-9)
        gradient = -design.T @ (responsible - len(estimates) * prior) + PENALTY * coefficients / length
        return float(-np.log(marginal).sum() + PENALTY * length), gradient

    found = minimize(negative, np.zeros(design.shape[1]), jac=True, method="BFGS")
    return Prior(grid, _softmax(design @ found.x))


def _softmax(logs: Floats) -> Floats:
    weight = np.exp(logs - logs.max())
    return np.asarray(weight / weight.sum())


def _splines(grid: Floats) -> Floats:
    """(G, DEGREES_OF_FREEDOM) cubic splines on the grid, centred and orthogonal, each at most 1 in size."""
    inner = np.linspace(grid[0], grid[-1], DEGREES_OF_FREEDOM - 1)[1:-1]
    knots = np.concatenate([[grid[0]] * 4, inner, [grid[-1]] * 4])
    basis = BSpline.design_matrix(grid, knots, 3).toarray()
    left, singular, _ = np.linalg.svd(basis - basis.mean(axis=0), full_matrices=False)
    kept = left[:, singular > 1e-8 * singular[0]]
    return np.asarray(kept / np.abs(kept).max(axis=0))


def as_spread_as_the_truth(values: Floats, errors: Floats) -> Floats:
    """(M, U) values pulled towards the mean of their row so that they spread as the true values behind them do.

    A row's true variance is its own less the mean variance of its errors (at least LEAST_TRUE_SHARE of it); each value keeps the root of its
    reliability of its distance from the mean (Louis 1984, JASA 79). Errors drawn on top give again what was observed: a world in which the
    error of an index, and what scaling does to it, can be looked at. Missing values stay missing.
    """
    there = ~np.isnan(values)
    count = np.maximum(there.sum(axis=1, keepdims=True), 1)
    mean = np.where(there, values, 0).sum(axis=1, keepdims=True) / count
    variance = (np.where(there, values - mean, 0) ** 2).sum(axis=1, keepdims=True) / count
    noise = np.where(there, errors**2, 0).sum(axis=1, keepdims=True) / count
    true = np.maximum(variance - noise, LEAST_TRUE_SHARE * variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = np.sqrt(true / (true + errors**2))
    return np.asarray(mean + np.where(variance > 0, kept, 1.0) * (values - mean))
