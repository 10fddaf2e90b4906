"""When each picture of a clip is on screen, and which packets it takes to decode it.

There are two clocks. *The clip's clock* counts seconds since the first picture as the file's time
stamps do, pauses included: players seek by it and pages show it. Only where the stamps jump by
six hours or more, as when a recorder's clock is set, it goes on after some seconds.
*Recorded time* leaves out all pauses: lengths are in it, and moments are spread over it.

Time stamps come from the file and may claim anything: no loop and no allocation goes by them, only
by the number of pictures.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil, floor
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import WHOLE, Integers, Span

PAUSE = 4  # seconds without a picture that are a pause, unless all pictures are that far apart …
_UNTYPICAL = 3  # … or a third of that far: a time lapse
_MAX_INTERVAL = 3600  # seconds from picture to picture; what is slower records no movement
# An MP4 has 31 bits for the ticks between two pictures: with those of a TS, 6.6 hours.
JUMP = 21_600  # seconds of a pause from which on it was the clock that was set, if not both …
AFTER_JUMP = PAUSE + 1  # … and by which the clip's clock goes on instead: still a pause
_NEAR = Fraction(1, 1000)  # ticks by which seconds, which are rounded, may differ from a tick
_MAX_DENOMINATOR = 10**6  # of seconds, of which a float is the nearest
_MAX_REPEATED = 100_000  # entries in which pictures may repeat: nearly three hours, 10 a second

Ticks = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Gap(NamedTuple):
    """A stretch of the clip's clock without pictures. Times are seconds of that clock."""

    start: float  # when the last picture before it leaves the screen
    end: float  # when the next one comes up
    recorded: float  # seconds, of the clip, until then


class Pause(NamedTuple):
    """A stretch of the clip in which nothing was recorded."""

    after: float  # second of the clip at which the last picture before it comes up
    seconds: float
    is_jump: bool  # of the recorder's clock


