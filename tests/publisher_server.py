"""A publisher on loopback for tests: serves bytes at their paths, with faults on demand, and ends with the test."""

from __future__ import annotations

import gzip
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Publisher:
    """What is served. `faults` has for a path the faults of its first requests, in order; the last one stays if it ends in `!`."""

    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    ranges: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    most_at_once: int = 0
    address: str = ""
    etag: str = '"one"'
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, path: str) -> str:
        """The fault of this request."""
        waiting = self.faults.get(path, [])
        if not waiting:
            return ""
        return waiting[0].rstrip("!") if waiting[0].endswith("!") else waiting.pop(0)


DRIP_SECONDS = 0.05


def _drip(handler: BaseHTTPRequestHandler, content: bytes, times: int = 400) -> None:
    """A byte at a time, over and over, until the other side has had enough."""
    for n in range(times):
        handler.wfile.write(content[n % len(content) : n % len(content) + 1])
        handler.wfile.flush()
        time.sleep(DRIP_SECONDS)


def _raw(head: bytes) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    """An answer written as bytes, then the end of the connection."""

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.wfile.write(head.replace(b"<body>", body).replace(b"<size>", b"%d" % len(body)))
        handler.wfile.flush()
        handler.close_connection = True

    return answer


def _head_then_drip(head: bytes, content: bytes) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.wfile.write(head)
        handler.wfile.flush()
        _drip(handler, content)
        handler.close_connection = True

    return answer


