"""From which score on something is a hint, and from which uncertain: the camera's, or the card's.

Whatever judges asks here, when it judges: what was judged before keeps its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from video_classifier.ml.serving.card import Card
from video_classifier.models import Measure
from video_classifier.states import Prediction, ThresholdOrigin


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From `high` on a hint, below `low` none, and between both uncertain."""

    low: float | None  # None: nothing is uncertain
    high: float
    origin: ThresholdOrigin
    measure: int | None  # the key of the one that they are of

    @property
    def least(self) -> float:
        """The lowest score of an event."""
        return self.high if self.low is None else self.low

    def prediction(self, score: float) -> Prediction:
        if score >= self.high:
            return Prediction.HINT
        return Prediction.UNCERTAIN if score >= self.least else Prediction.NO_HINT


def of_model(card: Card) -> Thresholds:
    return _from_card(card.threshold)


def of_camera(
    camera_id: int | None, *, model_sha256: str, detector_sha256: str, card_threshold: float
) -> Thresholds:
    """Those of its measure in force for these very weights; without one the model's.

    Asks the database once; without a camera, or with weights of which nothing is known, not at all.
    """
    if camera_id is None or not model_sha256:
        return _from_card(card_threshold)
    of_weights = Measure.objects.in_force().filter(
        camera=camera_id, model_sha256=model_sha256, detector_sha256=detector_sha256
    )
    found = of_weights.only("low", "high").first()
    return _from_card(card_threshold) if found is None else of_measure(found)


def of_measure(measure: Measure) -> Thresholds:
    return Thresholds(
        low=measure.low,
        high=measure.high,
        origin=ThresholdOrigin.CAMERA,
        measure=measure.pk,
    )


def _from_card(threshold: float) -> Thresholds:
    return Thresholds(low=None, high=threshold, origin=ThresholdOrigin.MODEL, measure=None)
