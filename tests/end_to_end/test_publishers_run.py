"""A yearly run from publishers' files: the real ones, served at their own paths by a publisher that misbehaves first."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pandas as pd
import pytest

from orchestration.acquisition import store
from orchestration.acquisition.download import Limits
from orchestration.acquisition.fetch import Fetched, Fetcher
from orchestration.cli.run import run_everything
from orchestration.settings import Settings
from orchestration.sources.model import sources
from tests.acquisition.test_publishers_files import at_hand
from tests.conftest import Released
from tests.publisher_server import Publisher, serve

IMPATIENT = Limits(connect_seconds=2, read_seconds=1, total_seconds=4, bytes=50_000_000, attempts=2, backoff_seconds=0.01)
FAULTS = {
    "2014-08": "500!",
    "2014-09": "hang!",
    "2014-10": "slow!",
    "2014-11": "cut!",
    "2014-12": "page as data!",
    "2015-01": "loop!",
    "2015-02": "huge!",
    "2015-03": "page!",
    "2015-04": "empty!",
}
"""Months of delayed transfers whose files do not come at first, and why."""
CHANGED = "2015-06"
ENGLANDS_SPEND = {
    ("as_published", "2017-18"),
    ("balanced", "2017-18"),
    ("default", "2017-18"),
    ("geometric", "2017-18"),
    ("need_adjusted", "2017-18"),
    ("outcomes_only", "2017-18"),
    ("ratio_to_england", "2017-18"),
    ("three_year", "2019-20"),
}
"""Definitions and years whose spend index rests on England's net spend of 2017-18."""


def publish() -> tuple[dict[str, bytes], dict[str, str]]:
    """Files by path: at their address, or behind the content API's answer, or where no address is known by name; and paths of months."""
    files: dict[str, bytes] = {}
    months: dict[str, str] = {}
    listed: dict[str, list[dict[str, str]]] = defaultdict(list)
    for name, edition, path in at_hand():
        source = sources()[name]
        described = source.editions[edition]
        parts = urlsplit(described.address or "")
        where = parts.path + (f"?{parts.query}" if parts.query else "")
        if described.content_path:
            title = unquote(parts.path).rsplit("/", 1)[-1] or described.file_name
            where = f"/media/moved/{quote(title)}"  # assets move with every reissue: not the address that is known
            listed[described.content_path].append({"title": title, "url": f"https://assets.publishing.service.gov.uk{where}"})
        elif not described.address:
            where = f"/{source.folder}/{quote(described.file_name)}"
        files[where] = path.read_bytes()
        if name == "delayed_transfers":
            months[edition] = where
    for page, attachments in listed.items():
        files[f"/api/content{page}"] = json.dumps({"details": {"attachments": attachments}}).encode()
    return files, months


@dataclass
class Served:
    settings: Settings
    publisher: Publisher
    first: dict[tuple[str, str], Fetched]
    months: dict[str, str]