OK = b"HTTP/1.1 200 OK\r\n"
EMPTY_GZIP = gzip.compress(b"")
BEHAVIOURS: dict[str, Callable[[BaseHTTPRequestHandler, bytes], None]] = {
    "drips the status": _head_then_drip(b"", b"HTTP/1.1 200 OK"),
    "drips headers": _head_then_drip(OK, b"X-Wait: yes\r\n"),
    "drips one header": _head_then_drip(OK + b"X-Wait: ", b"y"),
    "drips the body": _head_then_drip(OK + b"Content-Length: 900000\r\n\r\n", b"x"),
    "drips without a length": _head_then_drip(OK + b"\r\n", b"x"),
    "drips chunk sizes": _head_then_drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "drips empty chunk extensions": _head_then_drip(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a"),
    "drips trailers": _head_then_drip(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X-Wait: yes\r\n"),
    "drips empty gzip blocks": _head_then_drip(OK + b"Content-Encoding: gzip\r\n\r\n", EMPTY_GZIP),
    "drips a redirect": _head_then_drip(b"HTTP/1.1 302 Found\r\nLocation: /x", b"x"),
    "waits for hours": _raw(b"HTTP/1.1 503 Busy\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n"),
    "waits for days by date": _raw(
        b"HTTP/1.1 429 Busy\r\nRetry-After: Fri, 01 Jan 2055 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n"
    ),
    "says unchanged of nothing": _raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "a part nobody asked for": _raw(b"HTTP/1.1 206 Part\r\nContent-Range: bytes 5-9/100\r\nContent-Length: 5\r\n\r\nabcde"),
    "a part that does not say which": _raw(b"HTTP/1.1 206 Part\r\nContent-Length: 5\r\n\r\nabcde"),
    "gzip that stops": _raw(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"abc" * 9_000)[:-9]),
    "gzip without its last byte": _raw(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"abc" * 9_000)[:-1]),
    "gzip that is none": _raw(OK + b"Content-Encoding: gzip\r\nContent-Length: <size>\r\n\r\n<body>"),
    "a packed bomb": _raw(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 30_000_000)),
    "packed as nobody knows": _raw(OK + b"Content-Encoding: br\r\nContent-Length: <size>\r\n\r\n<body>"),
    "leads to plain http elsewhere": _raw(
        b"HTTP/1.1 302 Found\r\nLocation: http://www.example.org/x\r\nContent-Length: 0\r\n\r\n"
    ),
    "leads to a private address": _raw(b"HTTP/1.1 302 Found\r\nLocation: https://10.0.0.1/x\r\nContent-Length: 0\r\n\r\n"),
    "leads to a link-local address": _raw(
        b"HTTP/1.1 302 Found\r\nLocation: https://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n"
    ),
    "leads to this machine by name": _raw(b"HTTP/1.1 302 Found\r\nLocation: https://localhost/x\r\nContent-Length: 0\r\n\r\n"),
    "leads to a file": _raw(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
    "leads nowhere": _raw(b"HTTP/1.1 302 Found\r\nLocation: https://[bad\r\nContent-Length: 0\r\n\r\n"),
    "no http at all": _raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "closes at once": _raw(b""),
    "headers without end": _raw(OK + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 900) for n in range(400))),
    "a header too long": _raw(OK + b"X: " + b"y" * 300_000 + b"\r\n\r\n"),
    "two lengths": _raw(OK + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nabcdefg"),
    "less than its length": _raw(OK + b"Content-Length: 500000\r\n\r\nabc"),
    "a length below nothing": _raw(OK + b"Content-Length: -5\r\n\r\nabcde"),
    "bad chunks": _raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"),
    "a chunk larger than the limit": _raw(OK + b"Transfer-Encoding: chunked\r\n\r\n7fffffff\r\nabc"),
    "half the chunks at once": _raw(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
    "hundreds of provisional answers": _raw(
        b"HTTP/1.1 100 Continue\r\n\r\n" * 300 + b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
    ),
    "status 700": _raw(b"HTTP/1.1 700 What\r\nContent-Length: 0\r\n\r\n"),
    "status 204": _raw(b"HTTP/1.1 204 Nothing\r\n\r\n"),
    "a page named data": _raw(OK + b"Content-Type: text/csv\r\nContent-Length: 22\r\n\r\n  <!DOCTYPE html><p>no"),
    "empty with a length": _raw(OK + b"Content-Length: 0\r\n\r\n"),
}
"""Forty ways in which no file comes. What a client makes of each is its outcome; none may hold it beyond its deadline."""


def _handler(publisher: Publisher) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            with publisher._lock:
                publisher._now += 1
                publisher.most_at_once = max(publisher.most_at_once, publisher._now)
                publisher.asked[self.path] += 1
                publisher.agents.add(self.headers.get("User-Agent", ""))
                if "Range" in self.headers:
                    publisher.ranges.append(self.headers["Range"])
            try:
                self._answer(publisher.fault(self.path))
            except (BrokenPipeError, ConnectionResetError):
                pass
            finally:
                with publisher._lock:
                    publisher._now -= 1

        def _answer(self, fault: str) -> None:
            body = publisher.files.get(self.path)
            if fault.isdigit():
                self._send(int(fault), b"no", {})
            elif fault == "hang":
                time.sleep(3)
            elif fault == "loop":
                self._send(302, b"", {"Location": self.path})
            elif fault == "page":
                self._send(200, b"<!DOCTYPE html><p>Sorry", {"Content-Type": "text/html; charset=utf-8"})
            elif fault == "page as data":
                self._send(200, b"\n<HTML><p>Sorry", {"Content-Type": "application/vnd.ms-excel"})
            elif fault == "huge":
                self._head(200, {"Content-Length": str(5 << 30)})
            elif fault == "empty":
                self._send(200, b"", {})
            elif body is None:
                self._send(404, b"no", {})
            elif fault == "cut":
                self._head(200, {"Content-Length": str(len(body)), "ETag": publisher.etag})
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                self.close_connection = True
            elif fault == "endless":
                self._head(200, {"Transfer-Encoding": "chunked"})
                for _ in range(4000):
                    self.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            elif fault in {"chunks", "half the chunks"}:
                self._head(200, {"Transfer-Encoding": "chunked"})
                for start in range(0, len(body) if fault == "chunks" else len(body) // 2, 10_000):
                    part = body[start : start + 10_000]
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                if fault == "chunks":
                    self.wfile.write(b"0\r\n\r\n")
                self.close_connection = True
            elif fault == "gzip":
                self._send(200, gzip.compress(body), {"Content-Encoding": "gzip"})
            elif fault in BEHAVIOURS:
                BEHAVIOURS[fault](self, body)
            elif fault == "new version":
                self._send(200, body[::-1], {"ETag": '"two"'})
            elif fault == "a part of another version":
                start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
                where = f"bytes {start}-{len(body) - 1}/{len(body)}"
                self._send(206, body[::-1][start:], {"ETag": '"two"', "Content-Range": where})
            elif fault == "slow":
                self._head(200, {"Content-Length": str(len(body))})
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.05)
            elif self.headers.get("If-None-Match") == publisher.etag:
                self._send(304, b"", {})
            elif (asked := self.headers.get("Range")) and fault != "no ranges":
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                self._send(
                    206, body[start:], {"ETag": publisher.etag, "Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
                )
            else:
                self._send(200, body, {"ETag": publisher.etag, "Content-Type": "application/octet-stream"})

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self._head(status, {"Content-Length": str(len(body))} | headers)
            self.wfile.write(body)

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: a client that gave up is what tests are about."""


@contextmanager
def serve(publisher: Publisher) -> Iterator[Publisher]:
    """Serve until the block ends; `publisher.address` is where."""
    server = _Server(("127.0.0.1", 0), _handler(publisher))
    server.daemon_threads = True
    publisher.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield publisher
    finally:
        server.shutdown()
        server.server_close()
