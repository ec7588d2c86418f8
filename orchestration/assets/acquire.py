"""Stage `acquire`: what the run will read, before anything is read: embedded figures, and publishers' files where those are the source."""

import hashlib
from collections import Counter
from typing import Any

import dagster as dg

from orchestration.assets.common import OWNERS
from orchestration.assets.downloads import data_of, download_key
from orchestration.assets.page_metadata import table
from orchestration.figures import figure_files, read_table
from orchestration.settings import Settings
from orchestration.sources.model import sources

FIGURES_HELD = dg.AssetKey(["acquire", "figures_held"])
_SHOWN = ("source", "edition", "publisher", "maturity")


def acquire_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    @dg.asset(
        key=FIGURES_HELD,
        group_name="acquire",
        owners=OWNERS,
        kinds={"csv"},
        deps=[download_key(name) for name in sources()],
        description="The published figures at hand: embedded files with one hash over them all, and which publishers' files are held.",
    )
    def figures_held(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        files = figure_files(settings.figures_dir)
        digest = hashlib.sha256()
        for path in files:
            digest.update(path.read_bytes())
        editions = read_table(settings.figures_dir / "editions.csv")
        data = data_of(context, settings)
        metadata: dict[str, Any] = {
            "data": data,
            "files": len(files),
            "editions": len(editions),
            "bytes": sum(path.stat().st_size for path in files),
            "sha256": digest.hexdigest(),
            "table_of_editions": table(editions[list(_SHOWN)]),
        }
        if data == "publishers":
            metadata |= _held(context, settings)
        return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(digest.hexdigest()[:16]))

    return [figures_held]


def _held(context: dg.AssetExecutionContext, settings: Settings) -> dict[str, Any]:
    """What of the publishers' editions is there; what is not is said and does not stop the run: embedded figures stand."""
    from orchestration.acquisition.status import statuses

    now = statuses(settings.raw_dir, read_table(settings.figures_dir / "editions.csv"))
    states = Counter(now["state"])
    missing = now[now["state"].isin(["missing", "embedded"])]
    context.log.info(
        f"publishers' files: {states['held'] + states['reissued']} of {len(now)} editions held, {states['reissued']} of them reissued; "
        f"{states['embedded']} stand on embedded figures; {states['missing']} are missing: "
        + "; ".join(f"{r.source} {r.edition} ({r.detail})" for r in missing.itertuples())
    )
    return {
        "editions_held": states["held"] + states["reissued"],
        "editions_reissued": states["reissued"],
        "editions_missing": states["missing"],
        "editions_embedded_only": states["embedded"],
    }
