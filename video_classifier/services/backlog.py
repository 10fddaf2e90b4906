"""How many jobs of each kind wait and run, how long the first has waited, and how many ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Min, Q
from django.db.models.functions import Greatest

from video_classifier.models import (
    BrowserCopy,
    CaseExport,
    Delivery,
    HeatMap,
    Improvement,
    Job,
    Segment,
    SegmentCopy,
)
from video_classifier.querysets import JobQuerySet
from video_classifier.services import database, jobs
from video_classifier.states import Status

ALERTS = "alerts"
ROWS: dict[str, tuple[type[Job], ...]] = {  # kinds as run_worker names them
    "segments": (Segment,),
    "heat_maps": (HeatMap,),
    "case_exports": (CaseExport,),
    "copies": (BrowserCopy, SegmentCopy),
    "improvements": (Improvement,),
    ALERTS: (Delivery,),
}
ENDED = (Status.DONE, Status.FAILED, Status.CANCELLED)
COUNT_SECONDS = 60.0  # from count to count of what ended, which reads all rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Of one kind of jobs."""

    waiting: int  # and may be claimed now
    running: int  # with a worker that shows life
    oldest: timedelta  # how long the first of these has waited; none: zero


def of_each_kind() -> dict[str, Backlog]:
    return {kind: _backlog(rows) for kind, rows in ROWS.items()}


def stuck_for(backlogs: Mapping[str, Backlog]) -> timedelta:
    """How long the oldest job has waited, if no worker does any; else zero.

    A long queue that moves is only long. Alerts have threads of their own, which show nothing of
    workers.
    """
    of_workers = [backlog for kind, backlog in backlogs.items() if kind != ALERTS]
    if any(each.running for each in of_workers):
        return timedelta()
    return max(each.oldest for each in of_workers)


def _backlog(kinds: tuple[type[Job], ...]) -> Backlog:
    now = database.now()
    waiting, running, since = 0, 0, now
    for rows in kinds:
        every: JobQuerySet[Job] = JobQuerySet(rows)
        found = jobs.ready(every).aggregate(
            count=Count("pk"), since=Min(Greatest("waiting_since", "not_before"))
        )
        waiting += found["count"]
        since = min(since, found["since"] or now)
        alive = Q(status=Status.RUNNING, heartbeat_at__gte=now - settings.ANALYSIS_LEASE)
        running += every.filter(alive).count()
    return Backlog(waiting=waiting, running=running, oldest=now - since)


class _Counts:
    """How many ended how; asked of the database once in a while."""

    def __init__(self) -> None:
        self._at = float("-inf")
        self._found: dict[tuple[str, str], int] = {}

    def get(self) -> Mapping[tuple[str, str], int]:
        now = time.monotonic()
        if now - self._at > COUNT_SECONDS:
            self._found, self._at = _ended(), now
        return self._found

    def forget(self) -> None:
        self._at = float("-inf")


counts = _Counts()


def ended() -> Mapping[tuple[str, str], int]:
    """By kind and status, as of less than a minute ago. What was deleted isn't counted."""
    return counts.get()


def _ended() -> dict[tuple[str, str], int]:
    found = {(kind, status.value): 0 for kind in ROWS for status in ENDED}
    for kind, of_kind in ROWS.items():
        for rows in of_kind:
            every: JobQuerySet[Job] = JobQuerySet(rows)
            by_status = every.order_by().values_list("status").annotate(count=Count("pk"))
            for status, count in by_status.filter(status__in=ENDED):
                found[kind, status] += count
    return found
