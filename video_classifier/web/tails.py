"""How often a camera's candidates reach a score, laid out for a drawing. A table says the same."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_POINTS = 300
_ROOM = 0.15  # of scores below the lower threshold
_TENTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A score or a rate with its place, a share of the drawing from the left or from above."""

    place: float
    label: str
    is_named: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TailRow:
    score: str
    count: int
    rate: str  # a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Candidates a day from each score on; the rates are drawn by powers of ten."""

    scores: Sequence[float]  # ascending
    days: float
    first: float  # score, at the left edge; 1 is at the right one
    low: float
    high: float
    bottom: int  # powers of ten, at the lower and at the upper edge
    top: int

    @property
    def points(self) -> str:
        """Of an SVG line in a picture of 100 by 100."""
        return " ".join(f"{100 * x:.2f},{100 * y:.2f}" for x, y in self._steps())

    @property
    def thresholds(self) -> list[Mark]:
        marks = [Mark(place=self._x(self.high), label=f"Hint {_digits(self.high)}")]
        if self.low < self.high:
            marks.append(Mark(place=self._x(self.low), label=f"Uncertain {_digits(self.low)}"))
        return marks

    @property
    def score_marks(self) -> list[Mark]:
        tenths = range(round(_TENTH * self.first), _TENTH + 1)
        return [
            Mark(
                place=self._x(each / _TENTH),
                label=f"{each / _TENTH:.1f}",
                is_named=(_TENTH - each) % 2 == 0,
            )
            for each in tenths
        ]

    @property
    def rate_marks(self) -> list[Mark]:
        return [
            Mark(place=self._y(10.0**power), label=f"{10.0**power:g}")
            for power in range(self.bottom, self.top + 1)
        ]

    @property
    def rows(self) -> list[TailRow]:
        """From the highest score down."""
        tenths = {each / _TENTH for each in range(round(_TENTH * self.first), _TENTH)}
        chosen = sorted({*tenths, self.low, self.high}, reverse=True)
        return [
            TailRow(score=_digits(each), count=count, rate=f"{count / self.days:.2g}")
            for each in chosen
            for count in [self._count(each)]
        ]

    @property
    def summary(self) -> str:
        above = self._count(self.high)
        between = self._count(self.low) - above
        return (
            f"Candidates a day by their score: {above} of {len(self.scores):,} reach the threshold "
            f"of {_digits(self.high)}, and {between} lie below it and are uncertain."
        )

    def _steps(self) -> Iterator[tuple[float, float]]:
        """From the left, down at each score."""
        tail = self.scores[bisect_left(self.scores, self.first) :]
        every = max(1, -(-len(tail) // MOST_POINTS))
        left = len(tail)
        if left:
            yield 0.0, self._y(left / self.days)
        for place, score in enumerate(tail, 1):
            is_last_ones = left - place < MOST_POINTS // 2  # the top is never thinned out
            if place % every and not is_last_ones:
                continue
            x = self._x(score)
            yield x, self._y((left - place + 1) / self.days)
            if place < left:
                yield x, self._y((left - place) / self.days)
            else:
                yield x, 1.0

    def _count(self, score: float) -> int:
        return len(self.scores) - bisect_left(self.scores, score)

    def _x(self, score: float) -> float:
        return min(max((score - self.first) / (1 - self.first), 0.0), 1.0)

    def _y(self, rate: float) -> float:
        share = (math.log10(rate) - self.bottom) / (self.top - self.bottom)
        return 1 - min(max(share, 0.0), 1.0)


def tail(scores: Sequence[float], days: float, *, low: float, high: float) -> Tail | None:
    """None: there is nothing to be drawn."""
    if not scores or days <= 0:
        return None
    first = math.floor(_TENTH * max(low - _ROOM, 0.0)) / _TENTH
    ordered = sorted(scores)
    most = max(len(ordered) - bisect_left(ordered, first), 1)
    bottom = math.floor(math.log10(1 / days))
    return Tail(
        scores=ordered,
        days=days,
        first=min(first, 0.9),
        low=low,
        high=high,
        bottom=bottom,
        top=max(math.ceil(math.log10(most / days)), bottom + 1),
    )


def _digits(score: float) -> str:
    return f"{score:.2f}" if score < 0.995 else f"{score:.4f}"  # noqa: PLR2004
