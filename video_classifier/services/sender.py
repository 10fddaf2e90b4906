"""Sends alerts, beside whatever this process analyzes: a dispatcher, and a thread a delivery."""

from __future__ import annotations

import atexit
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import close_old_connections, connection

from video_classifier.models import Delivery
from video_classifier.services import database, deliveries
from video_classifier.services.alarms import Lookout

logger = logging.getLogger(__name__)

# Servers that hang keep nobody else's messages: what takes long makes room for others.
MOST_AT_ONCE = 16
SLOW_SECONDS = 2.0
MOST_IN_ALL = 32  # with what takes long
LOOK_SECONDS = 1.0  # from look to look: alerts are made in other processes
PAUSE_SECONDS = 5.0  # after something broke
FAREWELL_SECONDS = 5.0  # for what is being sent when the process ends


class Sender:
    """Looks for deliveries and faults every second until it is stopped."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()[:50]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._lookout = Lookout()
        self._stopping = threading.Event()
        self._bell = threading.Event()
        self._sending: dict[threading.Thread, float] = {}  # since when
        self._dispatcher: threading.Thread | None = None

    def start(self) -> None:
        if self._dispatcher is None:
            self._dispatcher = threading.Thread(target=self._serve, name="sender", daemon=True)
            self._dispatcher.start()

    def stop(self) -> None:
        """Begins nothing more, and gives what is being sent a while to end."""
        self._stopping.set()
        self._bell.set()
        until = time.monotonic() + FAREWELL_SECONDS
        if self._dispatcher is None:
            return
        self._dispatcher.join(FAREWELL_SECONDS)
        for thread in tuple(self._sending):
            thread.join(max(until - time.monotonic(), 0.0))
        if self._sending:
            deliveries.put_back(worker=self.name)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            all_went_well = [self._do(task) for task in (self._dispatch, self._lookout.look_if_due)]
            if all(all_went_well):
                self._bell.wait(LOOK_SECONDS)
                self._bell.clear()
            else:
                self._stopping.wait(PAUSE_SECONDS)

    def _do(self, task: Callable[[], None]) -> bool:
        """Whatever breaks, the next look comes."""
        try:
            task()
        except Exception:
            logger.exception("the sender met an error and goes on")
            return False
        else:
            return True
        finally:
            close_old_connections()

    def _dispatch(self) -> None:
        deliveries.requeue_stalled()
        while not self._stopping.is_set() and self._has_room():
            delivery = deliveries.claim_next(worker=self.name)
            if delivery is None:
                return
            thread = threading.Thread(target=self._send, args=(delivery,), daemon=True)
            self._sending[thread] = time.monotonic()
            try:
                thread.start()
            except RuntimeError:  # there can't be another one just now
                del self._sending[thread]
                raise

    def _has_room(self) -> bool:
        since = tuple(self._sending.values())
        now = time.monotonic()
        quick = sum(now - each < SLOW_SECONDS for each in since)
        return quick < MOST_AT_ONCE and len(since) < MOST_IN_ALL

    def _send(self, delivery: Delivery) -> None:
        try:
            deliveries.deliver(delivery)
        except Exception:  # such as a database that is away: the row stalls, and is tried again
            logger.exception("what came of delivery %s could not be noted", delivery.pk)
        finally:
            connection.close()
            self._sending.pop(threading.current_thread(), None)
            self._bell.set()


_sender = Sender()


def start() -> None:
    """At server start, where the process does jobs."""
    if settings.RUNNER != "thread":
        return
    if database.lacks(Delivery):
        logger.warning("No alerts are sent: run `manage.py migrate`, then start the site again.")
    else:
        _sender.start()


def stop() -> None:
    _sender.stop()


def _forget() -> None:
    """A forked process has no threads of its own yet."""
    global _sender  # noqa: PLW0603
    _sender = Sender()


atexit.register(stop)
os.register_at_fork(after_in_child=_forget)
