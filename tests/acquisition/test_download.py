"""Downloads against a publisher on loopback that misbehaves: every fault ends in an outcome, and nothing is left half there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.acquisition.download import Limits, Outcome, download
from tests.publisher_server import BEHAVIOURS, Publisher, serve

BODY = bytes(range(256)) * 1200
QUICK = Limits(connect_seconds=1, read_seconds=0.5, total_seconds=2, bytes=1_000_000, attempts=3, backoff_seconds=0.01)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with serve(Publisher(files={"/a b.xls": BODY, "/file.xls": BODY})) as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "file.xls"


def fetch(publisher: Publisher, target: Path, **known: str) -> Outcome:
    return download(f"{publisher.address}/file.xls", target, QUICK, known)


def test_a_file_comes_whole_with_its_hash(publisher: Publisher, target: Path) -> None:
    outcome = fetch(publisher, target)
    assert (outcome.result, outcome.status, outcome.size_bytes) == ("fetched", 200, len(BODY))
    assert outcome.sha256 == hashlib.sha256(BODY).hexdigest() == hashlib.sha256(target.read_bytes()).hexdigest()
    assert outcome.headers["etag"] == '"one"'
    assert outcome.at.endswith("+00:00")
    assert [p.name for p in target.parent.iterdir()] == ["file.xls"]
    assert all(agent.startswith("asc-productivity-index/") for agent in publisher.agents)


def test_what_did_not_change_is_not_sent_again(publisher: Publisher, target: Path) -> None:
    outcome = fetch(publisher, target, etag='"one"')
    assert (outcome.result, outcome.status) == ("unchanged", 304)
    assert not target.exists()


@pytest.mark.parametrize("faults", [["500"], ["503", "502"], ["429"], ["cut"], ["cut", "cut"], ["cut", "no ranges"], ["hang"]])
def test_what_passes_is_tried_again(publisher: Publisher, target: Path, faults: list[str]) -> None:
    publisher.faults["/file.xls"] = faults
    outcome = fetch(publisher, target)
    assert (outcome.result, outcome.reason) == ("fetched", "")
    assert target.read_bytes() == BODY


def test_a_body_cut_short_is_resumed_where_it_broke(publisher: Publisher, target: Path) -> None:
    publisher.faults["/file.xls"] = ["cut"]
    assert fetch(publisher, target).result == "fetched"
    (asked,) = publisher.ranges
    assert 0 < int(asked.removeprefix("bytes=").rstrip("-")) <= len(BODY) // 2


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("500", "could not be fetched: too many 500 error responses|answered 500"),
        ("404", "the server answered 404"),
        ("403", "the server answered 403"),
        ("hang", "could not be fetched|nothing came for 0.5 seconds"),
        ("slow", "longer than 2 seconds"),
        ("cut", "could not be fetched"),
        ("loop", "sends on and on"),
        ("page", "a web page in place of the file"),
        ("page as data", "a web page in place of the file"),
        ("huge", "is said to have 5,368,709,120 bytes; the limit is 1,000,000"),
        ("endless", "more than 1,000,000 bytes"),
        ("empty", "the file is empty"),
    ],
)
def test_what_does_not_pass_is_an_outcome(publisher: Publisher, target: Path, fault: str, says: str) -> None:
    publisher.faults["/file.xls"] = [fault + "!"]
    target.parent.mkdir(parents=True)
    target.write_bytes(b"what was held before")
    outcome = fetch(publisher, target)
    assert outcome.result == "failed"
    assert outcome.seconds < 12
    assert re.search(says, outcome.reason), outcome.reason
    assert [p.name for p in target.parent.iterdir()] == ["file.xls"]
    assert target.read_bytes() == b"what was held before"


def test_a_body_that_is_packed_for_the_way_is_unpacked(publisher: Publisher, target: Path) -> None:
    publisher.faults["/file.xls"] = ["gzip"]
    outcome = fetch(publisher, target)
    assert (outcome.result, outcome.size_bytes) == ("fetched", len(BODY))
    assert target.read_bytes() == BODY


def test_a_body_in_chunks_comes_whole(publisher: Publisher, target: Path) -> None:
    publisher.faults["/file.xls"] = ["chunks"]
    assert fetch(publisher, target).result == "fetched"
    assert target.read_bytes() == BODY
    publisher.faults["/file.xls"] = ["half the chunks!"]
    assert fetch(publisher, target.with_name("other.xls")).result == "failed"


def test_nobody_there_is_an_outcome(target: Path) -> None:
    outcome = download("http://127.0.0.1:9/file.xls", target, QUICK)
    assert outcome.result == "failed"
    assert "refused" in outcome.reason.lower()
    assert not target.exists()


def test_a_certificate_that_is_none_is_refused(publisher: Publisher, target: Path) -> None:
    outcome = download(publisher.address.replace("http://", "https://") + "/file.xls", target, QUICK)
    assert outcome.result == "failed"
    assert not target.exists()


# A server with forty behaviours


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_whatever_a_server_does_ends_within_the_deadline(publisher: Publisher, target: Path, behaviour: str) -> None:
    publisher.faults["/file.xls"] = [behaviour + "!"]
    outcome = fetch(publisher, target)
    assert outcome.result == "failed"
    assert 5 < len(outcome.reason) < 400
    assert outcome.seconds < QUICK.total_seconds + 1
    assert list(target.parent.iterdir()) == []


def test_there_are_forty() -> None:
    assert len(BEHAVIOURS) >= 40


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        ("waits for hours", "asks to wait 7200 seconds, longer than is left"),
        ("says unchanged of nothing", "nothing of this address is held"),
        ("a part nobody asked for", "a part that was not asked for"),
        ("gzip without its last byte", "stops before its end"),
        ("a packed bomb", "more than 1,000,000 bytes"),
        ("leads to plain http elsewhere", "leads to http://www.example.org, which is not https"),
        ("leads to a link-local address", r"a private address \(169.254.169.254\)"),
        ("leads to this machine by name", "localhost, a private address"),
        ("drips headers", "longer than 2 seconds"),
    ],
)
def test_an_outcome_says_what_a_server_did(publisher: Publisher, target: Path, behaviour: str, says: str) -> None:
    publisher.faults["/file.xls"] = [behaviour + "!"]
    assert re.search(says, fetch(publisher, target).reason)


def test_two_versions_are_never_spliced(publisher: Publisher, target: Path) -> None:
    """The first half of one version is here; the server has another by now, and says so by its validator or not at all."""
    publisher.faults["/file.xls"] = ["cut", "new version"]
    outcome = fetch(publisher, target)
    assert outcome.result == "fetched"
    assert target.read_bytes() == BODY[::-1]
    publisher.faults["/file.xls"] = ["cut", "a part of another version!"]
    other = fetch(publisher, target.with_name("other.xls"))
    assert (other.result, other.reason) == (
        "failed",
        "the server sent a part that was not asked for (bytes 153600-307199/307200)",
    )