@pytest.fixture(scope="module")
def served(given_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The publisher, and what came of a first fetch of everything while some of its files did not come."""
    folder = tmp_path_factory.mktemp("publishers")
    files, months = publish()
    with serve(Publisher(files=files)) as publisher:
        publisher.faults = {months[month]: [fault] for month, fault in FAULTS.items()}
        settings = Settings(
            data="publishers",
            raw_dir=folder / "raw",
            mirror=publisher.address,
            build_dir=folder / "build",
            releases_dir=folder / "releases",
        )
        wanted = [(source, edition) for source in sources().values() for edition in source.editions]
        done = Fetcher(settings.raw_dir, limits=IMPATIENT, mirror=publisher.address).fetch(wanted)
        yield Served(settings, publisher, {(one.source, one.edition): one for one in done}, months)


def test_every_file_comes_as_it_is_but_those_at_fault(served: Served) -> None:
    came = {key for key, one in served.first.items() if one.outcome.result == "fetched"}
    faulty = {("delayed_transfers", month) for month in FAULTS}
    assert came == {(s, e) for s, e, _ in at_hand()} - faulty
    assert len(came) == 101 - len(FAULTS)
    for source, edition, path in at_hand():
        held = store.newest(served.settings.raw_dir, source, edition)
        if (source, edition) in faulty:
            assert held is None
            assert served.first[source, edition].outcome.reason
        else:
            assert held is not None
            assert held.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    left = [p for p in served.settings.raw_dir.rglob("*") if p.name.endswith(".part") or p.name.startswith(".")]
    assert left == []


@pytest.fixture(scope="module")
def run(served: Served) -> Released:
    """The whole run, once the publisher has recovered; one file it had sent was changed meanwhile."""
    served.publisher.faults.clear()
    where = served.months[CHANGED]
    changed = served.publisher.files[served.months["2015-07"]]  # another month under this one's address
    served.publisher.files[where], served.publisher.etag = changed, '"two"'
    outcome = run_everything(served.settings, on_stage=lambda _: None, on_start=lambda _: None)
    assert outcome.succeeded, [f"{s.name}: {s.failure}" for s in outcome.failures]
    return Released(served.settings, outcome, [])


def test_the_run_fetches_what_was_missing_and_keeps_what_it_held(run: Released) -> None:
    for source, edition, path in at_hand():
        issues = store.held(run.settings.raw_dir, source, edition)
        assert [i.sha256 for i in issues] == [hashlib.sha256(path.read_bytes()).hexdigest()], (source, edition)
    last = {(r["source"], r["edition"]): r for r in store.outcomes(run.settings.raw_dir)}
    assert last["delayed_transfers", CHANGED]["result"] == "failed"
    assert "it is of 2015-07, not of 2015-06" in last["delayed_transfers", CHANGED]["reason"]
    assert {last["delayed_transfers", month]["kept"] for month in FAULTS} == {"new"}


def test_every_figure_says_whether_it_is_a_publishers(run: Released) -> None:
    with run.connect() as db:
        found = (
            db.execute(
                "select source, count(*) filter (provenance = 'publishers'), count(*) filter (provenance = 'embedded') "
                "from marts.fct_published_figure group by 1"
            )
            .df()
            .set_index("source")
        )
    found.columns = ["publishers", "embedded"]
    assert found["publishers"].sum() > 150_000
    for whole in ("deflators", "delayed_transfers", "deprivation"):
        assert (found.loc[whole, "publishers"] > 0, found.loc[whole, "embedded"]) == (True, 0), whole
    for mixed in ("ascof", "revenue_outturn", "activity_and_finance", "population"):
        assert found.loc[mixed, "publishers"] > 0, mixed
        assert found.loc[mixed, "embedded"] > 0, mixed


def test_the_ranking_is_that_of_the_embedded_figures(run: Released, released: Released) -> None:
    """To 1e-9, but where the files differ: Staffordshire's net spend of 2017-18 (219,390 or 219,349) is part of England's mean."""
    sides = []
    for one in (run, released):
        with one.connect() as db:
            sides.append(
                db.execute(
                    "select definition_id, financial_year, area_code, outcome_score, spend_index, productivity, rank "
                    "from marts.productivity_ranking"
                ).df()
            )
    both = sides[0].merge(
        sides[1], on=["definition_id", "financial_year", "area_code"], how="outer", suffixes=("", "_embedded"), indicator=True
    )
    assert set(both["_merge"]) == {"both"}
    assert len(both) > 5_000
    moved = pd.Series(list(zip(both["definition_id"], both["financial_year"], strict=True))).isin(ENGLANDS_SPEND)
    for column in ("outcome_score", "spend_index", "productivity", "rank"):
        other = both[f"{column}_embedded"]
        assert (both[column].isna() == other.isna()).all(), column
        apart = (both[column] - other).abs()
        assert apart[~moved].max() < 1e-9, column
        assert (apart[moved] / other[moved]).max() < 2e-4, column
    assert (both.loc[moved, "spend_index"] != both.loc[moved, "spend_index_embedded"]).any()
