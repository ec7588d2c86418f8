"""Word of what needs a person (a run that failed, a look that saw nothing): a line in `data/releases/failures.jsonl`, and a message to `ASC_NOTIFY` where that is set.

The address is a secret (a webhook's token is part of it): the line has its host alone, and only its owner may read the file.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import re
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import dagster as dg

from orchestration.settings import Settings

SECONDS = 8
OUR_ERRORS = re.compile(r"^(orchestration|expectations)(\.\w+)+: ")
"""The name of a class of this project before its sentence: the sentence is enough."""


def reasons(instance: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """Why each step of a run failed, in the words of what failed: the sentence of a gate, not the name of the exception around it."""
    said: dict[str, str] = {}
    for entry in instance.all_logs(
        run_id, of_type={dg.DagsterEventType.ASSET_CHECK_EVALUATION, dg.DagsterEventType.STEP_FAILURE}
    ):
        event = entry.dagster_event
        if event is None or event.step_key is None:
            continue
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed and check.blocking:
                said[event.step_key] = check.description or check.check_name
        else:
            said.setdefault(event.step_key, reason(event))
    return said


def reason(event: dg.DagsterEvent) -> str:
    """The innermost cause of a step's failure, in its own words."""
    failure: Any = event.event_specific_data
    user = getattr(failure, "user_failure_data", None)
    if user is not None and user.description:
        return str(user.description)
    error = getattr(failure, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return OUR_ERRORS.sub("", str(error.message)).strip() if error is not None else "no reason was given"


def tell(settings: Settings, what: Mapping[str, object]) -> dict[str, object]:
    """Write down that something needs a person, then tell the address; one that does not answer changes nothing but is written down too."""
    said: dict[str, object] = {"at": dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat(), **what}
    if settings.notify:
        import httpx

        host = urlsplit(settings.notify).hostname or ""
        try:
            _refuse_inside(host)
            answer = httpx.post(settings.notify, json=said, timeout=SECONDS, follow_redirects=False)
            if not answer.is_success:
                raise httpx.HTTPError(f"answered {answer.status_code}")
            said["told"] = host
        except (httpx.HTTPError, OSError) as error:
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
