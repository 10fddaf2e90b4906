"""The background thread: one a process, one clip at a time, the database as its only queue."""

from __future__ import annotations

import atexit
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from video_classifier.models import Analysis
from video_classifier.services import analyses, clips, heat_maps, housekeeping
from video_classifier.services.jobs import LOOK_SECONDS, LeaseLostError, Pace

logger = logging.getLogger(__name__)

IDLE_SECONDS = 5.0  # until a look at the queue that nobody asked for
PAUSE_SECONDS = 2.0  # after something broke
FAREWELL_SECONDS = 5.0  # for the thread to come to an end with its process


def wake() -> None:
    """Says that there is work; starts this process's thread if it isn't running."""
    if settings.RUNNER == "thread":
        _worker.wake()


def start() -> None:
    """At server start: goes on with what an earlier process left, and tidies up every day."""
    try:
        Analysis.objects.exists()
    except DatabaseError:
        logger.warning("The database has no tables yet: run `manage.py migrate`.")
    else:
        wake()
    finally:
        close_old_connections()


def step(*, worker: str, ending: Callable[[], bool] = lambda: False) -> bool:
    """Does one piece of work, clips before anything else; says if there was any."""
    analyses.requeue_stalled(lease=settings.ANALYSIS_LEASE)
    analysis = analyses.claim_next(worker=worker)
    if analysis is None:
        proceed = partial(_nothing_better, ending, Pace(LOOK_SECONDS))
        return heat_maps.make_next(worker=worker, proceed=proceed) or clips.make_next_copy(
            proceed=proceed
        )
    try:
        analyses.run(analysis, ending=ending)
    except LeaseLostError as lost:
        logger.warning("%s", lost)
    return True


def _nothing_better(ending: Callable[[], bool], due: Pace) -> bool:
    """Whether a map or a copy may go on: no clip waits for it, and the process isn't ending."""
    if ending():
        return False
    if not due():
        return True
    analyses.requeue_stalled(lease=settings.ANALYSIS_LEASE)
    return not Analysis.objects.waiting().exists()


class Worker:
    """A thread that calls `step` while there is work and then waits to be woken."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()[:50]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._starting = threading.Lock()
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._stopping.clear()
                self._thread = threading.Thread(target=self._serve, name="worker", daemon=True)
                self._thread.start()
        self._bell.set()

    def stop(self) -> None:
        """Puts the clip at hand back first: in an ending process its run may break anywhere."""
        self._stopping.set()
        self._bell.set()
        if self._thread is not None and self._thread.is_alive():
            analyses.put_back(worker=self.name)
            self._thread.join(FAREWELL_SECONDS)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                housekeeping.tidy_if_due()
                worked = step(worker=self.name, ending=self._stopping.is_set)
            except Exception:
                logger.exception("the worker met an error and goes on")
                self._stopping.wait(PAUSE_SECONDS)
            else:
                if not worked:
                    self._bell.wait(IDLE_SECONDS)
                    self._bell.clear()
            finally:
                close_old_connections()


_worker = Worker()


def stop() -> None:
    """Ends this process's thread."""
    _worker.stop()


def _forget() -> None:
    """A forked process has no thread of its own yet, and perhaps a lock nobody will free."""
    global _worker  # noqa: PLW0603
    _worker = Worker()


atexit.register(stop)
os.register_at_fork(after_in_child=_forget)
