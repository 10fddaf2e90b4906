"""Rings the bells of workers in other processes and on other machines, by Celery through Redis.

A ring is a task without arguments, to the queue of the kind of job that was added. Each process
that listens there hears it, and looks at the rows. Nothing depends on it: without Redis the workers
find the job a little later, when they look by themselves.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, get_args

from django.conf import settings

from video_classifier.services.queue import Kind

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger(__name__)

ALERTS, SWEEP = "alerts", "sweep"  # which no job rings for: a worker that listens there does them
QUEUES = (*get_args(Kind), ALERTS, SWEEP)

RING = "ring"  # the task
EXPIRES_SECONDS = 60  # by then everybody has looked
SOCKET_SECONDS = 1.0  # for Redis to take a connection, or to answer
WARN_SECONDS = 60.0  # from warning to warning

SILENT = "Redis can't be reached, so workers hear of new jobs only when they look by themselves: %s"


def ring(kind: Kind) -> None:
    """Has the workers that do this kind of job look for it. Returns at once, and never fails."""
    if settings.RUNNER == "celery":
        _ringer.ring(kind)


@cache
def app() -> Celery:
    """The Celery of the site, with a queue for each kind. Raises ImportError without Celery."""
    from celery import Celery
    from kombu import Exchange, Queue

    made = Celery("shoplift", set_as_current=False)
    made.conf.update(
        broker_url=settings.BROKER_URL,
        broker_pool_limit=1,
        broker_connection_timeout=SOCKET_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # a worker works meanwhile, and never gives up
        broker_transport_options={
            "socket_timeout": SOCKET_SECONDS,
            "socket_connect_timeout": SOCKET_SECONDS,
            "max_retries": 0,  # of who rings
        },
        # All who listen hear a ring: one that went to a worker which is busy would wake nobody.
        # Nor is it kept for later, so that no queue grows while nobody listens.
        task_queues=[Queue(each, Exchange(each, type="fanout"), no_ack=True) for each in QUEUES],
        task_default_queue=QUEUES[0],
        task_create_missing_queues=False,
        task_ignore_result=True,
        task_publish_retry=False,
        worker_pool="solo",
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return made


class _Ringer:
    """Rings from a thread of its own, so that no request waits for Redis."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: set[Kind] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bell")
        self._warned = -math.inf

    def ring(self, kind: Kind) -> None:
        with self._lock:
            if kind in self._wanted:  # one ring is enough for many jobs
                return
            self._wanted.add(kind)
        try:
            self._thread.submit(self._send, kind)
        except RuntimeError:
            logger.warning("nobody was woken for %s: the process ends", kind)

    def _send(self, kind: Kind) -> None:
        with self._lock:
            self._wanted.discard(kind)
        try:
            app().send_task(RING, queue=kind, expires=EXPIRES_SECONDS)
        except Exception as error:  # noqa: BLE001  (work goes on without it)
            if time.monotonic() - self._warned >= WARN_SECONDS:
                self._warned = time.monotonic()
                logger.warning(SILENT, error)


_ringer = _Ringer()


def _forget() -> None:
    """A forked process has no thread of its own yet."""
    global _ringer  # noqa: PLW0603
    _ringer = _Ringer()
    app.cache_clear()


os.register_at_fork(after_in_child=_forget)
