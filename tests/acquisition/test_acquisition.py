"""From a publisher to the raw folder and its figures: found, fetched, kept, reissued, imported, gathered; and what goes wrong on the way."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from orchestration.acquisition import fetch as fetching
from orchestration.acquisition import gather as gathering
from orchestration.acquisition import status as telling
from orchestration.acquisition import store
from orchestration.acquisition.download import Limits, Outcome
from orchestration.acquisition.fetch import PER_HOST, Fetched, Fetcher
from orchestration.acquisition.importing import import_file
from orchestration.acquisition.links import links_of
from orchestration.acquisition.new_editions import look, remembered
from orchestration.figures import FIGURE_COLUMNS, read_table, write_csv, write_figures
from orchestration.readers.cells import LayoutError
from orchestration.settings import Settings
from orchestration.sources.model import Source, sources
from tests.publisher_server import BEHAVIOURS, Publisher, serve

QUICK = Limits(connect_seconds=1, read_seconds=0.5, total_seconds=2, bytes=1_000_000, attempts=2, backoff_seconds=0.01)
HEADING = ",Financial year,2022-23 = 100,per cent change on previous year"
API = "/api/content/government/prices"


def prices(*values: str, first: int = 2020) -> bytes:
    """A table of deflators, one year a value."""
    rows = [f",{year}-{(year + 1) % 100:02d},{value}," for year, value in enumerate(values, start=first)]
    return "\n".join([",x", HEADING, *rows, ""]).encode()


def source(**editions: dict[str, Any]) -> Source:
    """A source of tables of prices with those editions; what an edition does not say is made up."""
    given = {
        name: {"financial_year": "2023-24", "layout": "csv", "file": f"{name}.csv"} | said for name, said in editions.items()
    }
    return Source.model_validate(
        {
            "source": "prices",
            "title": "Prices",
            "publisher": "A publisher",
            "landing_page": "https://www.example.org/prices",
            "licence": "Open Government Licence v3.0",
            "citation": "x",
            "layouts": {"csv": {"reader": "deflators", "councils": "some", "marks": {"-": "nothing"}}},
            "editions": given,
        }
    )


def at(path: str) -> dict[str, str]:
    return {"address": f"https://www.example.org{path}"}


LISTED = {"content_path": "/government/prices", "title_pattern": r"(?i)prices.*march"}


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with serve(Publisher(files={"/a.csv": prices("90"), "/b.csv": prices("80", "85")})) as running:
        yield running


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


def fetch(publisher: Publisher, raw: Path, wanted: Source) -> list[Fetched]:
    fetcher = Fetcher(raw, limits=QUICK, mirror=publisher.address)
    return fetcher.fetch([(wanted, name) for name in wanted.editions])


def files(raw: Path) -> list[str]:
    return sorted(str(p.relative_to(raw)) for p in raw.rglob("*") if p.is_file() and p.name != store.OUTCOMES)


# Fetched


def test_a_file_is_kept_with_what_came_with_it(publisher: Publisher, raw: Path) -> None:
    (done,) = fetch(publisher, raw, source(a=at("/a.csv")))
    assert (done.outcome.result, done.kept) == ("fetched", "new")
    assert files(raw) == ["prices/a/a.csv", "prices/a/a.csv.json"]
    said = json.loads((raw / "prices/a/a.csv.json").read_text())
    assert said["headers"]["etag"] == '"one"'
    assert (said["how"], said["size_bytes"], said["number"]) == ("fetched", len(prices("90")), 1)
    assert said["address"] == publisher.address + "/a.csv"
    (row,) = store.outcomes(raw)
    assert (row["source"], row["edition"], row["financial_year"], row["result"], row["kept"]) == (
        "prices",
        "a",
        "2023-24",
        "fetched",
        "new",
    )


def test_a_file_that_is_held_is_not_sent_again(publisher: Publisher, raw: Path) -> None:
    wanted = source(a=at("/a.csv"))
    fetch(publisher, raw, wanted)
    (again,) = fetch(publisher, raw, wanted)
    assert (again.outcome.result, again.outcome.status, again.kept) == ("unchanged", 304, "")
    (sidecar,) = raw.rglob("*.json")
    said = json.loads(sidecar.read_text())
    said["headers"] = {}  # a server that has no conditional requests sends it all again
    sidecar.write_text(json.dumps(said))
    (third,) = fetch(publisher, raw, wanted)
    assert (third.outcome.result, third.outcome.status, third.kept) == ("unchanged", 200, "same")
    assert len(files(raw)) == 2


def test_other_bytes_are_a_reissue_beside_the_first(publisher: Publisher, raw: Path) -> None:
    wanted = source(a=at("/a.csv"))
    fetch(publisher, raw, wanted)
    publisher.files["/a.csv"] = prices("91")
    publisher.etag = '"two"'
    (done,) = fetch(publisher, raw, wanted)
    assert done.kept == "reissue"
    first, second = store.held(raw, "prices", "a")
    assert first.path.read_bytes() == prices("90")
    assert second.path.read_bytes() == prices("91")
    assert second.sidecar["reissue_of"] == first.sha256
    assert second.path.name == f"a.{second.sha256[:8]}.csv"
    publisher.files["/a.csv"], publisher.etag = prices("90"), '"three"'
    (back,) = fetch(publisher, raw, wanted)
    assert (back.kept, back.outcome.reason) == ("withdrawn", "the publisher went back to an earlier issue, which stands again")
    newest = store.newest(raw, "prices", "a")
    assert newest is not None
    assert newest.path == first.path
    assert newest.sidecar["withdrew"] == second.sha256
    (again,) = fetch(publisher, raw, wanted)
    assert again.kept in {"", "same"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"a,b\n1,2\n", r"came, but cannot be read: a.csv: .*= 100"),
        (prices("ninety"), r"came, but cannot be read: a.csv: .*'ninety' is neither"),
        (prices("*"), r"'\*' is neither a number nor a known mark \(-\)"),
        (prices("90", "91") + b",2021-22,92,\n", "2021-22 follows 2021-22"),
        (f",x\n{HEADING}\n".encode(), "0 figures; prices a should have at least 1"),
        (b"<!DOCTYPE html><title>Moved</title>", "a web page in place of the file"),
        (b"\x00" * 40 + b"\n", "zero bytes"),
    ],
)
def test_what_cannot_be_read_is_not_kept(publisher: Publisher, raw: Path, body: bytes, says: str) -> None:
    publisher.files["/a.csv"] = body
    good, bad = fetch(publisher, raw, source(b=at("/b.csv"), a=at("/a.csv")))
    assert (good.outcome.result, bad.outcome.result) == ("fetched", "failed")
    assert pd.Series([bad.outcome.reason]).str.contains(says).all(), bad.outcome.reason
    assert files(raw) == ["prices/b/b.csv", "prices/b/b.csv.json"]


FAULTS = ["500!", "404!", "hang!", "cut!", "loop!", "page!", "page as data!", "huge!", "empty!"]


def test_every_fault_ends_in_an_outcome_and_leaves_the_rest_alone(publisher: Publisher, raw: Path) -> None:
    wanted = {f"bad{n}": at(f"/bad{n}.csv") for n, _ in enumerate(FAULTS)} | {f"good{n}": at(f"/good{n}.csv") for n in range(9)}
    for n, fault in enumerate(FAULTS):
        publisher.files[f"/bad{n}.csv"], publisher.faults[f"/bad{n}.csv"] = prices("1"), [fault]
    publisher.files |= {f"/good{n}.csv": prices(str(n)) for n in range(9)}
    done = {one.edition: one for one in fetch(publisher, raw, source(**wanted))}
    assert {name for name, one in done.items() if one.outcome.result == "failed"} == {n for n in wanted if n.startswith("bad")}
    assert all(one.outcome.reason for name, one in done.items() if name.startswith("bad"))
    assert len(files(raw)) == 18
    assert not [p for p in raw.rglob("*") if p.name.endswith(".part") or p.name.startswith(".")]


def test_few_files_at_a_time_are_asked_of_a_host(publisher: Publisher, raw: Path) -> None:
    publisher.files |= {f"/{n}.csv": prices(str(n)) for n in range(40)}
    done = fetch(publisher, raw, source(**{f"e{n}": at(f"/{n}.csv") for n in range(40)}))
    assert {one.kept for one in done} == {"new"}
    assert 1 <= publisher.most_at_once <= PER_HOST


def test_how_long_a_source_has_been_failing_can_be_asked(publisher: Publisher, raw: Path) -> None:
    wanted = source(a=at("/a.csv"), gone=at("/gone.csv"))
    for _ in range(3):
        fetch(publisher, raw, wanted)
    rows = duckdb.sql(
        f"select edition, min(\"at\"), count(*), max(reason) from '{raw / store.OUTCOMES}' where result = 'failed' group by 1"
    ).fetchall()
    (edition, since, attempts, reason) = rows[0]
    assert (edition, attempts, len(rows)) == ("gone", 3, 1)
    assert str(since)[:2] == "20"
    assert "404" in reason
    with (raw / store.OUTCOMES).open("a") as log:
        log.write('{"source": "pri')  # a crash in the middle of a line
    assert len(list(store.outcomes(raw))) == 6


def test_a_host_that_cannot_be_reached_is_not_asked_again_and_again(raw: Path) -> None:
    wanted = source(**{f"e{n}": at(f"/{n}.csv") for n in range(30)})
    fetcher = Fetcher(raw, limits=QUICK, mirror="http://127.0.0.1:9")
    done = fetcher.fetch([(wanted, name) for name in wanted.editions])
    assert all(one.outcome.result == "failed" for one in done)
    assert sum("could not be reached a moment ago" in one.outcome.reason for one in done) >= 30 - 2 * PER_HOST


def test_one_file_that_hangs_does_not_shut_its_host_but_a_silent_host_is_left_alone(publisher: Publisher, raw: Path) -> None:
    publisher.files |= {f"/{n}.csv": prices(str(n)) for n in range(12)}
    publisher.faults = {"/0.csv": ["hang!"], "/5.csv": ["hang!"]}
    wanted = source(**{f"e{n}": at(f"/{n}.csv") for n in range(12)})
    done = fetch(publisher, raw, wanted)
    assert [one.edition for one in done if one.outcome.result == "failed"] == ["e0", "e5"]
    publisher.faults = {path: ["hang!"] for n in range(12) for path in (f"/{n}.csv", f"/prices/e{n}.csv")}
    done = fetch(publisher, raw, wanted)
    assert sum("could not be reached a moment ago: nothing came for 0.5 seconds" in one.outcome.reason for one in done) >= 5


# Found


def test_an_attachment_is_found_through_the_content_api(publisher: Publisher, raw: Path) -> None:
    listed = [
        {"title": "Prices, March 2026", "url": "https://assets.publishing.service.gov.uk/media/x/b.csv"},
        {"title": "Notes", "url": "https://assets.publishing.service.gov.uk/media/x/notes.csv"},
    ]
    publisher.files[API] = json.dumps({"details": {"attachments": listed}}).encode()
    publisher.files["/media/x/b.csv"] = prices("77")
    (done,) = fetch(publisher, raw, source(a=LISTED | at("/a.csv")))
    assert done.kept == "new"
    assert (raw / "prices/a/a.csv").read_bytes() == prices("77")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            b'{"details": {"attachments": [{"title": "Notes", "url": "/n.csv"}]}}',
            "0 files of /government/prices match .*; there are: Notes",
        ),
        (
            b'{"details": {"attachments": [{"title": "Prices March", "url": "/1"}, {"title": "Prices March", "url": "/2"}]}}',
            "2 files of /government/prices match .*; there are: Prices March; Prices March",
        ),
        (b'{"details": {}}', "the page /government/prices is not described as expected"),
        (b"[1]", "the page /government/prices is not described as expected"),
        (None, "could not be looked at: the server answered 404"),
    ],
)
def test_a_page_that_does_not_have_the_file_says_what_it_has(
    publisher: Publisher, raw: Path, answer: bytes | None, says: str
) -> None:
    if answer is not None:
        publisher.files[API] = answer
    (done,) = fetch(publisher, raw, source(a=LISTED))
    assert done.outcome.result == "failed"
    assert pd.Series([done.outcome.reason]).str.contains(says).all(), done.outcome.reason
    (known,) = fetch(publisher, raw, source(a=LISTED | at("/a.csv")))  # an address that is known is what is left
    assert known.kept == "new"


def test_a_link_is_found_on_a_page(publisher: Publisher, raw: Path) -> None:
    publisher.files["/prices"] = b'<a href="/old.xls">Old</a> <A HREF=" new/b%20c.csv ">New</A> <a href="/about">About</a>'
    publisher.files["/new/b%20c.csv"] = prices("66")
    (done,) = fetch(publisher, raw, source(a={"page": "https://www.example.org/prices", "link_pattern": r"new/.*\.csv$"}))
    assert done.kept == "new"
    assert links_of(publisher.files["/prices"], "https://x.org/p") == ["https://x.org/old.xls", "https://x.org/new/b%20c.csv"]


def test_a_mirror_may_be_a_folder_by_path_or_by_name(tmp_path: Path, raw: Path) -> None:
    mirror = tmp_path / "mirror"
    for path, body in (("deep/a.csv", prices("90")), ("prices/b.csv", prices("80"))):
        (mirror / path).parent.mkdir(parents=True)
        (mirror / path).write_bytes(body)
    (tmp_path / "secret.csv").write_bytes(prices("1"))
    wanted = source(a=at("/deep/a.csv"), b={}, c=at("/deep/none.csv"), d=at("/../secret.csv"))
    done = Fetcher(raw, mirror=str(mirror)).fetch([(wanted, n) for n in wanted.editions])
    assert [one.kept for one in done] == ["new", "new", "", ""]
    assert "the mirror has no file" in done[2].outcome.reason


# Kept


def test_a_raw_folder_that_was_changed_is_noticed(publisher: Publisher, raw: Path) -> None:
    wanted = source(a=at("/a.csv"))
    fetch(publisher, raw, wanted)
    (raw / "prices/a/a.csv").write_bytes(b"something else")
    with pytest.raises(
        store.StoreError, match=r"a\.csv: the file is not the one that came .* Delete it with a\.csv\.json and fetch"
    ):
        store.held(raw, "prices", "a")
    (done,) = fetch(publisher, raw, wanted)
    assert "the file is not the one that came" in done.outcome.reason
    (raw / "prices/a/a.csv").unlink()
    with pytest.raises(store.StoreError, match="cannot be read"):
        store.held(raw, "prices", "a")


def test_a_file_without_its_sidecar_is_not_held(publisher: Publisher, raw: Path) -> None:
    wanted = source(a=at("/a.csv"))
    (raw / "prices" / "a").mkdir(parents=True)
    (raw / "prices/a/a.csv").write_bytes(prices("1"))  # a crash between the file and its sidecar
    assert store.newest(raw, "prices", "a") is None
    (done,) = fetch(publisher, raw, wanted)
    assert done.kept == "new"
    assert (raw / "prices/a/a.csv").read_bytes() == prices("90")


def test_what_one_server_said_of_a_file_is_not_shown_to_another(publisher: Publisher, raw: Path) -> None:
    """Another address with the same validator has another file: it must come, and not be taken for unchanged."""
    fetch(publisher, raw, source(a=at("/a.csv")))
    (moved,) = fetch(publisher, raw, source(a=at("/b.csv")))
    assert (moved.outcome.result, moved.kept) == ("fetched", "reissue")
    (again,) = fetch(publisher, raw, source(a=at("/b.csv")))
    assert (again.outcome.result, again.outcome.status) == ("unchanged", 304)


def test_a_source_has_a_budget_whatever_its_server_does(publisher: Publisher, raw: Path) -> None:
    wanted = source(**{f"e{n}": at(f"/e{n}.csv") for n in range(12)})
    publisher.files |= {f"/e{n}.csv": prices("90") for n in range(12)}
    publisher.faults |= {f"/e{n}.csv": ["drips headers!"] for n in range(12)}
    fetcher = Fetcher(raw, limits=QUICK, mirror=publisher.address, source_seconds=3)
    began = time.monotonic()
    done = fetcher.fetch([(wanted, name) for name in wanted.editions])
    assert time.monotonic() - began < 6
    assert {one.outcome.result for one in done} == {"failed"}
    assert any("longer than" in one.outcome.reason for one in done)
    assert any("a moment ago" in one.outcome.reason or "was used up" in one.outcome.reason for one in done)
    assert len(list(store.outcomes(raw))) == 12


class Everywhere(dict[str, Any]):
    """One answer for every path that anybody asks for."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        super().__init__()
        self.answer = answer

    def get(self, key: str, default: Any = None) -> Any:
        return self.answer(key)


