"""Group `downloads`: publishers' files by source, partitioned by financial year (the months of a year are editions of its partition)."""

import datetime as dt
from collections.abc import Iterable

import dagster as dg

from orchestration.acquisition.fetch import Fetched, Fetcher
from orchestration.settings import Settings
from orchestration.sources.model import Source, financial_years, sources

DOWNLOADS = "downloads"
YEARS = dg.StaticPartitionsDefinition(financial_years())
FRESH = dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=400), warn_window=dt.timedelta(days=370))
"""A yearly publication is late after a year and a month."""


def fetcher(settings: Settings) -> Fetcher:
    """The fetcher of a process with these settings."""
    return Fetcher(settings.raw_dir, mirror=settings.mirror)


def download_key(source: str) -> dg.AssetKey:
    return dg.AssetKey([DOWNLOADS, source])


def download_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset a source. A partition without an edition of the source is nothing to do; a file that does not come fails the partition."""
    return [_download(settings, source) for source in sources().values()]


def _download(settings: Settings, source: Source) -> dg.AssetsDefinition:
    @dg.asset(
        key=download_key(source.source), group_name=DOWNLOADS, partitions_def=YEARS, owners=["team:index-maintainers"], kinds={"file"},
        freshness_policy=FRESH, description=f"{source.title}. {source.publisher}; {source.licence}.",
        metadata={"landing_page": dg.MetadataValue.url(source.landing_page), "citation": source.citation},
    )  # fmt: skip
    def files(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        wanted = [(source, name) for name, edition in source.editions.items() if edition.financial_year == context.partition_key]
        done = fetcher(settings).fetch(wanted, lambda one: context.log.info(sentence(one)))
        failed = [one for one in done if one.outcome.result == "failed"]
        if failed:
            raise dg.Failure(
                f"{len(failed)} of {len(done)} files of {source.source} {context.partition_key} did not come; those that came are kept.",
                metadata={"outcomes": outcome_table(done)},
                allow_retries=False,
            )
        return dg.MaterializeResult(metadata={"editions": len(done), "outcomes": outcome_table(done)})

    return files


def sentence(one: Fetched) -> str:
    """What came of an edition, for a log."""
    came = (
        one.outcome.reason if one.outcome.result == "failed" else f"{one.kept or 'unchanged'}, {one.outcome.size_bytes:,} bytes"
    )
    return f"{one.source} {one.edition}: {one.outcome.result}: {came}"


def outcome_table(done: Iterable[Fetched]) -> dg.MetadataValue:
    """Outcomes as a table in Dagster's pages."""
    columns = ("source", "edition", "result", "kept", "address", "reason")
    rows = [(o.source, o.edition, o.outcome.result, o.kept, o.outcome.address, o.outcome.reason) for o in done]
    return dg.MetadataValue.table(
        records=[dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(c) for c in columns]),
    )
