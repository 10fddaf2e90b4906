"""Rates of rare events, such as false hints a day, with exact Poisson intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, log, sqrt

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats
from video_classifier.ml.measures.errors import MeasureError

LEVEL = 0.95
RESAMPLES = 2000
MOST = 1_000_000  # events that an interval is computed of

_STEPS = 200  # of a bisection: more than a float has digits


def interval(count: int, exposure: float, level: float = LEVEL) -> tuple[float, float]:
    """The exact two-sided interval of a rate, of `count` events in `exposure` (days, say).

    Garwood, "Fiducial limits for the Poisson distribution", Biometrika 1936: the rates at which
    as many events or more, and as many or fewer, have a probability of (1 - level) / 2 each. It
    covers the true rate in at least `level` of all cases, if events are independent. Of no events
    the lower end is 0. Raises MeasureError for what is no count, exposure or level.
    """
    _check(count, exposure)
    if not 0 < level < 1:
        msg = f"An interval has a level between 0 and 1, not {level}."
        raise MeasureError(msg)
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else _mean_at(count - 1, 1 - tail)
    return low / exposure, _mean_at(count, tail) / exposure


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many events in so many days of footage, of so many recordings that are independent.

    `recordings` stands beside the rate, and doesn't change it: events of one recording may come
    in clusters, which makes the interval too narrow.
    """

    count: int
    days: float
    recordings: int

    def __post_init__(self) -> None:
        _check(self.count, self.days)

    @property
    def value(self) -> float:
        """Events a day."""
        return self.count / self.days

    @property
    def _ends(self) -> tuple[float, float]:
        return interval(self.count, self.days)

    @property
    def low(self) -> float:
        """Lower end of the exact 95 % interval, a day."""
        return self._ends[0]

    @property
    def high(self) -> float:
        """Upper end; of no events 3.7 in all days, and not 3, the one-sided end ("rule of three").

        Who takes one or the other by what was seen covers less than 95 % (Feldman & Cousins,
        "Unified approach to the classical statistical analysis of small signals", 1998).
        """
        return self._ends[1]

    @property
    def sentence(self) -> str:
        """Such as "0 in 3.0 days: fewer than 1.2 a day (95 %)"."""
        seen = f"{self.count:,} in {_days(self.days)}"
        if self.count == 0:
            return f"{seen}: fewer than {short(self.high)} a day (95 %)"
        return f"{seen}: {short(self.value)} a day (95 %: {short(self.low)} to {short(self.high)})"

    def up_to(self, most: Rate) -> str:
        """Where nobody knows yet whether some count: "0 to 4 in 3.0 days: 0 to 3.4 a day (95 %)".

        `most` is of the same days, with all of them; the ends are those of both intervals.
        """
        counts = f"{self.count:,} to {most.count:,} in {_days(self.days)}"
        return f"{counts}: {short(self.low)} to {short(most.high)} a day (95 %)"

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The second rate minus the first, a day."""

    value: float
    low: float
    high: float
    recordings: int

    @property
    def sentence(self) -> str:
        value, low, high = map(_signed, (self.value, self.low, self.high))
        recordings = "1 recording" if self.recordings == 1 else f"{self.recordings} recordings"
        return f"{value} a day (95 %: {low} to {high}; {recordings})"


def paired_difference(
    first: npt.ArrayLike, second: npt.ArrayLike, days: npt.ArrayLike, *, seed: int = 0
) -> Difference:
    """Of two ways to count, such as two models, in the same recordings.

    `first` and `second` are (n,) counts and `days` (n,) lengths: one a recording.

    The interval is the percentile bootstrap's over recordings (Efron & Tibshirani, 1993). No
    resample has an event that the recordings don't have, so few events would get a narrow
    interval. Therefore it is never narrower than the one by which the recordings of which one of
    both counts more are two independent Poisson counts, combined by MOVER (Donner & Zou,
    "Closed-form confidence intervals for functions of the normal mean and standard deviation",
    2012). Events of one recording are as one: however many there are, a single recording excludes
    nothing, and by a sign test, too, it takes six. Raises MeasureError for arrays of other shapes
    or values.
    """
    before, after, lengths = (np.asarray(each, np.float64) for each in (first, second, days))
    if not (before.ndim == 1 and 0 < len(before) == len(after) == len(lengths)):
        msg = "Two counts and a length are needed of each recording, and at least one recording."
        raise MeasureError(msg)
    if not all(np.isfinite(each).all() and (each >= 0).all() for each in (before, after, lengths)):
        msg = "Counts and lengths of recordings are numbers from 0 on."
        raise MeasureError(msg)
    total = float(lengths.sum())
    _check(int(before.sum()), total)
    change = after - before
    value = float(change.sum()) / total
    drawn = _drawn(change, lengths, seed)
    low, high = (float(end) for end in np.percentile(drawn, (2.5, 97.5)))
    below, above = _mover(change[change > 0], -change[change < 0])
    return Difference(
        value=value,
        low=min(low, value - below / total),
        high=max(high, value + above / total),
        recordings=len(change),
    )


def short(value: float) -> str:
    """Two digits, as "0.94", "4.8", "120": what an interval of so few events has."""
    if value >= 99.5:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 0.995 else f"{value:.2g}"  # noqa: PLR2004


def _signed(value: float) -> str:
    """As "-0.94", "+4.8", "+120", "+0"."""
    return f"{'-' if value < 0 else '+'}{short(abs(value))}"


def _days(days: float) -> str:
    return f"{days:,.1f} days" if days >= 1 else f"{days:.2g} days"  # of a camera: no 24 hours


def _drawn(change: Floats, lengths: Floats, seed: int) -> Floats:
    """(RESAMPLES,) differences a day of recordings that are drawn with replacement."""
    rows = np.random.default_rng(seed).integers(len(change), size=(RESAMPLES, len(change)))
    shortest = np.finfo(float).tiny  # of recordings of no length alone
    return np.asarray(change[rows].sum(axis=1) / np.maximum(lengths[rows].sum(axis=1), shortest))


def _mover(gained: Floats, lost: Floats) -> tuple[float, float]:
    """How far the difference of two independent sums may reach down and up; one of a recording."""
    sizes = np.concatenate([gained, lost])
    usual = float(sizes.mean()) if len(sizes) else 1.0
    (gain, gain_low, gain_high), (loss, loss_low, loss_high) = (
        _sum(each, usual) for each in (gained, lost)
    )
    return (
        sqrt((gain - gain_low) ** 2 + (loss_high - loss) ** 2),
        sqrt((gain_high - gain) ** 2 + (loss - loss_low) ** 2),
    )


def _sum(changes: Floats, usual: float) -> tuple[float, float, float]:
    """Of (n,) recordings, with its ends if n is a Poisson count; `usual` is one where n is 0."""
    low, high = interval(len(changes), 1.0)
    size = float(changes.mean()) if len(changes) else usual
    return size * len(changes), size * low, size * high


def _mean_at(count: int, probability: float) -> float:
    """The mean at which `count` events or fewer have that probability."""
    at_most = _at_most(count)
    low, high = 0.0, count + 10.0
    while at_most(high) > probability:
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        if at_most(middle) > probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_most(count: int) -> Callable[[float], float]:
    """The probability of `count` events or fewer, as a function of their mean."""
    numbers = np.arange(count + 1)
    log_factorials = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, count + 1)))))

    def probability(mean: float) -> float:
        if mean <= 0:
            return 1.0
        return float(np.exp(numbers * log(mean) - mean - log_factorials).sum())

    return probability


def _check(count: int, exposure: float) -> None:
    if not 0 <= count <= MOST or count != int(count):
        msg = f"A count is a whole number from 0 to {MOST:,}, not {count}."
        raise MeasureError(msg)
    if not (isfinite(exposure) and exposure > 0):
        msg = f"Footage has a length above 0, not {exposure} days."
        raise MeasureError(msg)
