"""Does the jobs of the queue in a thread: one a process, one job at a time."""

from __future__ import annotations

import atexit
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.db import close_old_connections

from video_classifier.models import BrowserCopy, CaseExport, HeatMap, Job, Segment
from video_classifier.querysets import JobQuerySet
from video_classifier.services import (
    case_exports,
    copies,
    database,
    heat_maps,
    housekeeping,
    improvements,
    jobs,
    segments,
)
from video_classifier.services.jobs import LOOK_SECONDS, Pace
from video_classifier.services.queue import Kind

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """A kind of job, and what a worker does with it."""

    run_next: Callable[..., bool]  # the job whose turn it is; says if there was any
    put_back: Callable[..., int]  # what a worker runs that ends in good order


KINDS: dict[Kind, JobKind] = {
    "segments": JobKind(run_next=segments.run_next, put_back=segments.put_back),
    "heat_maps": JobKind(run_next=heat_maps.make_next, put_back=heat_maps.put_back),
    "case_exports": JobKind(run_next=case_exports.make_next, put_back=case_exports.put_back),
    "copies": JobKind(run_next=copies.make_next, put_back=copies.put_back),
    "improvements": JobKind(run_next=improvements.run_next, put_back=improvements.put_back),
}
FIRST: Kind = "segments"  # jobs of the other kinds give way to these
LAST = "improvements"  # … and these, which take hours, to those of all other kinds
ROWS: dict[str, type[Job]] = {
    "segments": Segment,
    "heat_maps": HeatMap,
    "case_exports": CaseExport,
    "copies": BrowserCopy,
}

IDLE_SECONDS = 5.0  # until a look at the queue that nobody asked for
PAUSE_SECONDS = 2.0  # after something broke
FAREWELL_SECONDS = 5.0  # for the thread to come to an end with its process


def wake(_: Kind = FIRST) -> None:
    """Says that there is work; starts this process's thread if it isn't running."""
    if settings.RUNNER == "thread":
        _worker.wake()


def start() -> None:
    """At server start: goes on with what an earlier process left, and tidies up every day."""
    if database.lacks(Segment):
        logger.warning("The database has no tables yet: run `manage.py migrate`.")
    else:
        wake()


def step(
    *,
    worker: str,
    kinds: Collection[str] = tuple(KINDS),
    ending: Callable[[], bool] = lambda: False,
) -> bool:
    """Does one job of these kinds, the first kind first; says if there was any."""
    for name, kind in KINDS.items():
        if name in kinds:
            better = [ROWS[each] for each in _better(name) if each in kinds]
            proceed = partial(_nothing_better, ending, Pace(LOOK_SECONDS), better)
            if kind.run_next(worker=worker, proceed=proceed):
                return True
    return False


def put_back(*, worker: str) -> None:
    """Gives up what `worker` runs, which ends in good order."""
    for kind in KINDS.values():
        kind.put_back(worker=worker)


def _better(kind: str) -> Collection[str]:
    """The kinds that jobs of this kind give way to."""
    if kind == LAST:
        return tuple(ROWS)
    return () if kind == FIRST else (FIRST,)


def _nothing_better(ending: Callable[[], bool], due: Pace, better: Collection[type[Job]]) -> bool:
    """Whether a job may go on: nothing that is better waits, and the process isn't ending."""
    if ending():
        return False
    if not better or not due():
        return True
    segments.requeue_stalled()
    return not any(jobs.ready(_every(rows)).exists() for rows in better)


def _every(rows: type[Job]) -> JobQuerySet[Job]:
    return JobQuerySet(rows)


class Worker:
    """A thread that calls `step` while there is work and then waits to be woken."""

    def __init__(
        self, *, kinds: Collection[str] = tuple(KINDS), idle_seconds: float | None = None
    ) -> None:
        """Looks at the queue every `idle_seconds` even if nobody has rung."""
        self._kinds = kinds
        self._idle_seconds = idle_seconds
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
        """Puts the job at hand back first: in an ending process its run may break anywhere."""
        self._stopping.set()
        self._bell.set()
        if self._thread is not None and self._thread.is_alive():
            put_back(worker=self.name)
            self._thread.join(FAREWELL_SECONDS)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                housekeeping.tidy_if_due()
                worked = step(worker=self.name, kinds=self._kinds, ending=self._stopping.is_set)
            except Exception:
                logger.exception("the worker met an error and goes on")
                self._stopping.wait(PAUSE_SECONDS)
            else:
                if not worked:
                    self._bell.wait(self._idle_seconds or IDLE_SECONDS)
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
