"""Starts the watcher of live cameras as a child of the web server, while it has anything to do.

The web process itself reads no camera. There is one watcher for a data folder: it holds a lock, and
as long as one that is orphaned still runs, no other is started.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from video_classifier.services import waiting_clips, watching

logger = logging.getLogger(__name__)

LOOK_SECONDS = 3.0  # from look to look whether there is anything to watch
UNWANTED_SECONDS = 30.0  # without a camera to watch or a clip to send, after which it ends
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # seconds until it is started again
SOUND_SECONDS = 120.0  # after which a pause is the shortest again
FAREWELL_SECONDS = 12.0  # for it to close events and hand cameras back
LOCK = "watcher.lock"  # in DATA_DIR


def command() -> list[str]:
    words = ("watch_cameras", "--child", str(os.getpid()))
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *words]


class WatcherProcess:
    """Keeps the child running from a thread of its own."""

    def __init__(self, command: Callable[[], list[str]] = command) -> None:
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._begun = 0.0  # monotonic seconds
        self._not_before = 0.0
        self._wanted_at = 0.0

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="watcher-child", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the child in good order, and waits for it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(LOOK_SECONDS + FAREWELL_SECONDS)
        self._end()

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except (DatabaseError, OSError):
                logger.warning("the watcher could not be looked after", exc_info=True)
            except Exception:
                logger.exception("looking after the watcher met an error and goes on")
            finally:
                close_old_connections()
            self._stopping.wait(LOOK_SECONDS)
        # Here: the kernel kills the child as soon as the thread is gone that has started it.
        self._end()

    def look(self) -> None:
        """Starts the child, or starts it again, or ends it."""
        now = time.monotonic()
        if watching.is_wanted() or waiting_clips.are_here():
            self._wanted_at = now
            self._note_its_end(now)
            if self._child is None and now >= self._not_before:
                self._begin(now)
        elif self._child is not None and now - self._wanted_at > UNWANTED_SECONDS:
            self._end()

    def _note_its_end(self, now: float) -> None:
        if self._child is None or self._child.poll() is None:
            return
        is_sound = now - self._begun > SOUND_SECONDS
        self._failures = 1 if is_sound else self._failures + 1
        pause = PAUSES[min(self._failures, len(PAUSES)) - 1]
        logger.warning(
            "The watcher ended with code %d; it is started again in %d s.",
            self._child.returncode,
            pause,
        )
        self._child, self._not_before = None, now + pause

    def _begin(self, now: float) -> None:
        lock = os.open(Path(settings.DATA_DIR) / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another server's child runs, or one whose server was killed
            self._not_before = now + PAUSES[2]
            return
        else:
            # The child inherits the lock, which lasts as long as it does.
            self._child = subprocess.Popen(  # noqa: S603  (our own command)
                self._command(), pass_fds=(lock,), stdin=subprocess.DEVNULL
            )
            self._begun = now
            logger.info("started the watcher of live cameras")
        finally:
            os.close(lock)

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None or child.poll() is not None:
            return
        child.terminate()
        try:
            child.wait(FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


_process = WatcherProcess()


def start() -> None:
    """At server start, if the site wants it so."""
    if settings.WATCHER == "child":
        _process.start()


def stop() -> None:
    _process.stop()


atexit.register(stop)
