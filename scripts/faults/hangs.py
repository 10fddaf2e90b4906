"""A disk that hangs while people look at pictures on it, and what probes are told meanwhile."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import requests

from scripts.faults.setups import Setup
from scripts.faults.storage import Storage

ANSWERED = 10.0  # seconds in which a probe is, at the most
PAUSE = 0.5  # seconds between two
VIEWERS = 30  # more than there are threads for pages


def hang(site: Setup, storage: Storage, seconds: float) -> int:
    """Stored files, for so long; returns how many calls waited.

    Meanwhile `/healthz` says that the process lives, and `/readyz` that it can't work.
    """
    answers: dict[str, list[int]] = {"/healthz": [], "/readyz": []}
    wanted = _pictures(site)
    with ThreadPoolExecutor(VIEWERS) as viewers, storage.hanging():
        until = time.monotonic() + seconds
        for each in wanted:
            viewers.submit(site.browser.get, site.address + each, timeout=seconds * 2)
        while time.monotonic() < until:
            for path, found in answers.items():
                found.append(_probe(site, path))
            time.sleep(PAUSE)
        hits = storage.hits
    if set(answers["/healthz"]) != {200} or answers["/readyz"][-1] != requests.codes.unavailable:
        site.troubles.append(f"While stored files hung, probes were answered with {answers}.")
    return hits


def _probe(site: Setup, path: str) -> int:
    """The status; 0 if there was no answer."""
    try:
        return requests.get(site.address + path, timeout=ANSWERED).status_code
    except requests.RequestException:
        return 0


def _pictures(site: Setup) -> list[str]:
    done = site.rows("SELECT id FROM video_classifier_analysis WHERE status = 'done' LIMIT 10")
    names = [
        f"/results/{site.key_of(pk)}/frames/{number}.jpg" for (pk,) in done for number in (0, 1)
    ]
    return (names * VIEWERS)[:VIEWERS]