@dataclass(frozen=True, kw_only=True)  # not slotted: what is worked out once is kept beside
class Timeline:
    """When each frame of a clip comes up, in ticks of `time_base`, in the order shown."""

    ticks: Sequence[int]  # ascending
    end: int  # of the last frame
    time_base: Fraction
    since: int = 0  # the clip's clock at the first frame, in ticks: these may be a part of a clip
    usual: int | None = None  # ticks from a picture to the next as a rule; None: as of these

    def within(self, span: Span) -> Timeline:
        """The frames on screen in a span of the clip, at the times that they have in the clip.

        The first may have come up before. Raises ValueError if there are none.
        """
        if span == WHOLE:
            return self
        clock = np.asarray(self._clock)
        start = Fraction(span.start) / self.time_base
        # Of whole numbers, which are exact; what is within a thousandth of a tick is at that tick.
        first = int(np.searchsorted(clock, floor(start + _NEAR), "right")) - 1
        if first >= 0 and self._is_paused(first, start):
            first += 1
        first, last = max(first, 0), len(clock)
        end = self.end
        if span.end is not None:
            stop = Fraction(span.end) / self.time_base
            last = int(np.searchsorted(clock, ceil(stop - _NEAR), "left"))
            if first < last:
                end = min(
                    self._leaves(last - 1), self.ticks[last - 1] + ceil(stop) - clock[last - 1]
                )
        return self._part(range(first, last), int(end))

    def between(self, start: int, end: int) -> Timeline:
        """The frames that come up from one tick of the file's on and before another."""
        first, last = bisect_left(self.ticks, start), bisect_left(self.ticks, end)
        if first == last:
            return self._part(range(first, last), end)
        return self._part(range(first, last), min(self._leaves(last - 1), end))

    def keeping(self, ticks: Collection[int]) -> Timeline:
        """The frames that come up at these ticks. Raises ValueError if there are none."""
        kept = np.isin(np.asarray(self.ticks), np.fromiter(ticks, np.int64, len(ticks)))
        numbers = np.flatnonzero(kept).tolist()
        if not numbers:
            return self._part(numbers, self.end)
        last = numbers[-1]
        stays = self.end - self.ticks[last]
        longest = longest_interval(self._typical, self.time_base)
        return self._part(
            numbers, self.ticks[last] + (stays if stays <= longest else self._typical or longest)
        )

    def _part(self, numbers: Sequence[int], end: int) -> Timeline:
        if not numbers:
            msg = "no frame is on screen in this part of the clip"
            raise ValueError(msg)
        ticks = np.asarray(self.ticks)[np.asarray(numbers)]
        since, usual = self._clock[numbers[0]], self._typical
        return replace(self, ticks=_array(ticks), end=end, since=since, usual=usual)

    def _leaves(self, number: int) -> int:
        """The tick of the file's at which a frame leaves the screen, or a pause begins."""
        if number == len(self.ticks) - 1:
            return self.end
        return self.ticks[number] + self._starts[number + 1] - self._starts[number]

    def _is_paused(self, number: int, tick: Fraction) -> bool:
        """Whether nothing is recorded at a tick of the clip's clock, after a frame came up."""
        return tick - self._clock[number] >= self._leaves(number) - self.ticks[number]

    @property
    def length(self) -> float:
        """Seconds that were recorded."""
        return float(self._whole)

    def pauses(self, sent: Timeline) -> Iterator[Pause]:
        """Where the recording pauses or its clock jumps, and nothing that was `sent` is lost."""
        for number in np.flatnonzero(self._is_pause).tolist():
            lost = sent.recorded(self.ticks[number + 1]) - sent.recorded(self.ticks[number])
            seconds = int(self._intervals[number]) * self.time_base
            if seconds - lost >= PAUSE:
                yield Pause(
                    after=self.seconds(number),
                    seconds=float(seconds),
                    is_jump=bool(self._is_jump[number]),
                )

    def gaps(self, *, least: float) -> Iterator[Gap]:
        """Pauses of so many seconds, whatever they come from."""
        clock = np.asarray(self._clock)
        steps = clock[1:] - clock[:-1]
        long = self._is_pause & (steps - self._typical >= least / self.time_base)
        for number in np.flatnonzero(long).tolist():
            yield Gap(
                start=float((self._clock[number] + self._typical) * self.time_base),
                end=self.seconds(number + 1),
                recorded=float(self._starts[number + 1] * self.time_base),
            )

    @property
    def interval(self) -> float:
        """Seconds from a picture to the next, as a rule; 0 if there is only one moment."""
        return float(self._typical * self.time_base)

    def seconds(self, number: int) -> float:
        """When frame `number` comes up by the clip's clock."""
        return float(self._clock[number] * self.time_base)

    def on_clock(self, tick: int) -> int:
        """The clip's clock at a tick of the file's, in ticks; negative before the first frame."""
        number = max(bisect_right(self.ticks, tick) - 1, 0)
        return self._clock[number] + tick - self.ticks[number]

    def recorded(self, tick: int) -> Fraction:
        """The seconds that were recorded before a tick of the file's."""
        number = max(bisect_right(self.ticks, tick) - 1, 0)
        return self._recorded(number, Fraction(tick - self.ticks[number]))

    @property
    def clock_end(self) -> float:
        """When the last frame leaves the screen by the clip's clock."""
        return float((self._clock[-1] + self.end - self.ticks[-1]) * self.time_base)

    def stretches(
        self, *, each: float, least: float, span: Span = WHOLE
    ) -> list[tuple[float, float]]:
        """Start and end, by the clip's clock, of stretches in which `each` seconds were recorded.

        What is left at the end is one more if it has `least` seconds; else the last one is longer.
        Those of a span begin with it.
        """
        # Where a span begins with a stretch of the clip, its stretches are the clip's, to the last
        # bit: what rounding did to its seconds is undone.
        base = self._recorded_at(span.start).limit_denominator(_MAX_DENOMINATOR)
        until = self._whole
        if span.end is not None:
            until = self._recorded_at(span.end).limit_denominator(_MAX_DENOMINATOR)
        whole, size = until - base, Fraction(each)
        count = max(int(whole // size) + (whole % size >= least), 1)
        starts = [self._on_clock_at(base + size * number) for number in range(1, count)]
        ends = [self._on_clock_at(base + size * number, ends=True) for number in range(1, count)]
        first = span.start if span.start else self._on_clock_at(Fraction())
        last = self.clock_end if span.end is None else span.end
        return list(zip([first, *starts], [*ends, last], strict=True))

    def uniform_indices(
        self, count: int, *, start: float = 0.0, end: float | None = None
    ) -> list[int]:
        """The frames on screen in the middle of each of `count` equal shares of a stretch.

        `start` and `end` are seconds of the clip; the shares are of what was recorded in between.
        """
        first = self._recorded_at(start)
        last = self._whole if end is None else self._recorded_at(end)
        return [
            self._on_screen(first + (last - first) * (2 * share + 1) / (2 * count))
            for share in range(count)
        ]

    def uniform_indices_among(
        self, chosen: Sequence[int], count: int, *, start: float = 0.0, end: float | None = None
    ) -> list[int]:
        """The same with only the frames `chosen`, ascending, and each as long as any other."""
        within = [
            number
            for number in chosen
            if start <= self.seconds(number) and (end is None or self.seconds(number) < end)
        ]
        if not within:
            return self.uniform_indices(count, start=start, end=end)
        return [within[(2 * share + 1) * len(within) // (2 * count)] for share in range(count)]

    def indices_at_rate(self, rate: float) -> list[int]:
        """The frames on screen `rate` times a second that was recorded, each of them once."""
        return list(self._moments(rate))

    def repeated_indices_at_rate(self, rate: float) -> list[int]:
        """As `indices_at_rate`, but with a frame for each moment at which it is shown.

        Not for longer than `PAUSE`, and where pictures are few and slow, for less: there are never
        many more entries than pictures.
        """
        most = max(1, min(ceil(PAUSE * rate), _MAX_REPEATED // len(self.ticks)))
        return [
            number
            for number, moments in self._moments(rate).items()
            for _ in range(min(moments, most))
        ]

    def distinct_ticks(self) -> Iterator[int]:
        """The clip's clock at each frame, its own: later where two frames claim the same tick."""
        last = -1
        for tick in self._clock:
            last = max(tick, last + 1)
            yield last

    def _moments(self, rate: float) -> Mapping[int, int]:
        """How many of the moments 0, 1 / `rate`, 2 / `rate` … each frame is on screen, if any."""
        pace = Fraction(rate) * self.time_base  # moments a tick
        up, down = pace.numerator, pace.denominator
        firsts = [-(-start * up // down) for start in self._starts]  # that come no earlier
        firsts.append(max(-(-self._recorded_end * up // down), 1))
        return {
            number: later - earlier
            for number, (earlier, later) in enumerate(pairwise(firsts))
            if later > earlier
        }

    @cached_property
    def _intervals(self) -> Ticks:
        return intervals(self.ticks)

    @cached_property
    def _typical(self) -> int:
        """Ticks from a picture to the next, as a rule; 0 if there is only one moment."""
        if self.usual is not None:
            return self.usual
        return typical_interval(self._intervals, self.time_base)

    @cached_property
    def _is_pause(self) -> Flags:
        return self._intervals > longest_interval(self._typical, self.time_base)

    @cached_property
    def _is_jump(self) -> Flags:
        return self._is_pause & (self._intervals >= ceil(JUMP / self.time_base))

    @cached_property
    def _clock(self) -> Sequence[int]:
        """When each frame comes up by the clip's clock, in ticks."""
        steps = np.where(self._is_jump, ceil(AFTER_JUMP / self.time_base), self._intervals)
        return _summed(steps, since=self.since)

    @cached_property
    def _starts(self) -> Sequence[int]:
        """When each frame comes up in recorded time, in ticks: each pause is as any interval."""
        return _summed(np.where(self._is_pause, self._typical, self._intervals))

    @cached_property
    def _recorded_end(self) -> int:
        return self._starts[-1] + self.end - self.ticks[-1]

    @property
    def _whole(self) -> Fraction:
        return self._recorded_end * self.time_base

    def _recorded_at(self, second: float) -> Fraction:
        """The seconds that were recorded before a second of the clip."""
        tick = Fraction(second) / self.time_base
        number = max(bisect_right(self._clock, tick) - 1, 0)
        return self._recorded(number, tick - self._clock[number])

    def _recorded(self, number: int, ticks: Fraction) -> Fraction:
        """The seconds recorded until so many ticks after a frame came up."""
        is_last = number == len(self.ticks) - 1
        following = self._recorded_end if is_last else self._starts[number + 1]
        here = self._starts[number]
        within = min(max(ticks, Fraction()), Fraction(following - here))
        return (here + within) * self.time_base

    def _on_clock_at(self, second: Fraction, *, ends: bool = False) -> float:
        """The clip's clock when so many seconds were recorded; before a pause if that `ends`."""
        tick = second / self.time_base
        bisect = bisect_left if ends else bisect_right
        number = max(bisect(self._starts, tick) - 1, 0)
        return float((self._clock[number] + tick - self._starts[number]) * self.time_base)

    def _on_screen(self, second: Fraction) -> int:
        # In whole numbers: a rounding error would pick the neighbor.
        return max(bisect_right(self._starts, second / self.time_base) - 1, 0)


def _summed(intervals: Ticks, *, since: int = 0) -> Sequence[int]:
    return _array(np.concatenate([[0], np.cumsum(intervals)]) + since)


def intervals(ticks: Sequence[int]) -> Ticks:
    """From each tick to the next."""
    stamps = np.asarray(ticks, np.int64)
    return stamps[1:] - stamps[:-1]


def typical_interval(found: Ticks, time_base: Fraction) -> int:
    """The median of the ticks between pictures, or `PAUSE` if that is no movement; 0 if none."""
    real = np.sort(found[found > 0])
    typical = int(real[(len(real) - 1) // 2]) if len(real) else 0
    return typical if typical * time_base <= _MAX_INTERVAL else ceil(PAUSE / time_base)


def longest_interval(typical: int, time_base: Fraction) -> int:
    """Ticks that a picture may stay on screen; with more it is a pause."""
    return max(int(PAUSE / time_base), _UNTYPICAL * typical)


class PacketEntry(NamedTuple):
    """The header of a packet. Times are in ticks of the stream's time base."""

    pts: int | None
    dts: int | None
    duration: int
    is_key: bool
    is_hidden: bool  # decoded and not shown: an edit list cuts it away
    is_corrupt: bool


_NO_STAMP = -(2**63)
_MAX_STAMP = 2**60  # ticks: differences of stamps fit into 64 bits


class PacketEntries(Sequence[PacketEntry]):
    """The entries of a file's packets in 25 bytes each: a long recording has a million."""

    def __init__(self, entries: Iterable[PacketEntry] = ()) -> None:
        self._stamps = array("q")  # pts, dts and duration of each in turn
        self._flags = bytearray()
        for entry in entries:
            self.append(entry)

    def append(self, entry: PacketEntry) -> None:
        """Stamps beyond all reason count as none."""
        pts, dts, duration, is_key, is_hidden, is_corrupt = entry
        if pts is None or not -_MAX_STAMP <= pts <= _MAX_STAMP:
            pts = _NO_STAMP
        if dts is None or not -_MAX_STAMP <= dts <= _MAX_STAMP:
            dts = _NO_STAMP
        self._stamps.extend((pts, dts, min(max(duration, 0), _MAX_STAMP)))
        self._flags.append(is_key | is_hidden << 1 | is_corrupt << 2)

    @property
    def columns(self) -> _Columns:
        stamps = np.array(self._stamps, np.int64).reshape(-1, 3)
        flags = np.array(self._flags, np.uint8)
        return _Columns(
            pts=stamps[:, 0],
            dts=stamps[:, 1],
            duration=stamps[:, 2],
            is_key=flags & 1 > 0,
            is_hidden=flags & 2 > 0,
            is_corrupt=flags & 4 > 0,
        )

    def __len__(self) -> int:
        return len(self._flags)

    @overload
    def __getitem__(self, at: int) -> PacketEntry: ...
    @overload
    def __getitem__(self, at: slice) -> list[PacketEntry]: ...
    def __getitem__(self, at: int | slice) -> PacketEntry | list[PacketEntry]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        flags = self._flags[at]
        pts, dts, duration = self._stamps[3 * at : 3 * at + 3]
        return PacketEntry(
            pts=None if pts == _NO_STAMP else pts,
            dts=None if dts == _NO_STAMP else dts,
            duration=duration,
            is_key=bool(flags & 1),
            is_hidden=bool(flags & 2),
            is_corrupt=bool(flags & 4),
        )


class _Columns(NamedTuple):
    """The entries' values, (n,) each; a stamp that is none is _NO_STAMP."""

    pts: Ticks
    dts: Ticks
    duration: Ticks
    is_key: Flags
    is_hidden: Flags
    is_corrupt: Flags

    @property
    def stamp(self) -> Ticks:
        """When pictures come up; roughly, where only the order of decoding is known."""
        return np.where(self.pts == _NO_STAMP, self.dts, self.pts)


def _columns(entries: Iterable[PacketEntry]) -> _Columns:
    return (entries if isinstance(entries, PacketEntries) else PacketEntries(entries)).columns


class Run(NamedTuple):
    """Numbers of packets, in the order of decoding: from a keyframe to the last one wanted."""

    first: int
    last: int


def from_packets(entries: Sequence[PacketEntry], time_base: Fraction) -> Timeline | None:
    """The timeline by the packets, or None if their time stamps are not consistent."""
    columns = _columns(entries)
    sent = columns.dts[columns.dts != _NO_STAMP]
    if not (sent[:-1] < sent[1:]).all():  # the clock by which packets are sent goes back
        return None
    return _shown(columns, _is_decodable(columns), time_base)


def decodable(entries: Iterable[PacketEntry]) -> Sequence[int]:
    """The numbers of the packets that decode to pictures that are shown."""
    return _array(np.flatnonzero(_is_decodable(_columns(entries))))


def _is_decodable(columns: _Columns) -> Flags:
    """(n,): pictures sent or shown before the first keyframe can't be decoded."""
    found: Flags = ~(columns.is_hidden | columns.is_corrupt) & (columns.pts != _NO_STAMP)
    keys = np.flatnonzero(columns.is_key)
    if not len(keys) or columns.pts[keys[0]] == _NO_STAMP:
        return np.zeros_like(found)
    found[: keys[0]] = False
    found[columns.pts < columns.pts[keys[0]]] = False
    return found


def as_sent(entries: Iterable[PacketEntry], time_base: Fraction) -> Timeline | None:
    """The timeline of all pictures sent to be shown, decodable or not; None without time stamps."""
    columns = _columns(entries)
    return _shown(columns, ~columns.is_hidden & (columns.stamp != _NO_STAMP), time_base)


def _shown(columns: _Columns, chosen: Flags, time_base: Fraction) -> Timeline | None:
    stamps, durations = columns.stamp[chosen], columns.duration[chosen]
    if not len(stamps):
        return None
    order = np.lexsort((durations, stamps))
    ticks, last = _array(stamps[order]), int(durations[order[-1]])
    return Timeline(ticks=ticks, end=end_of(ticks, last, time_base), time_base=time_base)


def _array(numbers: npt.NDArray[np.integer]) -> array[int]:
    """Of Python's whole numbers, so that nothing made of them can overflow."""
    return array("q", numbers.astype(np.int64).tobytes())


def end_of(ticks: Sequence[int], duration: int, time_base: Fraction) -> int:
    """When the last frame leaves the screen.

    If it doesn't say, it stays like the one before; what it says is believed as far as a picture
    may stay on screen.
    """
    typical = typical_interval(intervals(ticks), time_base)
    stays = duration or (ticks[-1] - ticks[-2] if len(ticks) > 1 else 0)
    longest = longest_interval(typical, time_base)
    return ticks[-1] + (stays if stays <= longest else typical or longest)


def ticks_claimed(entries: Iterable[PacketEntry]) -> int:
    """From when the first picture comes up to when, as the packets say, the last one leaves."""
    columns = _columns(entries)
    known = columns.stamp != _NO_STAMP
    stamps, durations = columns.stamp[known], columns.duration[known]
    return int((stamps + durations).max()) - int(stamps.min()) if len(stamps) else 0


def seconds_lost(sent: Timeline, decoded: Timeline, *, least: float) -> float:
    """The length of the gaps, each over `least`, in which frames were sent and none came."""
    lost = np.setdiff1d(np.asarray(sent.ticks), np.asarray(decoded.ticks))
    before = np.searchsorted(lost, np.asarray(decoded.ticks), "right")
    gaps = [
        sent.recorded(decoded.ticks[number + 1]) - sent.recorded(decoded.ticks[number])
        for number in np.flatnonzero(before[1:] > before[:-1]).tolist()
    ]
    return float(sum(gap for gap in gaps if gap > least))


def runs(entries: Iterable[PacketEntry], wanted: Collection[int]) -> list[Run]:
    """What to decode for the frames that come up at the ticks `wanted`.

    A run starts at the latest keyframe that is both sent and shown no later than its frames:
    pictures that are sent after a keyframe and shown before it may need the stretch before it.
    """
    columns = _columns(entries)
    keys: list[int] = []  # those that may yet be the latest, so that both lists ascend …
    shown: list[int] = []  # … by number and by when they are shown
    found: list[Run] = []
    for number in _that_matter(columns, wanted).tolist():
        pts = int(columns.pts[number])
        if columns.is_key[number]:
            while shown and shown[-1] >= pts:
                del shown[-1], keys[-1]
            shown.append(pts)
            keys.append(number)
        if pts in wanted and not columns.is_hidden[number]:
            at = bisect_right(shown, pts)
            first = keys[at - 1] if at else 0
            while found and found[-1].last >= first:
                first = min(first, found.pop().first)
            found.append(Run(first, number))
    return found


def _that_matter(columns: _Columns, wanted: Collection[int]) -> Integers:
    """The numbers of the packets at the ticks `wanted`, and of the keyframes they may need."""
    ticks = np.fromiter(wanted, np.int64, len(wanted))
    near = np.flatnonzero((columns.pts >= ticks.min()) & (columns.pts <= ticks.max()))
    asked = near[np.isin(columns.pts[near], ticks)]
    if not len(asked):
        return asked
    keys = np.flatnonzero(columns.is_key & (columns.pts != _NO_STAMP))
    keys = keys[keys <= asked[-1]]
    # Nothing needs a keyframe before the latest that serves the first of them all.
    serving = keys[(keys <= asked[0]) & (columns.pts[keys] <= ticks.min())]
    return np.union1d(asked, keys[keys >= serving[-1]] if len(serving) else keys)


def from_decoded(stamps: Iterable[int | None], *, duration: int, time_base: Fraction) -> Timeline:
    """The timeline of decoded frames with these time stamps, in the order shown.

    Frames in a container that knows only the order of decoding (AVI) are a few frames early or
    late: the order is right and the times are, so each gets its own. A clock that was set back is
    taken to have gone on.
    """
    ticks = array("q")
    shift = 0
    second = round(1 / time_base)
    stays = min(duration, ceil(PAUSE / time_base))
    for tick in stamps:
        if tick is None or max(abs(tick), abs(tick + shift)) > _MAX_STAMP:
            ticks.append(ticks[-1] + stays if ticks else 0)
            continue
        if ticks and tick + shift < ticks[-1] - second:
            shift = ticks[-1] + stays - tick
        ticks.append(tick + shift)
    ordered = _array(np.sort(np.asarray(ticks, np.int64)))
    return Timeline(ticks=ordered, end=end_of(ordered, duration, time_base), time_base=time_base)
