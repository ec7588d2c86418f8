"""Stage `downloads`: publishers' files by source, as they came. One step fetches for all sources, hosts beside each other.

In a run of everything it follows the run's data: with embedded figures it asks nobody and tells what is held. By itself, or as the job
`download_year`, it fetches.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.assets.common import DOWNLOADS_POOL, OWNERS
from orchestration.assets.page_metadata import table
from orchestration.figures import read_table
from orchestration.settings import Settings
from orchestration.sources.model import Source, financial_years, sources

if TYPE_CHECKING:  # they come with pandas, which loading the code location does not need
    from orchestration.acquisition.fetch import Fetched, Fetcher

DOWNLOADS = "downloads"
DATA_TAG = "asc/data"
"""A run's tag that chooses embedded or publishers, before the setting does."""
FETCH = "fetch_publishers_files"
YEARS = dg.StaticPartitionsDefinition(financial_years())
FRESH = dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=400), warn_window=dt.timedelta(days=370))
"""A yearly publication is late after a year and a month."""
TRY_AGAIN = dg.RetryPolicy(max_retries=1, delay=60)
"""Each file is tried again within its download already; this is for a host that was down for a minute. What is held is not asked for
twice: a file that has not changed is not sent again. Nothing after this stage is retried: the same figures and the same code fail again."""
EDITIONS_CAME = "editions_that_came"


class Fetching(dg.Config):
    """What to fetch."""

    financial_year: str = ""
    """Only editions of this year; all if empty."""


def fetcher(settings: Settings) -> "Fetcher":
    """The fetcher of a process with these settings."""
    from orchestration.acquisition.fetch import Fetcher

    return Fetcher(settings.raw_dir, mirror=settings.mirror, private=settings.private_addresses)


def download_key(source: str) -> dg.AssetKey:
    return dg.AssetKey([DOWNLOADS, source])


def data_of(context: dg.AssetExecutionContext, settings: Settings) -> str:
    """embedded or publishers: the run's tag, else the setting. ValueError for another word."""
    chosen = context.run.tags.get(DATA_TAG, settings.data)
    if chosen not in ("embedded", "publishers"):
        raise ValueError(f"tag {DATA_TAG} is {chosen!r}; it should be embedded or publishers")
    return chosen


def download_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset a source, made in one step; any of them can be chosen."""
    specs = [
        dg.AssetSpec(
            download_key(source.source),
            group_name=DOWNLOADS,
            owners=OWNERS,
            kinds={"file"},
            freshness_policy=FRESH,
            skippable=True,
            description=f"{source.title}. {source.publisher}; {source.licence}.",
            metadata={"landing_page": dg.MetadataValue.url(source.landing_page), "citation": source.citation},
        )
        for source in sources().values()
    ]
    checks = [
        dg.AssetCheckSpec(
            EDITIONS_CAME,
            asset=spec.key,
            description="Every edition that was asked for came, or is what was held; one that did not come is named with the reason.",
        )
        for spec in specs
    ]

    @dg.multi_asset(name=FETCH, specs=specs, check_specs=checks, can_subset=True, pool=DOWNLOADS_POOL, retry_policy=TRY_AGAIN)
    def fetch(context: dg.AssetExecutionContext, config: Fetching) -> Iterator[dg.MaterializeResult]:
        chosen = [s for s in sources().values() if download_key(s.source) in context.selected_asset_keys]
        year = config.financial_year
        if year and year not in financial_years():
            years = ", ".join(financial_years())
            raise dg.Failure(f"No source has an edition of {year}; there are {years}.", allow_retries=False)
        asks = bool(year) or _by_itself(context) or data_of(context, settings) == "publishers"
        wanted = [(s, name) for s in chosen for name, e in s.editions.items() if asks and year in ("", e.financial_year)]
        done = fetcher(settings).fetch(wanted, lambda one: context.log.info(sentence(one))) if wanted else []
        failed = [one for one in done if one.outcome.result == "failed"]
        alone = _by_itself(context)
        failure = dg.Failure(
            f"{len(failed)} of {len(done)} files did not come; those that came are kept.",
            metadata={"outcomes": outcome_table(failed)},
            allow_retries=_may_pass(failed),
        )
        if failed and alone and failure.allow_retries and context.retry_number < TRY_AGAIN.max_retries:
            raise failure
        from orchestration.acquisition.status import statuses

        states = statuses(settings.raw_dir, read_table(settings.figures_dir / "editions.csv"))
        for source in chosen:
            own = [one for one in done if one.source == source.source]
            yield dg.MaterializeResult(
                asset_key=download_key(source.source),
                data_version=dg.DataVersion(_version(settings, source)),
                metadata={
                    "asked": len(own),
                    "editions": table(states.loc[states["source"] == source.source, list(_SHOWN)]),
                    **({"outcomes": outcome_table(own)} if own else {}),
                },
                check_results=[came(source.source, own, asks)],
            )
        if failed and alone:
            raise failure

    return [fetch]


_SHOWN = ("edition", "financial_year", "state", "failing_since", "detail")


def _by_itself(context: dg.AssetExecutionContext) -> bool:
    """Whether the run is for downloads alone: then a file that does not come is its failure, and not only a warning."""
    return all(key.path[0] == DOWNLOADS for key in context.job_def.asset_layer.selected_asset_keys)


def _may_pass(failed: "Iterable[Fetched]") -> bool:
    """Whether a host could not be reached or broke off, so that asking again makes sense; what a publisher refuses stays refused."""
    return any(one.outcome.unreachable or (one.outcome.status or 0) >= 500 for one in failed)


def _version(settings: Settings, source: Source) -> str:
    """Of what is held: the same files, the same version."""
    from orchestration.acquisition import store

    digest = hashlib.sha256()
    for name in sorted(source.editions):
        for issue in store.held(settings.raw_dir, source.source, name):
            digest.update(f"{name} {issue.sidecar['sha256']}\n".encode())
    return digest.hexdigest()[:16]


def came(source: str, done: "list[Fetched]", asked: bool) -> dg.AssetCheckResult:
    """A warning where an edition that was asked for did not come."""
    failed = [one for one in done if one.outcome.result == "failed"]
    told = "; ".join(f"{one.edition}: {one.outcome.reason}" for one in failed[:5]) + (
        f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
    )
    nothing = "nobody was asked: the run's data are embedded" if not asked else "no edition of this year"
    return dg.AssetCheckResult(
        asset_key=download_key(source),
        check_name=EDITIONS_CAME,
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(failed)} of {len(done)} did not come: {told}" if failed else f"{len(done)} came" if done else nothing,
        metadata={"asked": len(done), "did_not_come": len(failed)},
    )


def sentence(one: "Fetched") -> str:
    """What came of an edition, for a log."""
    kept = f"{one.kept or 'unchanged'}, {one.outcome.size_bytes:,} bytes"
    came = one.outcome.reason if one.outcome.result == "failed" else "; ".join(filter(None, [kept, one.outcome.reason]))
    return f"{one.source} {one.edition}: {one.outcome.result}: {came}"


def outcome_table(done: "Iterable[Fetched]") -> dg.MetadataValue:
    """Outcomes as a table in Dagster's pages."""
    columns = ["source", "edition", "result", "kept", "address", "reason"]
    rows = [(o.source, o.edition, o.outcome.result, o.kept, o.outcome.address, o.outcome.reason) for o in done]
    import pandas as pd

    return table(pd.DataFrame(rows, columns=columns))
