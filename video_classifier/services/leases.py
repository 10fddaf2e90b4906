"""Holds on to a row while its job runs, by signs of life."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)


class LeaseLostError(Exception):
    """The run was given up as stalled or its clip deleted; another worker may hold it now."""


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
