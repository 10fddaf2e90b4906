"""When each picture of a clip is on screen, and which packets it takes to decode it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """When each frame of a clip comes up, in ticks of `time_base`, in the order shown."""

    ticks: Sequence[int]
    end: int  # of the last frame
    time_base: Fraction

    @property
    def length(self) -> float:
        """Seconds."""
        return float(self._whole)

    def seconds(self, number: int) -> float:
        """When frame `number` comes up, in seconds since the first one."""
        return float((self.ticks[number] - self.ticks[0]) * self.time_base)

    def evenly(self, wanted: int, *, start: float = 0.0, end: float | None = None) -> list[int]:
        """The frames on screen in the middle of each of `wanted` equal shares of a stretch."""
        first = min(Fraction(start), self._whole)
        last = self._whole if end is None else min(Fraction(end), self._whole)
        return [
            self._on_screen(first + (last - first) * (2 * share + 1) / (2 * wanted))
            for share in range(wanted)
        ]

    def evenly_among(
        self, chosen: Sequence[int], wanted: int, *, start: float = 0.0, end: float | None = None
    ) -> list[int]:
        """The same with only the frames `chosen`, ascending, and each as long as any other."""
        last = self.length if end is None else end
        within = [number for number in chosen if start <= self.seconds(number) < last]
        if not within:
            return self.evenly(wanted, start=start, end=end)
        return [within[(2 * share + 1) * len(within) // (2 * wanted)] for share in range(wanted)]

    def regularly(self, rate: float) -> list[int]:
        """The frames on screen `rate` times a second, from the first one on."""
        pace = Fraction(rate)
        count = max(ceil(self._whole * pace), 1)
        return [self._on_screen(number / pace) for number in range(count)]

    def distinct_ticks(self) -> Iterator[int]:
        """The ticks from 0 on, each a frame's own: later where two frames claim the same one."""
        last = -1
        for tick in self.ticks:
            last = max(tick - self.ticks[0], last + 1)
            yield last

    @property
    def _whole(self) -> Fraction:
        return (self.end - self.ticks[0]) * self.time_base

    def _on_screen(self, second: Fraction) -> int:
        # In whole numbers: a rounding error would pick the neighbor.
        return max(bisect_right(self.ticks, self.ticks[0] + second / self.time_base) - 1, 0)


class Entry(NamedTuple):
    """What a packet says of itself."""

    pts: int | None
    dts: int | None
    duration: int
    is_key: bool
    is_hidden: bool  # decoded and not shown: an edit list cuts it away
    is_corrupt: bool


class Run(NamedTuple):
    """Numbers of packets, in the order of decoding: from a keyframe to the last one wanted."""

    first: int
    last: int


def from_packets(entries: Sequence[Entry], time_base: Fraction) -> Timeline | None:
    """The timeline that the packets tell, or None if they don't tell a consistent one."""
    opening = next((entry for entry in entries if entry.is_key), None)
    if opening is None or opening.pts is None or not _is_consistent(entries):
        return None
    # What comes before the first keyframe on screen can't be decoded.
    shown = sorted(
        (entry.pts, entry.duration)
        for entry in entries[entries.index(opening) :]
        if entry.pts is not None
        and entry.pts >= opening.pts
        and not (entry.is_hidden or entry.is_corrupt)
    )
    ticks = [pts for pts, _ in shown]
    if not ticks:
        return None
    return Timeline(ticks=ticks, end=end_of(ticks, shown[-1][1]), time_base=time_base)


def end_of(ticks: Sequence[int], duration: int | None) -> int:
    """When the last frame leaves the screen; if it doesn't say, it stays like the one before."""
    return ticks[-1] + (duration or (ticks[-1] - ticks[-2] if len(ticks) > 1 else 0))


def seconds_lost(sent: Collection[int], decoded: Timeline, *, least: float) -> float:
    """The length of the gaps, each over `least`, in which frames were sent and none came."""
    lost = sorted(set(sent) - set(decoded.ticks))
    gaps = [
        (later - earlier) * decoded.time_base
        for earlier, later in pairwise(decoded.ticks)
        if bisect_right(lost, earlier) < bisect_right(lost, later)
    ]
    return float(sum(gap for gap in gaps if gap > least))


def runs(entries: Sequence[Entry], wanted: Collection[int]) -> list[Run]:
    """What to decode for the frames that come up at the ticks `wanted`.

    A run starts at the latest keyframe that is both sent and shown no later than its frames:
    pictures that are sent after a keyframe and shown before it may need the stretch before it.
    """
    keys: list[tuple[int, int]] = []
    found: list[Run] = []
    for number, entry in enumerate(entries):
        if entry.pts is None:
            continue
        if entry.is_key:
            keys.append((number, entry.pts))
        if entry.pts in wanted and not entry.is_hidden:
            first = next((key for key, pts in reversed(keys) if pts <= entry.pts), 0)
            while found and found[-1].last >= first:
                first = min(first, found.pop().first)
            found.append(Run(first, number))
    return found


def from_decoded(told: Sequence[int | None], *, duration: int, time_base: Fraction) -> Timeline:
    """The timeline of decoded frames that say they come up at `told`, in the order shown.

    Frames in a container that knows only the order of decoding (AVI) are a few frames early or
    late: the order is right and the times are, so each gets its own. A clock that was set back is
    taken to have gone on.
    """
    ticks: list[int] = []
    shift = 0
    second = round(1 / time_base)
    for tick in told:
        if tick is None:
            ticks.append(ticks[-1] + duration if ticks else 0)
            continue
        if ticks and tick + shift < ticks[-1] - second:
            shift = ticks[-1] + duration - tick
        ticks.append(tick + shift)
    ticks.sort()
    return Timeline(ticks=ticks, end=end_of(ticks, duration), time_base=time_base)


def _is_consistent(entries: Sequence[Entry]) -> bool:
    sent = [entry.dts for entry in entries if entry.dts is not None]
    return all(earlier < later for earlier, later in pairwise(sent))
