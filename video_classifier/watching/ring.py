"""The newest packets of a stream in memory, in whole groups of pictures, within bounds."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

MOST_PACKETS = 100_000  # empty ones weigh next to nothing in bytes
_NEXT_TO_NOTHING = 1e-9  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """What a stretch of a stream is: plain values, which outlive the connection."""

    codec: str  # FFmpeg's name: "h264", "hevc" or "mjpeg"
    width: int
    height: int
    time_base: Fraction  # seconds a tick
    # A keyframe with its parameter sets, from which FFmpeg learns what it takes to write a file.
    head: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPacket:
    """An encoded picture. Time stamps are in ticks of the stretch's time base."""

    data: bytes = field(repr=False)
    pts: int
    dts: int  # the same as pts where the stream doesn't say: remuxing makes them anew
    duration: int  # 0: unknown
    is_key: bool
    arrived: float  # seconds of the monotonic clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Packets in a row, the first of which is a keyframe. Seconds are of the stretch."""

    facts: StreamFacts
    packets: tuple[StreamPacket, ...] = field(repr=False)
    stretch: int
    started_at: datetime  # of the stretch's first picture, by this machine's clock
    start: float  # when its first picture is shown
    end: float  # when its last picture gives way to the next


@dataclass(slots=True)
class _Stretch:
    """Packets by one clock and of one form."""

    number: int
    facts: StreamFacts
    started_at: datetime
    first_pts: int | None = None

    def second(self, packet: StreamPacket) -> float:
        first = packet.pts if self.first_pts is None else self.first_pts
        return float((packet.pts - first) * self.facts.time_base)


@dataclass(slots=True)
class _Group:
    """A keyframe and what builds on it."""

    stretch: _Stretch
    packets: list[StreamPacket]
    bytes: int
    start: float  # of the keyframe; pictures that are shown before it can't be decoded without more
    end: float

    def add(self, packet: StreamPacket) -> None:
        self.packets.append(packet)
        self.bytes += len(packet.data)
        self.end = max(self.end, self.stretch.second(packet))


class Ring:
    """Thread-safe. One thread adds, any may ask.

    Bounded in seconds and bytes: whole groups go, the oldest first. A group that is larger than a
    bound by itself goes, too, and what follows it up to the next keyframe.
    """

    def __init__(self, seconds: float, bytes: int) -> None:  # noqa: A002  (as in the docs)
        self._seconds, self._bytes = seconds, bytes
        self._groups: deque[_Group] = deque()
        self._held = self._count = 0
        self._stretch: _Stretch | None = None
        self._stretches = 0
        self._is_open = False  # whether packets that aren't keyframes have one to build on
        self._lock = threading.Lock()

    def begin(self, facts: StreamFacts, started_at: datetime) -> int:
        """Starts a new stretch, whose number is returned. Earlier packets stay until they age."""
        with self._lock:
            self._stretches += 1
            self._stretch = _Stretch(self._stretches, facts, started_at)
            self._is_open = False
            return self._stretches

    def add(self, packet: StreamPacket) -> bool:
        """Whether it was kept: not before the first keyframe, nor in a group that is too large."""
        with self._lock:
            if self._stretch is None:
                msg = "Begin a stretch before adding packets."
                raise ValueError(msg)
            if not packet.is_key and not self._is_open:
                return False
            self._keep(self._stretch, packet)
            self._drop_old()
            return self._is_open

    def clear(self) -> None:
        """Forgets all packets; stretches go on being counted."""
        with self._lock:
            self._groups.clear()
            self._held = self._count = 0
            self._is_open = False

    @property
    def held_bytes(self) -> int:
        with self._lock:
            return self._held

    @property
    def stretch(self) -> int:
        """The number of the newest one, 0 before the first."""
        with self._lock:
            return self._stretches

    def newest(self, seconds: float) -> Excerpt | None:
        """From the last keyframe at least so long ago, or the first there is, to the newest.

        None while the newest stretch has no pictures.
        """
        with self._lock:
            groups = self._of(self._stretches)
            if not groups:
                return None
            return _excerpt(groups, groups[-1].end - seconds, groups[-1].end)

    def between(self, start: float, end: float, stretch: int | None = None) -> Excerpt | None:
        """From the last keyframe at or before `start` up to `end`, in seconds of a stretch.

        What is no longer held is missing at the start. The stretch is the newest if none is named.
        None if nothing of it is held.
        """
        with self._lock:
            groups = self._of(self._stretches if stretch is None else stretch)
            return _excerpt(groups, start, end) if groups else None

    def _keep(self, stretch: _Stretch, packet: StreamPacket) -> None:
        if stretch.first_pts is None:
            stretch.first_pts = packet.pts
        if packet.is_key:
            second = stretch.second(packet)
            self._groups.append(_Group(stretch, [], 0, second, second))
            self._is_open = True
        self._groups[-1].add(packet)
        self._held += len(packet.data)
        self._count += 1

    def _drop_old(self) -> None:
        newest = self._groups[-1].packets[-1].arrived
        while len(self._groups) > 1 and (
            self._is_too_much() or newest - self._groups[1].packets[0].arrived >= self._seconds
        ):
            self._drop(self._groups.popleft())
        only = self._groups[0]
        if len(self._groups) == 1 and (
            self._is_too_much() or newest - only.packets[0].arrived > self._seconds
        ):
            self._drop(self._groups.popleft())
            self._is_open = False

    def _is_too_much(self) -> bool:
        return self._held > self._bytes or self._count > MOST_PACKETS

    def _drop(self, group: _Group) -> None:
        self._held -= group.bytes
        self._count -= len(group.packets)

    def _of(self, stretch: int) -> list[_Group]:
        return [group for group in self._groups if group.stretch.number == stretch]


def _excerpt(groups: list[_Group], start: float, end: float) -> Excerpt | None:
    at = max((n for n, group in enumerate(groups) if group.start <= start), default=0)
    stretch = groups[0].stretch
    packets = tuple(_until(_packets(groups[at:]), stretch, end))
    if not packets:
        return None
    last = max(packets, key=lambda packet: packet.pts)
    return Excerpt(
        facts=stretch.facts,
        packets=packets,
        stretch=stretch.number,
        started_at=stretch.started_at,
        start=groups[at].start,
        end=stretch.second(last) + float(_lasts(packets, last) * stretch.facts.time_base),
    )


def _packets(groups: Iterable[_Group]) -> Iterator[StreamPacket]:
    """Without the pictures that are shown before the first keyframe: they build on earlier ones."""
    first: StreamPacket | None = None
    for group in groups:
        for packet in group.packets:
            first = first or packet
            if packet.pts >= first.pts:
                yield packet


def _until(
    packets: Iterable[StreamPacket], stretch: _Stretch, end: float
) -> Iterator[StreamPacket]:
    """Up to the last that is shown by then, with what it builds on and what is shown before that.

    So no picture is missing between the first and the last one.
    """
    held: list[StreamPacket] = []
    latest: int | None = None  # time stamp of those that were taken
    for packet in packets:
        held.append(packet)
        is_between = latest is not None and packet.pts < latest
        if is_between or stretch.second(packet) <= end + _NEXT_TO_NOTHING:
            yield from held
            newest = max(each.pts for each in held)
            latest = newest if latest is None else max(latest, newest)
            held = []


def _lasts(packets: tuple[StreamPacket, ...], last: StreamPacket) -> int:
    """How many ticks the last picture is shown."""
    if last.duration:
        return last.duration
    shown = sorted(packet.pts for packet in packets)
    return shown[-1] - shown[-2] if len(shown) > 1 else 0
