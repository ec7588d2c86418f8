"""Word of a run that failed: a line in `data/releases/failures.jsonl`, and a message to `ASC_NOTIFY` where that is set."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping

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

        try:
            requests.post(settings.notify, json=said, timeout=SECONDS).raise_for_status()
            said["told"] = settings.notify
        except requests.RequestException as error:
            said["not_told"] = f"{settings.notify}: {error}"
    settings.releases_dir.mkdir(parents=True, exist_ok=True)
    with (settings.releases_dir / "failures.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(said) + "\n")
    return said
