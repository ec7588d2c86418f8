"""A publisher on loopback for tests: serves bytes at their paths, with faults on demand, and ends with the test."""

from __future__ import annotations

import gzip
import threading
import time
from collections import Counter
from collections.abc import Iterator
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
