"""What is known of a camera while it is read: for the thread that reads, and for all who ask."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from video_classifier.states import Fault, FeedState
from video_classifier.watching.limits import Limits
from video_classifier.watching.ring import StreamFacts

KEYLESS = (
    "The camera sends no keyframes, so that nothing can be decoded. Set its I-frame interval to "
    "2 s."
)
STOPPED = "The pictures stopped. Check the camera and its network."
_RATE_SECONDS = 10.0  # over which pictures are counted
_GAP = 1.0  # seconds between two pictures that are a break


class Trouble(NamedTuple):
    fault: Fault
    detail: str  # a sentence, without the address


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderState:
    """How a camera fares at a moment."""

    state: FeedState
    fault: Fault | None
    detail: str  # a sentence, without the address; empty if nothing is wrong
    since: datetime  # of state and fault
    last_picture: float | None  # monotonic seconds
    frame_rate: float | None  # pictures a second that arrive; None while too few came
    reconnects: int  # connections lost so far
    facts: StreamFacts | None
    stretch: int  # 0 before the first


class Health:
    """Thread-safe."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._trouble: Trouble | None = None
        self._lasts = False  # whether pictures that can't be decoded leave the trouble as it is
        self._noted: tuple[Trouble, float] | None = None
        self._told: tuple[FeedState, Fault | None] = (FeedState.CONNECTING, None)
        self._since = datetime.now(UTC)
        self._arrivals: deque[float] = deque(maxlen=1000)
        # Of the connection: monotonic seconds of its first picture and of its last keyframe.
        self._first: float | None = None
        self._last_key: float | None = None
        self._last: float | None = None  # of all connections
        self._reconnects = self._stretch = 0
        self._facts: StreamFacts | None = None

    @property
    def facts(self) -> StreamFacts | None:
        return self._facts

    @property
    def seconds_of_pictures(self) -> float | None:
        """Of the connection; None if none came."""
        return None if self._first is None or self._last is None else self._last - self._first

    @property
    def fault(self) -> Fault | None:
        """Why the last connection ended."""
        return self._trouble.fault if self._trouble else None

    def connects(self) -> None:
        with self._lock:
            self._first = self._last_key = self._noted = None

    def begins(self, facts: StreamFacts, stretch: int) -> None:
        with self._lock:
            self._facts, self._stretch = facts, stretch

    def arrives(self, *, is_key: bool, is_kept: bool) -> None:
        now = time.monotonic()
        with self._lock:
            self._leave_out(now)
            self._last = now
            self._first = self._first or now
            self._arrivals.append(now)
            if is_key:
                self._last_key = now
            if is_kept or not self._lasts:
                self._trouble = None

    def _leave_out(self, now: float) -> None:
        """Time without any pictures is no time without keyframes."""
        gap = now - self._last if self._first is not None and self._last is not None else 0.0
        if gap > _GAP:
            self._first = self._first and self._first + gap
            self._last_key = self._last_key and self._last_key + gap

    def notes(self, trouble: Trouble) -> None:
        """What is over already, but is to be told for a while."""
        with self._lock:
            self._noted = trouble, time.monotonic()

    def fails(self, trouble: Trouble) -> None:
        """What lasts until a picture is kept."""
        with self._lock:
            self._trouble, self._lasts = trouble, True

    def loses(self, trouble: Trouble) -> None:
        """The connection, or it couldn't be made."""
        with self._lock:
            self._trouble, self._lasts = trouble, False
            self._reconnects += self._first is not None

    def snapshot(self) -> ReaderState:
        now = time.monotonic()
        with self._lock:
            state, trouble = self._state(now)
            told = state, trouble.fault if trouble else None
            if told != self._told:
                self._told, self._since = told, datetime.now(UTC)
            return ReaderState(
                state=state,
                fault=told[1],
                detail=trouble.detail if trouble else "",
                since=self._since,
                last_picture=self._last,
                frame_rate=self._rate(now),
                reconnects=self._reconnects,
                facts=self._facts,
                stretch=self._stretch,
            )

    def _state(self, now: float) -> tuple[FeedState, Trouble | None]:
        trouble = self._trouble or self._trouble_by_times(now)
        if trouble:
            return FeedState.FAULTY, trouble
        return (FeedState.ONLINE if self._last_key else FeedState.CONNECTING), None

    def _trouble_by_times(self, now: float) -> Trouble | None:
        limits = self._limits
        if self._first is None or self._last is None:
            return None
        if now - self._last > limits.stalled:
            return Trouble(Fault.STALLED, STOPPED)
        if now - (self._last_key or self._first) > limits.keyless:
            return Trouble(Fault.NO_KEYFRAME, KEYLESS)
        if self._noted and now - self._noted[1] < limits.noted:
            return self._noted[0]
        return None

    def _rate(self, now: float) -> float | None:
        recent = [each for each in self._arrivals if now - each <= _RATE_SECONDS]
        if len(recent) <= 1 or recent[-1] == recent[0]:
            return None
        steps, seconds = len(recent) - 1, recent[-1] - recent[0]
        overdue = max(0.0, now - recent[-1] - seconds / steps)
        return steps / (seconds + overdue)
