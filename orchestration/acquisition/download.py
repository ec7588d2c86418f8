"""One download: streamed aside, checked, renamed; or an outcome that says why not. A file is never half there.

Retries, backoff and jitter are urllib3's; certificates are always checked; proxies come from the usual environment variables.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError
from urllib3.util import Retry

USER_AGENT: Final = (
    "asc-productivity-index/0.1 (open index of adult social care productivity; reads published statistics once a year)"
)
CHUNK: Final = 1 << 16
RETRIED_STATUSES: Final = (408, 425, 429, 500, 502, 503, 504)
HTML_STARTS: Final = (b"<!doctype html", b"<html", b"<head")
LIBRARYS_OBJECT: Final = re.compile(r"^(<.*?>|HTTPS?Connection(Pool)?\(.*?\)): ")
"""What the library puts before its words."""
KEPT_HEADERS: Final = ("etag", "last-modified", "content-type", "content-length", "date")


@dataclass(frozen=True)
class Limits:
    """What a download may take: seconds to connect, between bytes and in all; bytes; times it is tried."""

    connect_seconds: float = 10
    read_seconds: float = 60
    total_seconds: float = 900
    bytes: int = 200_000_000
    attempts: int = 4
    backoff_seconds: float = 1.0


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt at one address: a row that is kept and can be queried.

    `result` is fetched, unchanged (the publisher says so, or the bytes are the same) or failed; `reason` is a sentence for failed.
    `unreachable` says that there is nobody to ask: no name, no connection, no trusted certificate.
    """

    address: str
    result: str
    reason: str = ""
    status: int | None = None
    sha256: str = ""
    size_bytes: int = 0
    seconds: float = 0.0
    at: str = field(default_factory=lambda: dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat())
    headers: Mapping[str, str] = field(default_factory=dict)
    unreachable: bool = False

    def row(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


class RefusedError(Exception):
    """What was sent is not what was asked for; trying again would not help."""


def session(limits: Limits) -> requests.Session:
    """A session that retries connections and temporary errors, with backoff and jitter, and keeps a Retry-After."""
    retry = Retry(
        total=limits.attempts - 1, backoff_factor=limits.backoff_seconds, backoff_jitter=limits.backoff_seconds / 2,
        status_forcelist=RETRIED_STATUSES, allowed_methods=("GET",), redirect=10, raise_on_status=False,
    )  # fmt: skip
    # Each retry would be a warning of the library's; what came of them all is the outcome, which is kept.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    made = requests.Session()
    made.headers["User-Agent"] = USER_AGENT
    for scheme in ("https://", "http://"):
        made.mount(scheme, HTTPAdapter(max_retries=retry))
    return made


def download(
    address: str, target: Path, limits: Limits, known: Mapping[str, str] | None = None, pages: bool = False
) -> Outcome:  # fmt: skip
    """Fetch `address` to `target`; returns an Outcome and never raises for what a network or a server does.

    `known` are headers of the copy already held (etag, last-modified): the server is asked whether it changed. A body that breaks off is
    resumed where it broke if the server says that it can, else begun again. A web page is refused unless `pages`. On failure nothing is
    left at `target`.
    """
    began = time.monotonic()
    aside = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    status: int | None = None
    headers: dict[str, str] = {}

    def outcome(result: str, reason: str = "", digest: str = "", size: int = 0, unreachable: bool = False) -> Outcome:
        seconds = round(time.monotonic() - began, 3)
        return Outcome(
            address, result, reason, status, digest, size, seconds, headers=headers, unreachable=unreachable
        )  # fmt: skip

    try:
        with session(limits) as http:
            aside.unlink(missing_ok=True)
            for attempt in range(limits.attempts):
                already = aside.stat().st_size if aside.exists() else 0
                answered = False
                try:
                    with http.get(
                        address, stream=True, timeout=(limits.connect_seconds, limits.read_seconds),
                        headers=_ask(known or {}, already, headers),
                    ) as response:  # fmt: skip
                        status, answered = response.status_code, True
                        if status == 304:
                            return outcome("unchanged")
                        if status == 416 and already:
                            aside.unlink()
                            continue
                        response.raise_for_status()
                        if status != 206:
                            already = 0
                            headers.clear()
                        headers |= {n: response.headers[n] for n in KEPT_HEADERS if n in response.headers}
                        if not pages and response.headers.get("content-type", "").startswith("text/html"):
                            raise RefusedError("the server sent a web page in place of the file")
                        _write(response, aside, already, limits, began)
                    break
                except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, requests.Timeout) as error:
                    # No answer at all was tried often enough by the session; what breaks off in the middle is for us to take up.
                    spent = attempt + 1 == limits.attempts or time.monotonic() - began > limits.total_seconds
                    if spent or not answered or isinstance(error, requests.exceptions.RetryError):
                        raise
            else:
                raise RefusedError("the server never sent the whole file")
        with aside.open("rb") as whole:
            if not pages and whole.read(200).lstrip()[:20].lower().startswith(HTML_STARTS):
                raise RefusedError("the server sent a web page in place of the file")
            whole.seek(0)
            digest = hashlib.file_digest(whole, "sha256").hexdigest()
        size = aside.stat().st_size
        aside.replace(target)
        return outcome("fetched", digest=digest, size=size)
    except RefusedError as error:
        return outcome("failed", str(error))
    except requests.HTTPError as error:
        return outcome(
            "failed", f"the server answered {status} {error.response.reason if error.response is not None else ''}".rstrip()
        )
    except requests.TooManyRedirects:
        return outcome("failed", "the server sends on and on (more than 10 redirects)")
    except requests.exceptions.SSLError as error:
        return outcome("failed", f"the server's certificate could not be trusted: {error}", unreachable=True)
    except requests.ConnectTimeout:
        return outcome("failed", f"no connection within {limits.connect_seconds:g} seconds", unreachable=True)
    except requests.Timeout:
        return outcome("failed", f"nothing came for {limits.read_seconds:g} seconds")
    except requests.RequestException as error:
        reason = _innermost(error)
        if isinstance(reason, ReadTimeoutError):
            return outcome("failed", f"nothing came for {limits.read_seconds:g} seconds")
        gone = isinstance(error, requests.exceptions.ProxyError) or isinstance(reason, NewConnectionError)
        said = LIBRARYS_OBJECT.sub("", str(reason))
        return outcome("failed", f"could not be fetched: {said}", unreachable=gone)
    except OSError as error:
        return outcome("failed", f"could not be kept: {error}")
    finally:
        aside.unlink(missing_ok=True)


