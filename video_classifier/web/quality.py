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
        recall, alarms = self._recall, self._false_alarms
        if recall is None or alarms is None:
            return "Not measured: how well it does on people it has never seen is not known."
        return (
            f"Notices about {_of_hundred(recall)} thefts{_from_to(recall)}; "
            f"{_of_hundred(alarms)} ordinary clips get a hint{_from_to(alarms)}."
        )

    @property
    def may_be_guessing(self) -> bool:
        """Whether hints may be as frequent on ordinary clips, or scores may mean nothing."""
        recall, alarms, auc = self._recall, self._false_alarms, self.card.metrics.get("auc")
        overlaps = bool(
            recall
            and alarms
            and recall.low is not None
            and alarms.high is not None
            and recall.low <= alarms.high
        )
        return overlaps or bool(auc and auc.low is not None and auc.low <= GUESSING)

    @property
    def misses(self) -> str:
        """What a clip without a hint does not mean, in a sentence."""
        if self._recall is None or self._recall.value is None:
            return MISSES
        if self._recall.value < 0.5:  # noqa: PLR2004
            return "The model misses more than half of thefts."
        return f"The model misses about {100 * (1 - self._recall.value):.0f} of 100 thefts."

    @property
    def _recall(self) -> Interval | None:
        recall = self.card.metrics.get("recall")
        return None if recall is None or recall.value is None else recall

    @property
    def _false_alarms(self) -> Interval | None:
        """The share of ordinary clips that get a hint."""
        left_alone = self.card.metrics.get("specificity")
        if left_alone is None or left_alone.value is None:
            return None
        low, high = left_alone.low, left_alone.high
        return Interval(
            value=1 - left_alone.value,
            low=None if high is None else 1 - high,
            high=None if low is None else 1 - low,
        )


MISSES = "The model can miss thefts."  # of a model that was not measured, or is gone


def _of_hundred(interval: Interval) -> str:
    return f"{100 * (interval.value or 0):.0f} of 100"


def _from_to(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f" ({interval.low * 100:.0f} to {interval.high * 100:.0f})"
