"""Stage `acquire`: what the run will read, with hashes, before anything is read."""

from __future__ import annotations

import hashlib

import dagster as dg

from orchestration.figures import figure_files, read_table
from orchestration.settings import Settings

FIGURES_HELD = dg.AssetKey(["acquire", "figures_held"])


def acquire_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    @dg.asset(
        key=FIGURES_HELD, group_name="acquire", owners=["team:index-maintainers"], kinds={"csv"},
        description="The published figures at hand: files, editions, and one hash over them all.",
    )  # fmt: skip
    def figures_held() -> dg.MaterializeResult:
        files = figure_files(settings.figures_dir)
        digest = hashlib.sha256()
        for path in files:
            digest.update(path.read_bytes())
        editions = read_table(settings.figures_dir / "editions.csv")
        shown = editions[["source", "edition", "publisher", "maturity"]].to_dict("records")
        return dg.MaterializeResult(
            metadata={
                "files": len(files),
                "editions": len(editions),
                "bytes": sum(path.stat().st_size for path in files),
                "sha256": digest.hexdigest(),
                "table_of_editions": dg.MetadataValue.table(
                    records=[dg.TableRecord({str(k): str(v) for k, v in row.items()}) for row in shown],
                    schema=dg.TableSchema([dg.TableColumn(c) for c in ("source", "edition", "publisher", "maturity")]),
                ),
            },
            data_version=dg.DataVersion(digest.hexdigest()[:16]),
        )

    return [figures_held]
