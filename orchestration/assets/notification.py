"""Word of a run that failed: a line in `data/releases/failures.jsonl`, and a message to `ASC_NOTIFY` where that is set.

The address is a secret (a webhook's token is part of it): the line has its host alone, and only its owner may read the file.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from orchestration.settings import Settings

SECONDS = 10


def tell_of_failure(settings: Settings, run_id: str, job: str, message: str, steps: Mapping[str, str]) -> dict[str, object]:
    """Write the failure down, then tell the address; an address that does not answer changes nothing but is written down too."""
    said: dict[str, object] = {
        "at": dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat(),
        "run_id": run_id,
        "job": job,
        "message": message,
        "steps": dict(steps),
    }
    if settings.notify:
        import requests

        host = urlsplit(settings.notify).hostname or ""
        try:
            _refuse_inside(host)
            answer = requests.post(settings.notify, json=said, timeout=SECONDS, allow_redirects=False)
            if not answer.ok or answer.is_redirect:
                raise requests.RequestException(f"answered {answer.status_code}")
            said["told"] = host
        except (requests.RequestException, OSError) as error:
            # the address holds a token as often as not, and so do the library's own words: only the host and the kind of fault are kept
            told = str(error) if isinstance(error, _RefusedError) or "answered" in str(error) else type(error).__name__
            said["not_told"] = f"{host}: {told}"
    settings.releases_dir.mkdir(parents=True, exist_ok=True)
    path = settings.releases_dir / "failures.jsonl"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as log:
        log.write(json.dumps(said) + "\n")
    return said


class _RefusedError(OSError):
    """An address that nothing is sent to."""


def _refuse_inside(host: str) -> None:
    """Nothing is sent to link-local, multicast or unspecified addresses (a cloud's metadata service is one). _RefusedError says so."""
    for *_, address in socket.getaddrinfo(host, None):
        found = ipaddress.ip_address(str(address[0]).partition("%")[0])
        if found.is_link_local or found.is_multicast or found.is_unspecified:
            raise _RefusedError(f"{found} is no address to tell people at")
