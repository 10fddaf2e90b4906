"""Where ticks, peaks and labels of the score curve stand, so that they don't lie on each other.

Lengths are shares of the chart's, from its upper left corner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from video_classifier.ml.contracts import EventCandidate

INTERVALS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)  # seconds between ticks
MOST_INTERVALS = 5  # whose labels fit below the narrowest chart

# On the narrowest chart.
LABEL_WIDTH, LABEL_HEIGHT = 0.34, 0.15  # of the threshold
NUMBER_WIDTH, NUMBER_HEIGHT = 0.06, 0.16  # of a track
HIGH = 0.85  # from such a threshold on its label stands below the line


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a label stands, and on which side of it, so that it stays inside."""

    left: float

    @property
    def anchor(self) -> str:
        if self.left < NUMBER_WIDTH:
            return "start"
        return "end" if self.left > 1 - NUMBER_WIDTH else "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Place):
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the axis, at some height."""

    left: float
    right: float
    top: float = 0.0

    @property
    def width(self) -> float:
        return self.right - self.left


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The best moment of an event candidate."""

    of: EventCandidate
    left: float
    top: float
    number: int | None  # of track or event, where there is room for it above the peak

    def hides(self, other: Peak) -> bool:
        """Whether its number would lie on that of the other."""
        near = abs(self.left - other.left) < NUMBER_WIDTH
        return bool(other.number) and near and abs(self.top - other.top) < NUMBER_HEIGHT


def ticks(length: float, since: float = 0.0) -> list[Tick]:
    """Round moments of a stretch of so many seconds, which begins at `since`."""
    fits = (each for each in INTERVALS if length / each <= MOST_INTERVALS)
    hours = ceil(length / MOST_INTERVALS / INTERVALS[-1])
    step = next(fits, hours * INTERVALS[-1])
    first = ceil(since / step) * step
    moments = range(first, int(since + length) + 1, step)
    return [Tick(seconds=each, left=(each - since) / length) for each in moments]


def peaks(
    tops: Iterable[tuple[EventCandidate, float, int | None]], length: float, since: float = 0.0
) -> list[Peak]:
    """Of candidates with the heights of their peaks, and numbers.

    Of two close together the higher is named.
    """
    found: list[Peak] = []
    for of, top, number in sorted(tops, key=lambda each: -each[0].score):
        peak = Peak(of=of, left=(of.peak - since) / length, top=top, number=number)
        crowded = any(peak.hides(other) for other in found)
        found.append(replace(peak, number=None) if crowded else peak)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdLabel:
    """At the end of the threshold's line that is freer."""

    threshold: float
    spans: Sequence[Span]  # of the lines
    peaks: Sequence[Peak]

    @property
    def is_below(self) -> bool:
        """There is no room for it above the line."""
        return self.threshold > HIGH

    @property
    def place(self) -> Place:
        is_free = self._crowd(1 - LABEL_WIDTH, 1) <= self._crowd(0, LABEL_WIDTH)
        return Place(left=1.0 if is_free else 0.0)

    def _crowd(self, left: float, right: float) -> float:
        """The length of what would be in its way."""
        bottom = 1 - self.threshold + (LABEL_HEIGHT if self.is_below else 0)
        top = bottom - LABEL_HEIGHT
        lines = (_overlap(each, left, right) for each in self.spans if top <= each.top <= bottom)
        return sum(lines) + sum(_overlap(each, left, right) for each in self._numbers(top, bottom))

    def _numbers(self, top: float, bottom: float) -> Iterator[Span]:
        for peak in self.peaks:
            if peak.number and top < peak.top < bottom + NUMBER_HEIGHT:
                half = NUMBER_WIDTH / 2
                yield Span(left=peak.left - half, right=peak.left + half)


def _overlap(span: Span, left: float, right: float) -> float:
    return max(0.0, min(span.right, right) - max(span.left, left))
