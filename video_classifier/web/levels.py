"""Window scores as a line of steps: windows overlap, and a line has one value at each moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise

from video_classifier.ml.contracts import WindowScore

JOINED = 1.0  # seconds: over a longer pause between windows a line has a gap
WIDTH, HEIGHT = 1000, 100  # of the view box of a path


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The stretch of time for which a window's score is drawn."""

    start: float
    end: float
    window: WindowScore
    number: int | None = None  # of its track, where one line is of several
    stop: float | None = None  # where the keyboard goes to, if not to its start

    @property
    def score(self) -> float:
        return self.window.score

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2

    def holds(self, seconds: float) -> bool:
        return self.start <= seconds < self.end

    def overlap(self, start: float, end: float) -> float:
        """Seconds that it shares with a stretch."""
        return max(0.0, min(self.end, end) - max(self.start, start))


def levels(windows: Sequence[WindowScore]) -> tuple[Level, ...]:
    """Of each window in order of time what is nearer to its middle than to its neighbours'.

    A window without any length of its own, and one whose middle its neighbour shares, has none.
    """
    starts = [windows[0].start, *(_begins(*pair) for pair in pairwise(windows))]
    ends = [*(_ends(*pair) for pair in pairwise(windows)), windows[-1].end]
    cut = zip(starts, ends, windows, strict=True)
    return tuple(Level(start=s, end=e, window=window) for s, e, window in cut if s < e)


def _begins(before: WindowScore, window: WindowScore) -> float:
    return _border(before, window) if _joined(before, window) else window.start


def _ends(window: WindowScore, after: WindowScore) -> float:
    return _border(window, after) if _joined(window, after) else window.end


def _joined(before: WindowScore, after: WindowScore) -> bool:
    return after.start - before.end <= JOINED


def _border(before: WindowScore, after: WindowScore) -> float:
    """Halfway between the middles of both."""
    return (before.start + before.end + after.start + after.end) / 4


def leading(drawn: Iterable[Level]) -> Iterator[Level]:
    """Of the levels of several lines those that no other is above in their middle."""
    waiting = sorted(drawn, key=lambda level: -level.start)
    there: list[tuple[float, float]] = []  # the opposite of the score, and the end
    for level in sorted(waiting, key=lambda level: level.middle):
        while waiting and waiting[-1].start <= level.middle:
            begun = waiting.pop()
            heappush(there, (-begun.score, begun.end))
        while there[0][1] <= level.middle:
            heappop(there)
        if level.score >= -there[0][0]:
            yield level


def path(drawn: Sequence[Level], length: float, since: float = 0.0) -> str:
    """For the `d` of an SVG path in a view box of WIDTH by HEIGHT; a score of 1 is at the top.

    The box shows `length` seconds from `since` on.
    """
    return "".join(
        f"{f'V{top:g}' if joined else f'M{start:g} {top:g}'}H{end:g}"
        for joined, start, end, top in _steps(drawn, length, since)
    )


def area(drawn: Sequence[Level], length: float, since: float = 0.0) -> str:
    """The same, with each run of levels standing on the ground, so that a short one is a bar."""
    commands = (
        f"{f'V{top:g}' if joined else f'V{HEIGHT}M{start:g} {HEIGHT}V{top:g}'}H{end:g}"
        for joined, start, end, top in _steps(drawn, length, since)
    )
    return f"{''.join(commands)}V{HEIGHT}".removeprefix(f"V{HEIGHT}")


def _steps(
    drawn: Sequence[Level], length: float, since: float
) -> Iterator[tuple[bool, float, float, float]]:
    """Of each level whether it goes on from the one before, from where, to where, how high."""
    before = None
    for level in drawn:
        start, end = (
            round(WIDTH * (each - since) / length, 1) for each in (level.start, level.end)
        )
        joined = before is not None and before.end == level.start
        yield joined, start, end, round(HEIGHT * (1 - level.score), 1)
        before = level
