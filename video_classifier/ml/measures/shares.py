"""Shares of clips, such as the thefts that a threshold notices, with intervals by person."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats
from video_classifier.ml.measures.errors import MeasureError

RESAMPLES = 2000

_NORMAL_95 = 1.959964  # 95 % of a normal distribution lie within so many standard deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`count` of `of`, with a 95 % interval that is resampled by person; nothing of none."""

    count: int
    of: int
    people: int
    low: float | None
    high: float | None

    @property
    def value(self) -> float | None:
        """0 to 1; None of none."""
        return self.count / self.of if self.of else None

    @property
    def sentence(self) -> str:
        """Such as "31 of 43 (72 %; 95 %: 55 to 85 %), 9 people"."""
        if self.value is None or self.low is None or self.high is None:
            return "not known"
        who = "1 person" if self.people == 1 else f"{self.people} people"
        return (
            f"{self.count} of {self.of} ({100 * self.value:.0f} %; "
            f"95 %: {100 * self.low:.0f} to {100 * self.high:.0f} %), {who}"
        )

    def __str__(self) -> str:
        return self.sentence


def share(chosen: npt.ArrayLike, people: Sequence[Hashable], *, seed: int = 0) -> Share:
    """Of (n,) bools and the person of each.

    Clips of one person are not independent, so whole persons are resampled (percentile bootstrap,
    Efron & Tibshirani, 1993). The interval is never narrower than Wilson's (1927), which is that
    of independent clips: no resample has what no clip has. Raises MeasureError for lengths that
    differ.
    """
    flags = np.asarray(chosen, bool)
    if flags.shape != (len(people),):
        msg = "There is one person for each clip."
        raise MeasureError(msg)
    count, of = int(flags.sum()), len(flags)
    if not of:
        return Share(count=0, of=0, people=0, low=None, high=None)
    drawn, clusters = resampled(np.column_stack((np.ones(of), flags)), people, seed=seed)
    return of_resamples(count, of, clusters, drawn[:, 1] / drawn[:, 0])


def of_resamples(count: int, of: int, people: int, shares: Floats) -> Share:
    """`share`, whose resamples gave these (r,) shares."""
    low, high = (float(end) for end in np.percentile(shares, (2.5, 97.5)))
    wilson_low, wilson_high = _wilson(count, of)
    return Share(
        count=count,
        of=of,
        people=people,
        low=min(low, wilson_low),
        high=max(high, wilson_high),
    )


def resampled(columns: Floats, people: Sequence[Hashable], *, seed: int) -> tuple[Floats, int]:
    """The sums of (n, k) columns in draws of whole people, (RESAMPLES, k), and how many there are.

    `people` is the person of each row; there is at least one row.
    """
    numbers: dict[Hashable, int] = {}
    rows = np.array([numbers.setdefault(person, len(numbers)) for person in people])
    count = len(numbers)
    of_each = np.column_stack([np.bincount(rows, weights=column) for column in columns.T])
    drawn = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    places = drawn + count * np.arange(RESAMPLES)[:, np.newaxis]
    times = np.bincount(places.reshape(-1), minlength=drawn.size).reshape(drawn.shape)
    return np.asarray(times @ of_each, np.float64), count


def _wilson(count: int, of: int) -> tuple[float, float]:
    value, square = count / of, _NORMAL_95**2
    center = value + square / (2 * of)
    spread = _NORMAL_95 * sqrt(value * (1 - value) / of + square / (4 * of**2))
    whole = 1 + square / of
    return max(0.0, (center - spread) / whole), min(1.0, (center + spread) / whole)
