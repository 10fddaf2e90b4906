"""Calibrated confidence: how often a prediction was right on clips with such a score.

Worked out for every page, so without NumPy; `calibration.fit_confidence` finds the numbers.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from typing import NamedTuple

_MIN_SCORES = 2  # scores whose intervals are known: there is a line between them


class Share(NamedTuple):
    """A share, 0 to 1, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def complement(self) -> Share:
        return Share(1 - self.value, 1 - self.high, 1 - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """A logistic curve over the logit of a score (Platt scaling), and its 95 % interval.

    The share of thefts among clips with such a score, scored out of fold, if half of all clips are
    thefts. That holds for scores that such clips got: what
    lies beyond the lowest or highest of them is read there.
    """

    intercept: float
    slope: float
    scores: tuple[float, ...]  # ascending, 0 to 1, without the ends: where the interval is known
    low: tuple[float, ...]  # its lower end at each of these scores
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        rising = all(lower < upper for lower, upper in pairwise((0.0, *self.scores, 1.0)))
        if not rising or len(self.scores) < _MIN_SCORES:
            msg = "the scores of the confidence don't rise between 0 and 1"
            raise ValueError(msg)
        if not len(self.scores) == len(self.low) == len(self.high):
            msg = "the confidence has not one interval for each score"
            raise ValueError(msg)

    def of(self, score: float, *, hint: bool) -> Share:
        """The share of thefts among clips with such a score; without a hint, of ordinary ones."""
        inside = min(max(score, self.scores[0]), self.scores[-1])
        logit = log(inside / (1 - inside))
        value = 1 / (1 + exp(-self.intercept - self.slope * logit))
        low, high = (_between(inside, self.scores, ends) for ends in (self.low, self.high))
        theft = Share(value, min(low, value), max(high, value))
        return theft if hint else theft.complement


def _between(score: float, scores: tuple[float, ...], values: tuple[float, ...]) -> float:
    """The straight line through the two points beside `score`, which is not outside of all."""
    after = min(max(bisect_right(scores, score), 1), len(scores) - 1)
    share = (score - scores[after - 1]) / (scores[after] - scores[after - 1])
    return values[after - 1] + share * (values[after] - values[after - 1])
