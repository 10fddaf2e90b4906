"""Presenter of a model: how good it is, in words."""

from __future__ import annotations

from dataclasses import dataclass

from video_classifier.ml.contracts import Region
from video_classifier.services.catalog import Card, Interval

GUESSING = 0.5  # AUC of scores that mean nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelQuality:
    """What the card of a model says about it, in words."""

    card: Card

    @property
    def looks_at(self) -> str:
        person = self.card.spec.view is Region.PERSON
        return "Looks at each person" if person else "Looks at the whole picture"

    @property
    def on_unseen_people(self) -> str:
        """How well it does on people it has never seen, in a sentence."""
        recall, left_alone = self._worse("recall"), self._worse("specificity")
        if recall is None or left_alone is None:
            return "Not measured: how well it does on people it has never seen is not known."
        alarms = _complement(left_alone.interval)
        return (
            f"Notices about {_of_hundred(recall.interval)} {recall.counted} with a theft"
            f"{_from_to(recall.interval)}; {_of_hundred(alarms)} ordinary {left_alone.counted} "
            f"get a hint{_from_to(alarms)}."
        )

    @property
    def may_be_guessing(self) -> bool:
        """Whether hints may be as frequent on ordinary clips, or scores may mean nothing."""
        recall, left_alone, auc = map(self._worse, ("recall", "specificity", "auc"))
        overlaps = bool(
            recall
            and left_alone
            and recall.interval.low is not None
            and left_alone.interval.low is not None
            and recall.interval.low <= 1 - left_alone.interval.low
        )
        lowest = auc.interval.low if auc else None
        return overlaps or (lowest is not None and lowest <= GUESSING)

    @property
    def misses(self) -> str:
        """What a clip without a hint does not mean, in a sentence."""
        recall = self._worse("recall")
        if recall is None:
            return MISSES
        if recall.value < 0.5:  # noqa: PLR2004
            return "The model misses more than half of thefts."
        return f"The model misses about {100 * (1 - recall.value):.0f} of 100 thefts."

    def _worse(self, metric: str) -> _Figure | None:
        """The lower of those by clip and by recording; None if neither was measured."""
        metrics = self.card.metrics
        found = [
            _Figure(value=interval.value, interval=interval, counted=counted)
            for counted, name in (("clips", metric), ("recordings", f"{metric}_by_recording"))
            if (interval := metrics.get(name)) is not None and interval.value is not None
        ]
        return min(found, key=lambda figure: figure.value, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """A share, and what of."""

    value: float  # of the interval
    interval: Interval
    counted: str  # clips or recordings


MISSES = "The model can miss thefts."  # of a model that was not measured, or is gone


def _complement(share: Interval) -> Interval:
    low, high = share.low, share.high
    return Interval(
        value=1 - (share.value or 0),
        low=None if high is None else 1 - high,
        high=None if low is None else 1 - low,
    )


def _of_hundred(interval: Interval) -> str:
    return f"{100 * (interval.value or 0):.0f} of 100"


def _from_to(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f" ({interval.low * 100:.0f} to {interval.high * 100:.0f})"
