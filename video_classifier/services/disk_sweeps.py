"""Looks after the disk of this machine, whatever runs there: web server, watcher or worker.

What is deleted on one machine may have left something on the disk of another, so each is swept once
a day; of its processes one sweeps at a time. An upload that is all there and waits, as for the
storage, is finished where its bytes are.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from video_classifier.models import Feed
from video_classifier.services import files, live_pictures, model_copies, resumable

logger = logging.getLogger(__name__)

EVERY = timedelta(days=1)
LOOK_SECONDS = 60.0  # from look to look, for uploads that wait and whether a day is over
FAREWELL_SECONDS = 5.0  # for a sweep to come to its end with the process
LOCK = "sweep.lock"  # in DATA_DIR; says when the machine was swept last


def sweep() -> None:
    """Removes what nothing uses any more, unless another process here is at it."""
    with _alone() as mark:
        if mark is not None:
            _sweep(mark)


def sweep_if_due() -> None:
    """As `sweep`, unless some process of this machine has for a day."""
    with _alone() as mark:
        if mark is not None and _is_due(mark):
            _sweep(mark)


def start() -> None:
    """Looks at once, and every minute, from a thread of its own."""
    _sweeper.start()


def stop() -> None:
    _sweeper.stop()


class Sweeper:
    """A thread that looks until it is stopped."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="disk-sweeps", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(FAREWELL_SECONDS)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                resumable.finish_left()
                sweep_if_due()
            except (DatabaseError, OSError):
                logger.warning(
                    "the disk could not be looked after; the next look tries", exc_info=True
                )
            except Exception:
                logger.exception("looking after the disk met an error; the next look tries again")
            finally:
                connection.close()
            self._stopping.wait(LOOK_SECONDS)


def _sweep(mark: IO[str]) -> None:
    files.sweep_here()
    resumable.sweep()
    model_copies.sweep(older=files.GRACE)
    live_pictures.sweep(set(Feed.objects.values_list("pk", flat=True)), now=timezone.now())
    # Last: what met an error is tried again.
    mark.truncate(0)
    mark.write(timezone.now().isoformat())


@contextmanager
def _alone() -> Iterator[IO[str] | None]:
    """The file that says when the machine was swept; None while another process sweeps."""
    path = Path(settings.DATA_DIR) / LOCK
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, too
        except BlockingIOError:
            yield None
        else:
            yield mark


def _is_due(mark: IO[str]) -> bool:
    """Also if the clock was ahead when the machine was swept."""
    found = os.fstat(mark.fileno())
    ago = time.time() - found.st_mtime
    return not found.st_size or not 0 <= ago < EVERY.total_seconds()


_sweeper = Sweeper()

atexit.register(stop)