@pytest.mark.slow
@pytest.mark.parametrize("is_cut_off", [True, False])
def test_a_run_of_all_sources_ends_within_its_budget_against_a_server_that_drips_on_everything(
    raw: Path, is_cut_off: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind of dripping, a kind for each path, and for one path in three a plain refusal. A host that drips is cut off; were it not,
    the budgets of the sources and of the run would end it."""
    if not is_cut_off:
        monkeypatch.setattr(fetching, "DRIPPED_AT_MOST", 10**6)
        monkeypatch.setattr(fetching, "SILENT_AT_MOST", 10**6)
    drips = [name for name in BEHAVIOURS if "drips" in name]
    assert len(drips) >= 9

    def fault(path: str) -> list[str]:
        chosen = zlib.crc32(path.encode())
        return ["404!"] if chosen % 3 == 0 else [f"{drips[chosen % len(drips)]}!"]

    wanted = [(source, edition) for source in sources().values() for edition in source.editions]
    with serve(Publisher(files=Everywhere(lambda _: b"x" * 5_000), faults=Everywhere(fault))) as publisher:
        fetcher = Fetcher(raw, limits=QUICK, mirror=publisher.address, source_seconds=6, run_seconds=15)
        began = time.monotonic()
        done = fetcher.fetch(wanted)
        took = time.monotonic() - began
    assert took < 15 + QUICK.total_seconds + 2
    assert len(done) == len(wanted)
    assert {one.outcome.result for one in done} == {"failed"}
    assert all(one.outcome.reason for one in done)
    assert {(row["source"], row["edition"]) for row in store.outcomes(raw)} == {(s.source, edition) for s, edition in wanted}
    assert any("longer than" in one.outcome.reason for one in done)  # it did drip
    told = "was used up" if not is_cut_off else "a moment ago"
    assert sum(told in one.outcome.reason for one in done) > 50
    assert list(raw.rglob("*.part")) == []


# Imported


def test_another_years_numbers_are_not_taken_in(tmp_path: Path, raw: Path) -> None:
    """An embedded year of residents, handed in under the year after."""
    embedded = read_table(Settings().figures_dir / "population" / "2021-22.csv")
    lines = [
        f"{area},2022,{age},{value}"
        for area, band, value in embedded[["area_code", "breakdown", "value"]].itertuples(index=False)
        for age, value in ([(209, value)] if band == "65_and_over" else [(119, value), *((n, 0) for n in range(120, 166))])
        if area != "E92000001"
    ]
    path = tmp_path / "nomis.csv"
    path.write_text("\n".join(["GEOGRAPHY_CODE,DATE_NAME,C_AGE,OBS_VALUE", *lines, ""]))
    described = sources()["population"]
    edition = described.editions["nomis mid-2023"].model_copy(
        update={"financial_year": "2022-23", "areas_of": ["2021-22"], "options": {"year": 2022}}
    )
    wanted = described.model_copy(update={"editions": {"of 2022": edition}})
    with pytest.raises(LayoutError, match=r"^nomis.csv: its figures of mid-2022 are those of mid-2021: 100% are equal"):
        import_file(path, wanted, "2022-23", raw)


def test_a_file_fetched_by_hand_goes_through_the_same_checks(tmp_path: Path, raw: Path) -> None:
    path = tmp_path / "download (1).csv"
    path.write_bytes(prices("90"))
    wanted = source(a={})
    done = import_file(path, wanted, "2023-24", raw)
    assert (done.kept, done.figures, done.held.edition, done.held.sidecar["how"]) == ("new", 1, "a", "imported")
    assert path.read_bytes() == prices("90")
    assert import_file(path, wanted, "2023-24", raw).kept == "same"
    path.write_bytes(prices("91"))
    assert import_file(path, wanted, "2023-24", raw).kept == "reissue"
    assert [row["kept"] for row in store.outcomes(raw)] == ["new", "same", "reissue"]


@pytest.mark.parametrize(
    ("body", "year", "edition", "error", "says"),
    [
        (None, "2023-24", None, FileNotFoundError, "x.csv is no file"),
        (b"", "2023-24", None, ValueError, "x.csv: the file is empty"),
        (b"<html>", "2023-24", None, ValueError, "x.csv: the file is a web page, not data"),
        (b"a,b\n", "2022-23", None, LayoutError, "x.csv: "),
        (b"a,b\n", "2023-24", None, LayoutError, "as a: x.csv: .*\nas b: x.csv: "),
        (
            prices("1"),
            "2019-20",
            None,
            ValueError,
            "prices has no edition of 2019-20; it has 2022-23, 2023-24.*orchestration/sources/prices.yaml",
        ),
        (prices("1"), "2023-24", None, ValueError, "can be read as a, b of prices: say which with --edition"),
        (prices("1"), "2023-24", "z", ValueError, "prices has no edition 'z'; it has a, b, c"),
    ],
)
def test_an_import_that_cannot_be_says_why_and_keeps_nothing(
    tmp_path: Path, raw: Path, body: bytes | None, year: str, edition: str | None, error: type[Exception], says: str
) -> None:
    path = tmp_path / "x.csv"
    if body is not None:
        path.write_bytes(body)
    with pytest.raises(error, match=says):
        import_file(path, source(a={}, b={}, c={"financial_year": "2022-23"}), year, raw, edition)
    assert not raw.exists() or files(raw) == []


# Told


def test_the_state_of_every_edition(publisher: Publisher, raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = source(
        held=at("/a.csv"), again=at("/b.csv"), failing=at("/none.csv"), embedded=at("/none2.csv"), by_hand={}, never=at("/n.csv")
    )
    monkeypatch.setattr(telling, "sources", lambda: {"prices": wanted})
    some = wanted.model_copy(update={"editions": {k: v for k, v in wanted.editions.items() if k in {"held", "again", "failing"}}})
    fetch(publisher, raw, some)
    publisher.files["/b.csv"], publisher.etag = prices("81"), '"two"'
    fetch(publisher, raw, some)
    found = telling.statuses(raw, pd.DataFrame([{"source": "prices", "edition": "embedded"}])).set_index("edition")
    assert found["state"].to_dict() == {
        "held": "held",
        "again": "reissued",
        "failing": "missing",
        "embedded": "embedded",
        "by_hand": "missing",
        "never": "missing",
    }
    assert found["attempts_failed"].to_dict() | {"failing": 2} == dict.fromkeys(wanted.editions, 0) | {"failing": 2}
    assert found.loc["failing", "failing_since"] == min(r["at"] for r in store.outcomes(raw) if r["edition"] == "failing")
    assert "404" in found.loc["failing", "detail"]
    assert found.loc["by_hand", "detail"] == "no address is known: asc import FILE --source prices --year 2023-24"
    assert found.loc["never", "detail"] == "asc fetch prices"
    assert (found["licence"] == "Open Government Licence v3.0").all()


# Gathered


def embedded_figures(folder: Path) -> Path:
    """Embedded figures of two years, one edition."""
    figures = pd.DataFrame(
        [
            ["prices", "old", "gdp_deflator", y, y, "K02000001", "gdp_deflator", "total", "index", v, "", "C1"]
            for y, v in (("2020-21", 1.0), ("2021-22", 2.0))
        ],
        columns=list(FIGURE_COLUMNS),
    )
    write_figures(figures, folder / "prices" / "prices.csv")
    write_csv(
        pd.DataFrame(
            [
                {
                    "source": "prices",
                    "edition": "old",
                    "publisher": "A publisher",
                    "title": "t",
                    "file": "f",
                    "sheet": "",
                    "sha256": "0",
                    "url": "",
                    "licence": "l",
                    "maturity": "final",
                    "obtained": "publishers_file",
                    "superseded_by": "",
                    "note": "",
                }
            ]
        ),
        folder / "editions.csv",
    )
    return folder


def gathered(tmp_path: Path, raw: Path, held: Source, monkeypatch: pytest.MonkeyPatch) -> gathering.Gathered:
    monkeypatch.setattr(gathering, "sources", lambda: {"prices": held})
    return gathering.gather(embedded_figures(tmp_path / "figures"), raw)


def values(found: gathering.Gathered) -> list[list[object]]:
    columns = ["financial_year", "value", "provenance", "edition"]
    return found.figures.sort_values("financial_year")[columns].to_numpy().tolist()


def test_embedded_figures_stand_where_no_file_has_the_block(
    publisher: Publisher, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = source(a=at("/a.csv") | {"financial_year": "2020-21"})
    fetch(publisher, raw, wanted)
    found = gathered(tmp_path, raw, wanted, monkeypatch)
    assert values(found) == [["2020-21", 90.0, "publishers", "a"], ["2021-22", 2.0, "embedded", "old"]]
    assert sorted(found.editions["edition"]) == ["a", "old"]
    assert found.unread == {}


def test_the_edition_of_a_figures_own_year_stands_before_one_that_repeats_it(
    publisher: Publisher, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = source(b=at("/b.csv") | {"financial_year": "2021-22"}, a=at("/a.csv") | {"financial_year": "2020-21"})
    fetch(publisher, raw, wanted)
    found = gathered(tmp_path, raw, wanted, monkeypatch)
    assert values(found) == [["2020-21", 90.0, "publishers", "a"], ["2021-22", 85.0, "publishers", "b"]]
    rebased = wanted.model_copy(update={"newest_only": True})
    found = gathered(tmp_path, raw, rebased, monkeypatch)
    assert values(found) == [
        ["2020-21", 90.0, "publishers", "a"]
    ]  # one edition whole, and no embedded figure of another base beside it


def test_a_file_that_can_no_longer_be_read_leaves_the_embedded_figures_and_is_said(
    publisher: Publisher, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = source(old=at("/a.csv") | {"financial_year": "2020-21"}, b=at("/b.csv") | {"financial_year": "2021-22"})
    fetch(publisher, raw, wanted)
    stricter = wanted.model_copy(
        update={"editions": wanted.editions | {"b": wanted.editions["b"].model_copy(update={"expected_figures": 9})}}
    )
    found = gathered(tmp_path, raw, stricter, monkeypatch)
    assert values(found) == [["2020-21", 90.0, "publishers", "old"], ["2021-22", 2.0, "embedded", "old, embedded"]]
    assert list(found.unread) == ["prices b"]
    assert "b.csv: 2 figures; prices b should have at least 9" in found.unread["prices b"]


def test_the_newest_issue_is_read_and_said_to_be_reissued(
    publisher: Publisher, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = source(a=at("/a.csv") | {"financial_year": "2020-21"})
    fetch(publisher, raw, wanted)
    publisher.files["/a.csv"], publisher.etag = prices("95"), '"two"'
    fetch(publisher, raw, wanted)
    found = gathered(tmp_path, raw, wanted, monkeypatch)
    assert values(found)[0] == ["2020-21", 95.0, "publishers", "a"]
    assert found.editions.set_index("edition").loc["a", "maturity"] == "reissued"


# Looked for


def test_new_files_are_noticed_and_a_page_that_cannot_be_looked_at_is_not_no_change(publisher: Publisher, raw: Path) -> None:
    wanted = {"prices": source(a=LISTED, b={"page": "https://www.example.org/series", "link_pattern": "x"})}
    one = {"title": "Prices, March 2026", "url": "https://assets.publishing.service.gov.uk/media/1/p.csv"}
    publisher.files[API] = json.dumps({"details": {"attachments": [one]}}).encode()
    publisher.files["/prices"] = b'<a href="/1.csv">1</a>'
    publisher.files["/series"] = b'<a href="/s1.csv">1</a>'

    def now(before: dict[str, list[str]]) -> Any:
        return look(wanted, before, Fetcher(raw, limits=QUICK, mirror=publisher.address))

    first = now({})
    assert (first.new, first.blind, first.sentence) == ({}, {}, "nothing new")
    before = remembered({}, first)
    assert len(before) == 3

    publisher.files["/prices"] += b'<a href="/2.csv">2</a>'
    publisher.faults["/series"] = ["500!"]
    publisher.files[API] = b"{}"
    second = now(before)
    assert second.new == {"https://www.example.org/prices": ["https://www.example.org/2.csv"]}
    assert set(second.blind) == {"https://www.example.org/series", "https://www.gov.uk/api/content/government/prices"}
    assert "could not look at 2 of 3 pages" in second.sentence
    after = remembered(before, second)
    assert after["https://www.example.org/series"] == before["https://www.example.org/series"]

    publisher.faults.clear()
    publisher.files["/series"] += b'<a href="/s2.csv">2</a>'
    publisher.files[API] = json.dumps({"details": {"attachments": [one, one | {"url": "/media/2/p.csv"}]}}).encode()
    third = now(after)
    assert sorted(link for links in third.new.values() for link in links) == [
        "https://www.example.org/s2.csv",
        "https://www.gov.uk/media/2/p.csv",
    ]


def test_an_outcome_is_a_row_of_plain_values() -> None:
    assert json.loads(json.dumps(Outcome("https://x", "failed", "why").row()))["reason"] == "why"
