"""What is counted of hints and of the answers to them, and what follows from the counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from statistics import median

from video_classifier.ml.measures.poisson import Rate, short
from video_classifier.states import Verdict

__all__ = ["Figures", "Proportion", "Rate", "proportion", "total"]

NORMAL_95 = 1.959964  # 95 % of a normal distribution lie within so many standard deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """So many of so many, as a share with its 95 % interval; these are 0 to 1."""

    count: int
    of: int
    value: float
    low: float
    high: float


def proportion(count: int, of: int) -> Proportion | None:
    """With Wilson's interval (1927), which is no wider than 0 to 1; None of nothing."""
    if not of:
        return None
    share, spread = count / of, NORMAL_95**2 / of
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    low = 0.0 if count == 0 else middle - half
    high = 1.0 if count == of else middle + half
    return Proportion(count=count, of=of, value=share, low=low, high=high)


@dataclass(slots=True, kw_only=True)
class Figures:
    """Of the clips of some time and place. Hints are events of their latest results.

    So are uncertain ones, whose answers don't count: they would say little of the hints.
    """

    clips: int = 0  # that were analyzed
    seconds: float = 0.0  # of them
    confirmed: int = 0
    false_alarms: int = 0
    unsure: int = 0
    disputed: int = 0
    unanswered: int = 0
    uncertain: int = 0  # events, answered or not
    missed: int = 0  # stretches
    camera_days: float = 0.0  # that were scored, of cameras
    recordings: int = 0  # files, and live hours, that these are made of
    rated: int = 0  # false alarms in them
    rated_open: int = 0  # hints without a clear answer in them, which may be false
    waits: list[float] = field(default_factory=list)  # seconds from a hint to its first answer

    @property
    def hints(self) -> int:
        return self.confirmed + self.false_alarms + self.open

    @property
    def open(self) -> int:
        """Hints without a clear answer."""
        return self.unsure + self.disputed + self.unanswered

    @property
    def is_empty(self) -> bool:
        seen = self.clips or self.hints or self.uncertain or self.missed
        return not (seen or self.camera_days)

    @property
    def false_rate(self) -> Rate | None:
        """False alarms a camera-day, of cameras whose scored time is known."""
        if not self.camera_days:
            return None
        return Rate(count=self.rated, days=self.camera_days, recordings=self.recordings)

    @property
    def false_rate_in_words(self) -> str:
        """ "0.8 (0.2 to 2.1)"; "" if it isn't known.

        As long as hints have no clear answer from what is false to what may be: "0.8 to 1.6 (0.2 to
        3.2)".
        """
        rate = self.false_rate
        if rate is None:
            return ""
        if self.rated_open:
            most = replace(rate, count=rate.count + self.rated_open)
            values, ends = (rate.value, most.value), (rate.low, most.high)
            return f"{' to '.join(map(short, values))} ({' to '.join(map(short, ends))})"
        if not rate.count:
            return f"0 (below {short(rate.high)})"
        return f"{short(rate.value)} ({short(rate.low)} to {short(rate.high)})"

    @property
    def precision(self) -> Proportion | None:
        """The share of confirmed ones, of those on which people agree; None without one."""
        return proportion(self.confirmed, self.confirmed + self.false_alarms)

    @property
    def wait(self) -> float | None:
        """The median, in seconds."""
        return median(self.waits) if self.waits else None

    def count(self, verdict: str, hints: int) -> None:
        name = _COUNTS.get(verdict, "unanswered")
        setattr(self, name, getattr(self, name) + hints)


_COUNTS: dict[str, str] = {
    Verdict.CONFIRMED: "confirmed",
    Verdict.FALSE_ALARM: "false_alarms",
    Verdict.UNSURE: "unsure",
    Verdict.DISPUTED: "disputed",
}
_OF_DAYS = ("camera_days", "recordings", "rated", "rated_open")
_SUMMED = (
    *("clips", "seconds", "unanswered", "uncertain", "missed"),
    *_COUNTS.values(),
    *_OF_DAYS,
)


def total(parts: Iterable[Figures]) -> Figures:
    found = Figures()
    for part in parts:
        for name in _SUMMED:
            setattr(found, name, getattr(found, name) + getattr(part, name))
        found.waits.extend(part.waits)
    return found
