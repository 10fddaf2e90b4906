"""Claims a job's row, and holds on to it while the job runs, by signs of life."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F
from django.utils import timezone

from video_classifier.querysets import Job, JobQuerySet
from video_classifier.states import Status

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # from look to look whether a running job is still wanted


class LeaseLostError(Exception):
    """The run was given up as stalled or its clip deleted; another worker may hold it now."""


def claim_next(
    jobs: JobQuerySet[Job], *, worker: str, related: str, **changes: object
) -> Job | None:
    """The job that waits the longest, now running for `worker`, or None.

    Of workers that see the same row, the database lets one UPDATE find it still
    queued; the others go on to the next.
    """
    while waiting := jobs.waiting().first():
        claimed = jobs.filter(pk=waiting.pk, status=Status.QUEUED).update(
            status=Status.RUNNING,
            worker=worker,
            attempts=F("attempts") + 1,
            heartbeat_at=timezone.now(),
            **changes,
        )
        if claimed:
            return jobs.select_related(related).filter(pk=waiting.pk).first()
    return None


def requeue_stalled(
    jobs: JobQuerySet[Job],
    *,
    lease: timedelta,
    waiting: Mapping[str, object],
    failed: Mapping[str, object],
) -> int:
    """Puts back what a dead worker left running; says how many.

    What has stopped too often fails: it may be what kills the workers.
    """
    stalled = jobs.stalled(before=timezone.now() - lease)
    if not stalled.exists():  # the usual case writes nothing
        return 0
    given_up = stalled.filter(attempts__gte=settings.ANALYSIS_ATTEMPTS)
    given_up.update(status=Status.FAILED, **failed)
    return stalled.update(status=Status.QUEUED, **waiting)


class Pace:
    """Says yes once in so many seconds, the first time after as many."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


class Lease:
    """What a run has of its row, as far as the last sign of life tells."""

    def __init__(self) -> None:
        self._lost = threading.Event()

    def lose(self) -> None:
        self._lost.set()

    def check(self) -> None:
        """Raises LeaseLostError."""
        if self._lost.is_set():
            msg = "the run was given up, or its clip deleted"
            raise LeaseLostError(msg)


@contextmanager
def beating(beat: Callable[[], None], *, is_held: Callable[[], bool]) -> Iterator[Lease]:
    """Calls `beat` from a thread of its own: reading a long clip leaves no time for it.

    `is_held` is asked more often. The lease that this gives is lost once either says so.
    """
    finished, lease = threading.Event(), Lease()
    ticker = threading.Thread(target=_tick, args=(beat, is_held, lease, finished), daemon=True)
    ticker.start()
    try:
        yield lease
    finally:
        finished.set()
        ticker.join()


def _tick(
    beat: Callable[[], None],
    is_held: Callable[[], bool],
    lease: Lease,
    finished: threading.Event,
) -> None:
    pause = settings.ANALYSIS_HEARTBEAT.total_seconds()
    due = time.monotonic() + pause
    try:
        while not finished.wait(min(LOOK_SECONDS, pause)):
            try:
                if time.monotonic() >= due:
                    beat()
                    due = time.monotonic() + pause
                elif not is_held():
                    lease.lose()
                    return
            except DatabaseError:  # busy; the lease outlasts a missed beat
                logger.warning("a sign of life could not be written", exc_info=True)
    except LeaseLostError:
        lease.lose()
    finally:
        connection.close()
