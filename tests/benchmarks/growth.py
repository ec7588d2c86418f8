"""`make bench`: time and peak memory by size, of the index's own SQL from values to ranks, and of rolling events of persons up to measures.

Each size is a process of its own. python -m tests.benchmarks.growth [--one-size KIND SIZE…]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from orchestration.settings import PROJECT_ROOT, get_settings
from tests.warehouse.sql_chain import CHAIN, DEFINITION

WORLDS = ((150, 30, 8), (600, 30, 8), (2_400, 30, 8), (10_000, 30, 8), (10_000, 60, 8), (10_000, 60, 20))
"""(areas, measures, years)."""
EVENTS = (1_000_000, 5_000_000, 25_000_000, 50_000_000)
ROLL_UP = PROJECT_ROOT / "orchestration" / "client_level"
MEMORY = "8GB"


def index_of_a_world(areas: int, measures: int, years: int) -> float:
    """Seconds of the compiled models, from values to ranks, on a made-up world of that size."""
    with duckdb.connect() as db:
        db.execute(f"set memory_limit = '{MEMORY}'")
        db.execute("attach ':memory:' as warehouse")
        for schema in ("intermediate", "staging", "seeds"):
            db.execute(f"create schema warehouse.{schema}")
        db.execute(
            f"create table warehouse.seeds.measures as select 'm' || i as measure_id, 'd' || i % 3 as domain_id, 1 as polarity, "
            f"0.0 as goalpost_worst, 100.0 as goalpost_best from range({measures}) t(i)"
        )
        db.execute(
            f"create table years as select 2000 + i || '-' || lpad(((i + 1) % 100)::varchar, 2, '0') as financial_year, i from range({years}) t(i)"
        )
        db.execute(f"create table areas as select 'A' || i as area_code, i from range({areas}) t(i)")
        db.execute(
            "create table warehouse.intermediate.int_measure_values as select financial_year, area_code, measure_id, "
            "100 * (hash(area_code || measure_id || financial_year) % 100000) / 100000.0 as value, financial_year as value_year, "
            "'published' as value_basis, area_code || measure_id as figure_id from years, areas, warehouse.seeds.measures"
        )
        db.execute(
            "create table warehouse.intermediate.int_measure_shared_sources as select 'w' as weight_set, financial_year, measure_id, "
            "1 as measures_of_the_source from years, warehouse.seeds.measures"
        )
        db.execute(
            "create table warehouse.intermediate.int_england_values as select measure_id, financial_year, 50.0 as england_value from years, warehouse.seeds.measures"
        )
        db.execute(
            "create table warehouse.intermediate.int_doubts as select 'measure' as subject, 'none' as subject_id, 'none' as figure_id, true as is_withheld"
        )
        db.execute(
            "create table warehouse.intermediate.int_spend_basis_doubts as select '1999-00' as financial_year, 'none' as area_code, 'total_net' as spend_basis, true as is_withheld, 'none' as doubt"
        )
        db.execute(
            "create table warehouse.intermediate.int_council_years as select y.financial_year, p.financial_year as previous_financial_year, area_code, "
            "area_code as continuity_code, true as is_rankable, null::varchar as exclusion_reason from years y left join years p on p.i = y.i - 1, areas"
        )
        choices = ", ".join(f"{_literal(value)} as {name}" for name, value in DEFINITION.items())
        db.execute(f"create table warehouse.staging.stg_definitions as select {choices}")
        db.execute(
            "create table warehouse.staging.stg_measure_weights as select 'w' as weight_set, measure_id, 1.0 as weight from warehouse.seeds.measures"
        )
        db.execute(
            "create table warehouse.staging.stg_domain_weights as select 'w' as weight_set, 'd' || i as domain_id, 1.0 as weight from range(3) t(i)"
        )
        db.execute(
            "create table warehouse.seeds.domains as select 'd' || i as domain_id, 'd' || i as domain_name, i as display_order from range(3) t(i)"
        )
        db.execute("create table warehouse.seeds.spend_bases as select 'total_net' as spend_basis, 'total' as level")
        db.execute(
            "create table warehouse.intermediate.int_spend_index as select financial_year, area_code, 'total_net' as spend_basis, 'all' as domain_id, "
            "500.0 as spend_per_head_gbp, 500.0 as england_spend_per_head_gbp, 0.5 + (hash(area_code) % 1000) / 1000.0 as spend_index, "
            "false as is_spend_modelled from years, areas"
        )
        db.execute(
            "create table warehouse.intermediate.int_council_spend as select financial_year, area_code, 'total_net' as spend_basis, 1.0 as spend_gbp from years, areas"
        )
        compiled = get_settings().dbt_target_dir / "compiled" / "asc_index" / "models" / "intermediate"
        began = time.perf_counter()
        for name in CHAIN:
            db.execute(f"create table warehouse.intermediate.{name} as {(compiled / f'{name}.sql').read_text(encoding='utf-8')}")
        took = time.perf_counter() - began
        ranked = db.execute("select count(rank) from warehouse.intermediate.int_productivity").fetchone()
    if ranked != (areas * years,):
        raise RuntimeError(f"{ranked} of {areas * years:,} were ranked: the time would be of something else")
    return took


def _literal(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def one_size(kind: str, *size: int) -> None:
    """Print seconds and peak memory of this process."""
    if kind == "index":
        took = index_of_a_world(*size)
    else:
        from tests.benchmarks.client_level import seconds_of_duckdb

        took = seconds_of_duckdb(*size)
    print(f"{took:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.2f}")


def main() -> None:
    """Print a table for each kind: size, seconds, microseconds a row, peak memory."""
    if "--one-size" in sys.argv:
        kind, *size = sys.argv[sys.argv.index("--one-size") + 1 :]
        one_size(kind, *map(int, size))
        return
    kinds = [("index", WORLDS, "areas x measures x years")]
    if (Path(__file__).parent / "client_level.py").exists():
        kinds.append(("events", tuple((n,) for n in EVENTS), "events of persons"))
    for kind, sizes, words in kinds:
        print(f"{words:<34}{'rows':>12}{'seconds':>9}{'us a row':>10}{'peak GB':>9}")
        for size in sizes:
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.growth", "--one-size", kind, *map(str, size)],
                check=True,
                capture_output=True,
                text=True,
                cwd=PROJECT_ROOT,
            )
            took, peak = map(float, done.stdout.split())
            rows = 1
            for n in size:
                rows *= n
            print(
                f"{' x '.join(f'{n:,}' for n in size):<34}{rows:>12,}{took:>9.2f}{took * 1e6 / rows:>10.3f}{peak:>9.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
