"""Stage `raw`: published figures in the warehouse as they were published, and the gate that guards them."""

from __future__ import annotations

import dagster as dg

from orchestration.assets.acquire import FIGURES_HELD
from orchestration.figures import FIGURE_COLUMNS
from orchestration.settings import Settings
from orchestration.warehouse import load_raw

RAW_FIGURES = dg.AssetKey(["raw", "figures"])


def raw_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    @dg.asset(
        key=RAW_FIGURES, deps=[FIGURES_HELD], group_name="raw", owners=["team:index-maintainers"], kinds={"duckdb"},
        description="One row for each published figure, with editions, councils and code changes beside it (schema raw).",
    )  # fmt: skip
    def figures() -> dg.MaterializeResult:
        rows = load_raw(settings)
        columns = [dg.TableColumn(c, "double" if c == "value" else "varchar") for c in (*FIGURE_COLUMNS, "provenance")]
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": rows["figures"],
                "dagster/column_schema": dg.TableSchema(columns),
                **{f"rows_{name}": count for name, count in rows.items()},
            }
        )

    return [figures]
