"""One download: streamed aside, checked, renamed; or an outcome that says why not. A file is never half there.

The transport is httpx's, the clock anyio's: one deadline stands over the whole of a download (name, connection, headers, chunks, retries,
waits and redirects), and nothing a server does extends it. What is here is the policy: what is asked for, what is believed, what is
refused. Certificates are always checked; proxies come from the usual environment variables.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import ipaddress
import os
import random
import socket
import time
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies

import anyio
import httpx

USER_AGENT: Final = (
    "asc-productivity-index/0.1 (open index of adult social care productivity; reads published statistics once a year)"
)
TEMPORARY: Final = (408, 425, 429, 500, 502, 503, 504)
REDIRECTS: Final = 10
HTML_STARTS: Final = (b"<!doctype html", b"<html", b"<head")
KEPT_HEADERS: Final = ("etag", "last-modified", "content-type", "content-length", "date")
VALIDATORS: Final = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


@dataclass(frozen=True)
class Limits:
    """What a download may take: seconds to connect, between bytes and in all; bytes; times it is tried."""

    connect_seconds: float = 10
    read_seconds: float = 30
    total_seconds: float = 300
    bytes: int = 200_000_000
    attempts: int = 4
    backoff_seconds: float = 1.0


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt at one address: a row that is kept and can be queried.

    `result` is fetched, unchanged (the publisher says so, or the bytes are the same) or failed; `reason` is a sentence for failed.
    `unreachable` says that there is nobody to ask: no name, no connection, no trusted certificate. `dripped` says that the time ran out
    while a server went on answering.
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
    dripped: bool = False

    def row(self) -> dict[str, object]:
        """As plain values; a reason of any length takes a line that a person can read."""
        said = asdict(self)
        return said | {"reason": shortened(self.reason)}


class RefusedError(Exception):
    """What was sent is not what was asked for; trying again would not help."""


class _UnansweredError(Exception):
    """Trying again might help: a temporary error, or a body that broke off. `wait_seconds` is what the server asked for."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


def shortened(text: str, most: int = 2_000) -> str:
    """The text, or its first and last words with how much was left out."""
    return (
        text if len(text) <= most else f"{text[: most // 2]} … ({len(text) - most:,} characters left out) … {text[-most // 2 :]}"
    )


