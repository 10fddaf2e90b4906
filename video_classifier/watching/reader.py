"""A thread that reads a camera for ever: connects, fills a ring, says what is wrong, retries."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from video_classifier.services.errors import Refused
from video_classifier.states import Fault
from video_classifier.watching import connecting
from video_classifier.watching.connecting import Target
from video_classifier.watching.health import STOPPED, Health, ReaderState, Trouble
from video_classifier.watching.limits import Limits
from video_classifier.watching.ring import Ring
from video_classifier.watching.sources import Source
from video_classifier.watching.stretches import Stretches
from video_classifier.watching.wire import ConnectError, Wire

logger = logging.getLogger(__name__)

_STALLED = Trouble(Fault.STALLED, STOPPED)
_NEVER = Trouble(
    Fault.NO_DATA,
    "The camera answers, but sends no pictures. Check its frame rate, or restart it.",
)
_BROKEN = Trouble(Fault.BROKEN, "Something broke on our side. The log has the details.")


class Reader:
    """Runs from `start` to `stop`. It asks for the addresses before each connection.

    `addresses` resolves and checks them, and raises Refused, with a `fault`, if it can't.
    """

    def __init__(
        self,
        addresses: Callable[[], Target],
        ring: Ring,
        *,
        limits: Limits | None = None,
        name: str = "camera",
    ) -> None:
        self.ring = ring
        self._addresses, self._limits, self._name = addresses, limits or Limits(), name
        self._health = Health(self._limits)
        self._stopped = threading.Event()
        self._wire: Wire | None = None
        self._source: Source | None = None
        self._beat = time.monotonic()
        self._failures = 0  # in a row
        self._refusals = 0  # of the password, in a row
        self._thread = threading.Thread(target=self._run, name=f"reader {name}", daemon=True)

    def start(self) -> None:
        self._beat = time.monotonic()
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Whether it ended in time. A thread that doesn't is a daemon, and keeps no process."""
        self._stopped.set()
        for each in (self._wire, self._source):
            if each is not None:
                each.abort()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def state(self) -> ReaderState:
        return self._health.snapshot()

    @property
    def is_stuck(self) -> bool:
        """Whether the thread has shown no sign for so long that only a new process helps."""
        is_running = self._thread.is_alive() and not self._stopped.is_set()
        return is_running and time.monotonic() - self._beat > self._limits.stuck

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._beat = time.monotonic()
            self._health.connects()
            trouble = self._trouble()
            if self._stopped.is_set():
                return
            if trouble.fault != self._health.fault:  # once, however often it is tried
                logger.warning("Camera “%s”: %s", self._name, trouble.detail)
            self._health.loses(trouble)
            self._pause(trouble)

    def _trouble(self) -> Trouble:
        """Reads until something is wrong, and says what."""
        try:
            self._read()
        except ConnectError as error:
            return Trouble(error.fault, str(error))
        except Refused as error:
            return Trouble(getattr(error, "fault", Fault.ADDRESS), str(error))
        except OSError:  # a timeout is one
            pass
        except Exception:
            logger.exception("Reading camera “%s” broke", self._name)
            return _BROKEN
        return _NEVER if self._health.seconds_of_pictures is None else _STALLED

    def _read(self) -> None:
        """One connection, from its start to its end."""
        source = connecting.connect(self._addresses(), self._limits, self._dialed)
        self._source = source
        try:
            stretches = Stretches(source, self.ring, self._health, self._limits)
            for picture in source.pictures():
                if self._stopped.is_set():
                    return
                self._beat = time.monotonic()
                stretches.take(picture)
        finally:
            self._source = self._wire = None
            source.close()

    def _dialed(self, wire: Wire) -> None:
        self._wire = wire
        if self._stopped.is_set():
            wire.abort()

    def _pause(self, trouble: Trouble) -> None:
        limits = self._limits
        is_sound = (self._health.seconds_of_pictures or 0.0) > limits.sound
        self._failures = 1 if is_sound else self._failures + 1
        seconds = limits.pause(self._failures)
        self._refusals = self._refusals + 1 if trouble.fault == Fault.PASSWORD else 0
        if self._refusals:
            seconds = limits.password_pause(self._refusals)
        seconds *= 1 + random.uniform(-limits.jitter, limits.jitter)  # noqa: S311  (no secret)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._beat = time.monotonic()
            if self._stopped.wait(min(left, 1.0)):
                return
