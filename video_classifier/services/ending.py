"""How a process that runs until it is ended hears of that."""

from __future__ import annotations

import queue
import signal
from types import FrameType

WAKES_EVERY = 1.0  # seconds


class Ending:
    """SIGTERM or Ctrl-C from now on, for the first thread to wait for. A second one ends at once.

    Python calls a handler in the first thread, wherever that one is. It may be within an Event that
    the handler sets: both would wait for the lock in it for ever. A SimpleQueue has none.
    """

    def __init__(self) -> None:
        self._heard: queue.SimpleQueue[None] = queue.SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def _hear(self, number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        self.announce()

    def announce(self) -> None:
        """As a signal does; for other threads, too."""
        self._heard.put(None)

    def wait(self) -> None:
        """Returns once it came."""
        # Not for ever: a signal that another thread received is acted on once this one wakes up.
        while True:
            try:
                return self._heard.get(timeout=WAKES_EVERY)
            except queue.Empty:
                pass
