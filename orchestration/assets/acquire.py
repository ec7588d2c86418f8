"""Stage `acquire`: what the run will read, before anything is read: embedded figures, and publishers' files where those are the source."""

import hashlib
from collections import Counter
from typing import Any

import dagster as dg

from orchestration.acquisition.status import statuses
from orchestration.assets.downloads import download_key, fetcher, outcome_table, sentence
from orchestration.figures import figure_files, read_table
from orchestration.settings import Settings
from orchestration.sources.model import sources

FIGURES_HELD = dg.AssetKey(["acquire", "figures_held"])
DATA_TAG = "asc/data"
"""A run's tag that chooses embedded or publishers, before the setting does."""


def data_of(context: dg.AssetExecutionContext, settings: Settings) -> str:
    """embedded or publishers: the run's tag, else the setting. ValueError for another word."""
    chosen = context.run.tags.get(DATA_TAG, settings.data)
    if chosen not in ("embedded", "publishers"):
        raise ValueError(f"tag {DATA_TAG} is {chosen!r}; it should be embedded or publishers")
    return chosen


def acquire_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    @dg.asset(
        key=FIGURES_HELD, group_name="acquire", owners=["team:index-maintainers"], kinds={"csv"},
        deps=[download_key(name) for name in sources()],
        description="The published figures at hand: embedded files with one hash over them all; publishers' files, fetched and missing.",
    )  # fmt: skip
    def figures_held(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        files = figure_files(settings.figures_dir)
        digest = hashlib.sha256()
        for path in files:
            digest.update(path.read_bytes())
        editions = read_table(settings.figures_dir / "editions.csv")
        shown = editions[["source", "edition", "publisher", "maturity"]].to_dict("records")
        metadata: dict[str, Any] = {
            "data": data_of(context, settings),
            "files": len(files),
            "editions": len(editions),
            "bytes": sum(path.stat().st_size for path in files),
            "sha256": digest.hexdigest(),
            "table_of_editions": dg.MetadataValue.table(
                records=[dg.TableRecord({str(k): str(v) for k, v in row.items()}) for row in shown],
                schema=dg.TableSchema([dg.TableColumn(c) for c in ("source", "edition", "publisher", "maturity")]),
            ),
        }
        if metadata["data"] == "publishers":
            metadata |= _fetch_all(context, settings)
        return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(digest.hexdigest()[:16]))

    return [figures_held]


def _fetch_all(context: dg.AssetExecutionContext, settings: Settings) -> dict[str, Any]:
    """Every edition asked for again; what did not come is said and does not stop the run: held files and embedded figures stand."""
    wanted = [(source, name) for source in sources().values() for name in source.editions]
    done = fetcher(settings).fetch(wanted, lambda one: context.log.info(sentence(one)))
    now = statuses(settings.raw_dir, read_table(settings.figures_dir / "editions.csv"))
    states = Counter(now["state"])
    missing = now[now["state"].isin(["missing", "embedded"])]
    context.log.info(
        f"publishers' files: {states['held'] + states['reissued']} of {len(now)} editions held, {states['reissued']} of them reissued; "
        f"{states['embedded']} stand on embedded figures; {states['missing']} are missing: "
        + "; ".join(f"{r.source} {r.edition} ({r.detail})" for r in missing.itertuples())
    )
    return {
        "outcomes": outcome_table(done),
        "editions_held": states["held"] + states["reissued"],
        "editions_reissued": states["reissued"],
        "editions_missing": states["missing"],
        "editions_embedded_only": states["embedded"],
    }
