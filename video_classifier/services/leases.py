"""Claims a job's row, and holds on to it while the job runs, by signs of life."""

from __future__ import annotations

import logging
import threading
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


@contextmanager
def beating(beat: Callable[[], None]) -> Iterator[None]:
    """Calls `beat` from a thread of its own: reading a long clip leaves no time for it.

    No more once `beat` raises LeaseLostError: the run finds out by itself.
    """
    finished = threading.Event()
    ticker = threading.Thread(target=_tick, args=(beat, finished), daemon=True)
    ticker.start()
    try:
        yield
    finally:
        finished.set()
        ticker.join()


def _tick(beat: Callable[[], None], finished: threading.Event) -> None:
    try:
        while not finished.wait(settings.ANALYSIS_HEARTBEAT.total_seconds()):
            try:
                beat()
            except DatabaseError:  # busy; the lease outlasts a missed beat
                logger.warning("a sign of life could not be written", exc_info=True)
    except LeaseLostError:
        return
    finally:
        connection.close()
