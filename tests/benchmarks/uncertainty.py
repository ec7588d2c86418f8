"""`make bench`: how long the uncertainty of ranks takes, as ratios and as growth with size. Prints; asserts nothing about time.

python -m tests.benchmarks.uncertainty [replications]
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from orchestration.analysis.factors import Factors, factors_of
from orchestration.analysis.problems import DefinitionYear, Errors, Problem
from orchestration.analysis.simulation import simulate
from orchestration.index.monte_carlo import Year
from orchestration.settings import PROJECT_ROOT, get_settings

COINR_SECONDS = 1367
"""What COINr 1.1.14 took for 6,000 replications of the ASEM design on two cores, on another machine of the same size."""


def problem(councils: int, measures: int, years: int, seed: int = 1) -> Problem:
    """A made-up index of the default definition's choices: no value is missing, and all councils are ranked."""
    rng = np.random.default_rng(seed)
    made = []
    for year in range(years):
        arrays = Year(
            values=rng.normal(50, 10, (measures, councils)),
            standard_errors=np.full((measures, councils), 3.0),
            least=np.full(measures, -np.inf),
            most=np.full(measures, np.inf),
            worst=np.zeros(measures),
            best=np.full(measures, 100.0),
            domain_of=np.arange(measures) % 3,
            polarity=np.ones(measures),
            reference=np.full(measures, 50.0),
            measure_weights=np.ones(measures),
            domain_weights=np.ones(3),
            spend={name: rng.lognormal(0, 0.15, councils) for name in ("total_net", "total_net_need_adjusted")},
            ranked=np.ones(councils, dtype=bool),
        )
        names = [f"measure_{n}" for n in range(measures)]
        made.append(
            DefinitionYear(
                f"{2017 + year}-{(18 + year) % 100:02d}",
                names,
                ["one", "two", "three"],
                [str(n) for n in range(councils)],
                arrays,
                np.arange(1.0, councils + 1),
                Errors.independent([f"{name}|{year}" for name in names], councils, 0.02),
                np.arange(councils),
            )
        )
    definition = pd.read_csv(PROJECT_ROOT / "dbt_project/seeds/index_definitions.csv").set_index("definition_id").loc["default"]
    named: dict[str, object] = {str(k): None if pd.isna(v) else v for k, v in definition.items()}
    return Problem(
        named | {"definition_id": "default", "min_domain_measures": 1}, made, [np.full(councils, -1)] * years, councils
    )


def factors(of: Problem) -> Factors:
    """The project's own factors, all varied."""
    return factors_of(pd.read_csv(PROJECT_ROOT / "dbt_project/seeds/method_factors.csv"), of, of)


def seconds(councils: int, measures: int, years: int, replications: int, threads: int) -> float:
    """Wall time of one simulation."""
    made = problem(councils, measures, years)
    began = time.perf_counter()
    simulate(made, factors(made), replications=replications, seed=1, threads=threads)
    return time.perf_counter() - began


def asem(folder: Path) -> None:
    """The ASEM design of 600 replications, ten times over, beside what COINr took for as many."""
    from orchestration.index.replications import replicate
    from tests.index.test_asem import design_arrays

    began = time.perf_counter()
    scaled, steps, design = design_arrays(folder, "SA")
    design = pd.concat([design] * 10)
    prepared = time.perf_counter()
    replicate(scaled, steps, design["data_set"].to_numpy(), design["weight_set"].to_numpy(), design["mean"].tolist())
    took = time.perf_counter() - began
    print(
        f"ASEM, 51 countries, 49 indicators, four levels, {len(design):,} replications: {took:.2f} s "
        f"({prepared - began:.2f} s of it reading and treating); COINr {COINR_SECONDS:,} s; ratio 1 : {COINR_SECONDS / took:,.0f}"
    )


R_SECONDS = {"simultaneous_sets": 3.9, "marginal_sets": 13.3}
"""What the R package csranks 1.2.3 took for sets of 150 units at 1,000 draws, on another machine of the same size (1.39 GB)."""


def rank_sets() -> None:
    """Sets of ranks for 150 units at 1,000 draws, beside what the R package took; the median of five."""
    from orchestration.index import rank_sets as made

    rng = np.random.default_rng(1)
    estimates, errors = rng.standard_normal(150), rng.uniform(0.2, 0.4, 150)
    draws = rng.standard_normal((1000, 150)).astype(np.float32) * errors.astype(np.float32)
    for name, of_r in R_SECONDS.items():
        times = []
        for _ in range(5):
            began = time.perf_counter()
            getattr(made, name)(estimates, errors, draws)
            times.append(time.perf_counter() - began)
        took = sorted(times)[2]
        print(f"{name}, 150 units, 1,000 draws: {took:.2f} s; csranks {of_r} s; ratio 1 : {of_r / took:,.0f}")


def main() -> None:
    """Print the benchmark."""
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    threads = get_settings().threads
    reference = get_settings().given_data_dir.parent / "reference" / "asem"
    if reference.exists():
        asem(reference)
    rank_sets()
    print(f"{'councils':>9}{'measures':>9}{'years':>6}{'replications':>13}{'threads':>8}{'seconds':>9}{'us per score':>13}")
    sizes = [
        (150, 25, 1, 1024),
        (150, 25, 1, 2048),
        (150, 25, 1, 4096),
        (300, 25, 1, 1024),
        (150, 50, 1, 1024),
        (150, 25, 2, 1024),
    ]
    for councils, measures, years, times in [*sizes, (150, 25, 7, replications)]:
        took = seconds(councils, measures, years, times, threads)
        each = took * 1e6 / (councils * measures * years * times)
        print(f"{councils:9,}{measures:9,}{years:6,}{times:13,}{threads:8}{took:9.2f}{each:13.4f}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"peak memory of the process: {peak:.2f} GB")


if __name__ == "__main__":
    main()
