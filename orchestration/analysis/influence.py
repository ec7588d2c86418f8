"""What each choice moves, and what one measure does: Sobol indices and the ranking without one measure or domain.

What belongs here: designs of samples and what is asked of them. What does not: replications for intervals (`simulation.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from orchestration.analysis.draws import BLOCK, SCALARS, Draws
from orchestration.analysis.factors import DATA, WEIGHTS, Factors, choices, nominal
from orchestration.analysis.problems import DefinitionYear, Problem
from orchestration.analysis.simulation import SCORE_FACTORS, Study, in_order
from orchestration.index.aggregate import Floats
from orchestration.index.monte_carlo import domains_of, over_spend, productivity, ranks
from orchestration.index.replications import mean_rank_change
from orchestration.index.sensitivity import SobolIndices, base_samples, sobol_indices


@dataclass(frozen=True)
class YearSensitivity:
    """Sobol indices of one year: output 0 is the mean rank change against the nominal ranking, the rest the rank of each council."""

    factors: tuple[str, ...]
    councils: list[str]
    indices: SobolIndices
    samples: int


def sensitivity(
    problem: Problem,
    factors: Factors,
    *,
    samples: int,
    resamples: int,
    seed: int,
    threads: int,
    wanted: Collection[str] | None = None,
) -> dict[str, YearSensitivity]:
    """First-order and total Sobol indices of every varied factor, for each ranked year, or each that is `wanted`, of a definition of one-year
    windows.

    Vectors of weights and the data are one factor each: sample B's whole vector takes the place of sample A's. A council that some
    combination leaves unranked has NaN indices. ValueError unless `samples` is a power of two and at least BLOCK.
    """
    if samples < BLOCK:
        raise ValueError(f"{samples} samples: at least {BLOCK} are needed")
    varied = factors.varied
    scalars = [name for name in SCALARS if name in varied]
    a_uniforms, b_uniforms = base_samples(samples, len(SCALARS), seed)
    blocks, rules = samples // BLOCK, Study(problem, factors).rules
    results = {}
    for year in (y for y in problem.years if y.is_ranked.any() and (wanted is None or y.financial_year in wanted)):

        def block(number: int, year: DefinitionYear = year) -> Floats:
            rows = slice(number * BLOCK, (number + 1) * BLOCK)
            sides = []
            for side, uniforms in ((0, a_uniforms), (blocks, b_uniforms)):
                named = {name: uniforms[rows, n] for n, name in enumerate(SCALARS)}
                draws = Draws(seed + 1, number + side, problem.areas)
                sides.append((named, draws.uniforms(year)[1], (draws.values(year), draws.spend(year))))
            (a, a_weights, a_noise), (b, b_weights, b_noise) = sides
            designs = [("", a, a_weights, a_noise), ("all", b, b_weights, b_noise)]
            for name in varied:
                designs.append(
                    (
                        name,
                        a | {name: b[name]} if name in scalars else a,
                        b_weights if name == WEIGHTS else a_weights,
                        b_noise if name == DATA else a_noise,
                    )
                )
            found, of_a = [], np.empty(0)
            for exchanged, named, weights, (noise, spend) in designs:
                chosen = choices(factors, year, named, weights)
                # a factor that scores do not depend on leaves the domains of sample A as they are
                same = exchanged in scalars and exchanged not in SCORE_FACTORS
                domains = (
                    of_a if same else domains_of(year.arrays, factors.scales, chosen, noise if DATA in varied else None, rules)
                )
                of_a = domains if exchanged == "" else of_a
                product = over_spend(
                    year.arrays,
                    domains,
                    chosen,
                    spend if DATA in varied else None,
                    lowest=rules.lowest,
                    combination=problem.combination,
                )
                found.append(ranks(product[:, year.is_ranked]))
            return np.stack(found)

        ranked = np.concatenate([found for _, found in in_order(block, blocks, threads)], axis=1)
        change = mean_rank_change(ranked, year.rank[year.is_ranked])[..., None]
        outputs = np.concatenate([change, ranked], axis=-1)
        results[year.financial_year] = YearSensitivity(
            varied,
            [c for c, there in zip(year.councils, year.is_ranked, strict=True) if there],
            sobol_indices(outputs[0], outputs[1], outputs[2:], resamples=resamples, seed=seed),
            samples,
        )
    return results


@dataclass(frozen=True)
class Dropped:
    """The nominal ranking without one measure or one domain: (U,) ranks among the councils that had one."""

    kind: str
    name: str
    rank: Floats


def drop_one(problem: Problem, year: DefinitionYear) -> list[Dropped]:
    """The ranking of `year` without each measure and each domain in turn. What stands alone cannot be left out."""
    arrays = year.arrays
    per_domain = np.bincount(arrays.domain_of)
    measures = [m for m in range(len(year.measures)) if per_domain[arrays.domain_of[m]] > 1]
    domains = list(range(len(year.domains))) if len(year.domains) > 1 else []
    chosen = nominal(problem, year, len(measures) + len(domains))
    chosen.dropped[: len(measures)] = measures
    for row, domain in enumerate(domains, start=len(measures)):
        chosen.domain_weights[row, domain] = 0.0
    scales = {str(problem.definition["normalisation"]): problem.own_scale}
    product = productivity(arrays, scales, chosen, combination=problem.combination)
    ranked = ranks(np.where(year.is_ranked, product, np.nan))
    names = [("measure", year.measures[m]) for m in measures] + [("domain", year.domains[d]) for d in domains]
    return [Dropped(kind, name, ranked[row]) for row, (kind, name) in enumerate(names)]