def download(
    address: str,
    target: Path,
    limits: Limits,
    known: Mapping[str, str] | None = None,
    *,
    pages: bool = False,
    private: bool = False,
) -> Outcome:
    """Fetch `address` to `target`; returns an Outcome and never raises for what a network or a server does.

    `known` are headers of the copy that is held of this very address (etag, last-modified): the server is asked whether it changed. A body
    that breaks off is taken up where it broke if the server proves that it is the same body, else begun again. A web page is refused unless
    `pages`. No redirect is followed to another scheme than https, nor to a private or link-local address, unless `private` (a setting) or
    to the host that was asked in the first place. On failure nothing is left at `target`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    attempt = _Download(address, target.with_name(target.name + ".part"), limits, dict(known or {}), pages, private)
    began = time.monotonic()
    try:
        result = anyio.run(attempt.run)
        if result["result"] == "fetched":
            attempt.aside.replace(target)
    finally:
        attempt.aside.unlink(missing_ok=True)
    seconds = round(time.monotonic() - began, 3)
    return Outcome(**(result | {"address": address, "status": attempt.status, "seconds": seconds, "headers": attempt.headers}))


@dataclass
class _Download:
    """The state of one download: what came so far, and from which answer."""

    address: str
    aside: Path
    limits: Limits
    known: dict[str, str]
    pages: bool
    private: bool
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)

    async def run(self) -> dict[str, Any]:
        """Result, reason, hash and size, as an Outcome has them."""
        self.aside.unlink(missing_ok=True)
        try:
            with anyio.fail_after(self.limits.total_seconds):
                return await self._tries()
        except TimeoutError:
            reason = f"it took longer than {self.limits.total_seconds:g} seconds"
            return {"result": "failed", "reason": reason, "dripped": True}
        except RefusedError as error:
            return {"result": "failed", "reason": str(error)}
        except _UnansweredError as error:
            return {"result": "failed", "reason": f"could not be fetched: {error}"}
        except httpx.ConnectTimeout:
            return {
                "result": "failed",
                "reason": f"no connection within {self.limits.connect_seconds:g} seconds",
                "unreachable": True,
            }
        except httpx.TimeoutException:
            return {"result": "failed", "reason": f"nothing came for {self.limits.read_seconds:g} seconds"}
        except (httpx.ConnectError, httpx.ProxyError) as error:
            what = "the server's certificate could not be trusted" if _is_certificate(error) else "could not be fetched"
            return {"result": "failed", "reason": f"{what}: {_innermost(error)}", "unreachable": True}
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return {"result": "failed", "reason": f"could not be fetched: {_innermost(error)}"}
        except OSError as error:
            return {"result": "failed", "reason": f"could not be kept: {error}"}

    async def _tries(self) -> dict[str, Any]:
        """Attempts with growing waits, or the wait the server asks for, as long as the deadline lets them."""
        limits, end = self.limits, anyio.current_effective_deadline()
        timeout = httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds)
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        async with httpx.AsyncClient(timeout=timeout, headers=headers, follow_redirects=False) as client:
            for attempt in range(limits.attempts):
                try:
                    return await self._try(client)
                except (
                    _UnansweredError,
                    httpx.RemoteProtocolError,
                    httpx.ReadError,
                    httpx.ReadTimeout,
                    httpx.ConnectError,
                ) as error:
                    asked = getattr(error, "wait_seconds", None)
                    wait = asked if asked is not None else limits.backoff_seconds * 2**attempt * random.uniform(0.75, 1.25)
                    if attempt + 1 == limits.attempts or _is_certificate(error):
                        raise
                    if anyio.current_time() + wait > end:
                        raise RefusedError(f"{error}; the server asks to wait {wait:g} seconds, longer than is left") from error
                    await anyio.sleep(wait)
        raise RefusedError("the server never sent the whole file")

    async def _try(self, client: httpx.AsyncClient) -> dict[str, Any]:
        already = self.aside.stat().st_size if self.aside.exists() else 0
        asked = self._ask(already)
        response = await self._follow(client, client.build_request("GET", self.address, headers=asked))
        try:
            self.status = response.status_code
            if response.status_code == 304:
                if "Range" in asked or not asked:
                    raise RefusedError("the server says that nothing changed, and nothing of this address is held")
                self.aside.unlink(missing_ok=True)
                return {"result": "unchanged"}
            if response.status_code in TEMPORARY:
                raise _UnansweredError(f"the server answered {_status(response)}", _retry_after(response))
            if response.status_code == 416 and already:
                self.aside.unlink()
                raise _UnansweredError("the server has no such part of the file", 0)
            if not response.is_success:
                raise RefusedError(f"the server answered {_status(response)}")
            already = self._goes_on(response, already)
            if not already:
                self.headers = {n: response.headers[n] for n in KEPT_HEADERS if n in response.headers}
            if not self.pages and response.headers.get("content-type", "").startswith("text/html"):
                raise RefusedError("the server sent a web page in place of the file")
            await self._write(response, already)
        finally:
            await response.aclose()
        return self._whole()

    def _ask(self, already: int) -> dict[str, str]:
        """Headers of the request: conditional at first; a range when part of a file is there that a strong validator names."""
        etag = self.headers.get("etag", "")
        if already and etag.startswith('"'):
            return {"Range": f"bytes={already}-", "If-Range": etag}
        self.aside.unlink(missing_ok=True)
        return {VALIDATORS[name]: self.known[name] for name in VALIDATORS if name in self.known}

    def _goes_on(self, response: httpx.Response, already: int) -> int:
        """How many bytes of those that are here the answer goes on from: all, or none and it is begun again.

        RefusedError for a part of a file that is not the part asked for, or not of the same file.
        """
        if response.status_code != 206:
            self.aside.unlink(missing_ok=True)
            return 0
        said = response.headers.get("content-range", "")
        etag = response.headers.get("etag", self.headers.get("etag"))
        if not already or not said.startswith(f"bytes {already}-") or etag != self.headers.get("etag"):
            raise RefusedError(f"the server sent a part that was not asked for ({said or 'it does not say which'})")
        return already

    async def _follow(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        """The answer at the end of redirects. RefusedError for one that leads where no publisher's file is."""
        for _ in range(REDIRECTS + 1):
            response = await client.send(request, stream=True)
            await self._refuse_private(request.url, response)
            if response.next_request is None:
                return response
            await response.aclose()
            request = response.next_request
            first = httpx.URL(self.address)
            if (request.url.scheme, request.url.host) != (first.scheme, first.host):
                if request.url.scheme != "https" and not self.private:
                    raise RefusedError(f"it leads to {request.url.scheme}://{request.url.host}, which is not https")
                await self._refuse_names_of_private(request.url)
        raise RefusedError(f"the server sends on and on (more than {REDIRECTS} redirects)")

    async def _refuse_names_of_private(self, url: httpx.URL) -> None:
        """Before anything is sent there."""
        if self.private or _proxied(url):
            return
        try:
            found = await anyio.getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
        except OSError as error:
            raise RefusedError(f"it leads to {url.host}, which has no address: {error}") from error
        for *_, peer in found:
            if not _is_public(str(peer[0])):
                raise RefusedError(f"it leads to {url.host}, a private address ({peer[0]})")

    async def _refuse_private(self, url: httpx.URL, response: httpx.Response) -> None:
        """Whoever answered: a name may have meant another address when the connection was made."""
        if self.private or url.host == httpx.URL(self.address).host or _proxied(url):
            return
        stream = response.extensions.get("network_stream")
        peer = stream.get_extra_info("server_addr") if stream is not None else None
        if peer and not _is_public(str(peer[0])):
            await response.aclose()
            raise RefusedError(f"{url.host} is a private address ({peer[0]})")

    async def _write(self, response: httpx.Response, already: int) -> None:
        """The body to `aside`. Refused for too many bytes; _UnansweredError for one cut short."""
        most = self.limits.bytes
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and already + int(declared) > most:
            raise RefusedError(f"the file is said to have {int(declared):,} bytes; the limit is {most:,}")
        written = already
        with self.aside.open("ab" if already else "wb") as sink:
            async for chunk in _unpacked(response, most):
                written += len(chunk)
                if written > most:
                    raise RefusedError(f"the file has more than {most:,} bytes, which is the limit")
                sink.write(chunk)
        if written == 0:
            raise RefusedError("the file is empty")

    def _whole(self) -> dict[str, Any]:
        with self.aside.open("rb") as whole:
            if not self.pages and whole.read(200).lstrip()[:20].lower().startswith(HTML_STARTS):
                raise RefusedError("the server sent a web page in place of the file")
            whole.seek(0)
            digest = hashlib.file_digest(whole, "sha256").hexdigest()
        return {"result": "fetched", "sha256": digest, "size_bytes": self.aside.stat().st_size}


