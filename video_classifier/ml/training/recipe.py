"""How a model was trained, from its card: enough to train it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from video_classifier.ml.data.augmentation import Augmentation
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.training.trainer import Settings


def settings_of(card: Card) -> Settings:
    """Raises BundleError if the card does not tell, or tells of settings there are no more."""
    found: Mapping[str, Any] = card.training.get("settings", {})
    try:
        augmentation = Augmentation(**found["augmentation"])
        return Settings(**{**found, "augmentation": augmentation})
    except (KeyError, TypeError, ValueError) as error:
        msg = (
            f"The model “{card.name}” can't be trained again: its card does not tell the settings "
            "that this version needs."
        )
        raise BundleError(msg) from error


def temperature_of(card: Card) -> float:
    """Of the model's scores; its recipe's networks need the same."""
    return float(card.training.get("temperature", 1.0))
