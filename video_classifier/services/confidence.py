"""How often a prediction like the one of an analysis was right, as its model's card has it."""

from __future__ import annotations

from video_classifier.ml.serving.card import Card
from video_classifier.ml.serving.confidence import Share
from video_classifier.models import Analysis
from video_classifier.services import catalog
from video_classifier.states import Origin, Prediction, ThresholdOrigin

__all__ = ["Share", "card_of", "is_live", "of", "sentence"]

HINT = (
    "In an equal mix, {value} of 100 such hints were thefts ({low} to {high}); in a shop far fewer."
)
NO_HINT = (
    "In an equal mix, {value} of 100 such clips without a hint were ordinary ({low} to {high}); in "
    "a shop far more."
)


def of(analysis: Analysis) -> Share | None:
    """The share of right predictions among clips with such a score, half of them thefts.

    None without a score, where the model that gave it is not, or no longer, the one that was
    measured, of the scores of a live camera, and where the camera's own thresholds decided: scores
    of another camera say little of its.
    """
    is_measured = analysis.threshold_origin == ThresholdOrigin.CAMERA
    if analysis.score is None or is_live(analysis) or is_measured:
        return None
    card = card_of(analysis)
    if card is None or card.confidence is None:
        return None
    return card.confidence.of(analysis.score, hint=analysis.prediction == Prediction.HINT)


def is_live(analysis: Analysis) -> bool:
    """Whether its score is that of a camera's best moment, and not of a clip as a whole.

    What was measured is of clips, which nobody had chosen by their scores.
    """
    return analysis.requested_by_id is None and analysis.clip.origin == Origin.EVENT


def card_of(analysis: Analysis) -> Card | None:
    """The card of the very weights that scored; None if they are not there any more."""
    card = catalog.shown(analysis.model)
    return card if card and card.describes(analysis.model_sha256) else None


def sentence(share: Share, *, hint: bool) -> str:
    """The share in words, with the mix of clips that it holds for."""
    counts = {end: f"{100 * value:.0f}" for end, value in share._asdict().items()}
    return (HINT if hint else NO_HINT).format(**counts)