def _ask(known: Mapping[str, str], already: int, seen: Mapping[str, str]) -> dict[str, str]:
    """Headers of the request: conditional at first, a range when part of the same file is there."""
    if already:
        same = seen.get("etag") or seen.get("last-modified")
        return {"Range": f"bytes={already}-"} | ({"If-Range": same} if same else {})
    asked = {}
    if "etag" in known:
        asked["If-None-Match"] = known["etag"]
    if "last-modified" in known:
        asked["If-Modified-Since"] = known["last-modified"]
    return asked


def _write(response: requests.Response, aside: Path, already: int, limits: Limits, began: float) -> None:
    """The body to `aside`. Refused for a page in place of data, or too many bytes or seconds; ConnectionError for a body cut short."""
    declared = response.headers.get("content-length")
    encoded = response.headers.get("content-encoding", "identity") != "identity"
    if declared is not None and declared.isdigit() and already + int(declared) > limits.bytes:
        raise RefusedError(f"the file is said to have {int(declared):,} bytes; the limit is {limits.bytes:,}")
    written = 0
    with aside.open("ab" if already else "wb") as sink:
        for chunk in _as_they_come(response):
            written += len(chunk)
            if already + written > limits.bytes:
                raise RefusedError(f"the file has more than {limits.bytes:,} bytes, which is the limit")
            if time.monotonic() - began > limits.total_seconds:
                raise RefusedError(f"the file took longer than {limits.total_seconds:g} seconds")
            sink.write(chunk)
    if declared is not None and declared.isdigit() and not encoded and written != int(declared):
        raise requests.ConnectionError(f"{written:,} of {int(declared):,} bytes came")
    if already + written == 0:
        raise RefusedError("the file is empty")


def _as_they_come(response: requests.Response) -> Iterator[bytes]:
    """Bytes as soon as some are there: waiting for a full chunk, a server that sends one byte a second would never be out of time."""
    try:
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            yield chunk
    except ReadTimeoutError as error:
        raise requests.Timeout(error) from error
    except HTTPError as error:
        raise requests.ConnectionError(error) from error


def _innermost(error: BaseException) -> BaseException:
    """What was at the bottom of a chain of errors that wrap each other."""
    while (inner := getattr(error, "reason", None) or (error.args[0] if error.args else None)) and isinstance(
        inner, BaseException
    ):
        error = inner
    return error


def host_of(address: str) -> str:
    """The host an address is on, to be polite to."""
    return urlsplit(address).netloc