async def _unpacked(response: httpx.Response, most: int) -> AsyncIterator[bytes]:
    """Bytes as they come; a body packed for the way (nobody asked for it) is unpacked, and must come to its own end."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        async for chunk in response.aiter_raw():
            yield chunk
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise RefusedError(f"the file is packed as {encoding}, which was not asked for")
    unpack = zlib.decompressobj(wbits=47)
    packed = 0
    async for chunk in response.aiter_raw():
        packed += len(chunk)
        if packed > most:
            raise RefusedError(f"the file has more than {most:,} bytes, which is the limit")
        try:
            yield unpack.decompress(chunk, most)
            while unpack.unconsumed_tail:
                yield unpack.decompress(unpack.unconsumed_tail, most)
        except zlib.error as error:
            raise _UnansweredError(f"the packed body is damaged ({error})") from error
    if not unpack.eof:
        raise _UnansweredError(f"the packed body stops before its end, after {packed:,} bytes")


def _innermost(error: BaseException) -> str:
    """What was at the bottom of errors that wrap each other, or that were gathered: 'Connection refused'."""
    while True:
        inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error.__context__
        if inner is None:
            if isinstance(error, OSError) and error.errno is not None and error.errno in errno.errorcode:
                return os.strerror(error.errno)
            return (str(error) or type(error).__name__).strip()
        error = inner


def _is_certificate(error: Exception) -> bool:
    return isinstance(error, httpx.ConnectError) and "CERTIFICATE" in str(error).upper()


def _status(response: httpx.Response) -> str:
    return f"{response.status_code} {response.reason_phrase}".strip()


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait, said as a number or as a date."""
    said = response.headers.get("retry-after", "").strip()
    if said.isdigit():
        return float(said)
    try:
        return float(max(0.0, (parsedate_to_datetime(said) - dt.datetime.now(dt.UTC)).total_seconds()))
    except (TypeError, ValueError):
        return None


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.split("%", maxsplit=1)[0]).is_global
    except ValueError:
        return False


def _proxied(url: httpx.URL) -> bool:
    """Whether a proxy of the environment asks in our place: then who answers is the proxy."""
    return any(scheme in getproxies() for scheme in (url.scheme, "all"))


def host_of(address: str) -> str:
    """The host an address is on, to be polite to."""
    return urlsplit(address).netloc
