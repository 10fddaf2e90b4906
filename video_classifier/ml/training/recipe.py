"""All that decides a model, besides the clips: network, clip spec, settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from video_classifier.ml import files
from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.training.settings import ClassWeights, TrainingSettings

# Settings on the cards of models that were trained when they had other names.
_RENAMED = {
    "averaging": "ema_momentum",
    "elsewhere": "out_of_domain",
    "variants": "augmented_copies",
}


class RecipeError(ValueError):
    """The network can't be trained like this, and the message, a sentence, says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that decides a model besides its clips. A card stores it."""

    network: str  # of ml.networks
    spec: ClipSpec
    settings: TrainingSettings = field(default_factory=TrainingSettings)

    @classmethod
    def of(cls, card: Card) -> Self:
        """The one that a model was trained by. Raises BundleError if its card doesn't store it."""
        try:
            settings = _settings(card.training["settings"])
        except (KeyError, TypeError, ValueError) as error:
            msg = (
                f"The model “{card.name}” can't be trained again: its card does not have the "
                "settings that this version needs."
            )
            raise BundleError(msg) from error
        return cls(network=card.network, spec=card.spec, settings=settings)

    def stored(self) -> dict[str, Any]:
        """The settings for a card's `training`, ready for JSON; it has the rest in its fields."""
        return asdict(self.settings)

    def check(self, backbone_weights: str | Path | None) -> None:
        """Builds the network once, to fail now and not after hours of decoding.

        Raises RecipeError, SpecError, UnknownNetworkError and WeightsError.
        """
        from video_classifier.ml import networks

        pretrained = networks.is_pretrained(self.network)
        if self.settings.fine_tune and not (pretrained and backbone_weights):
            msg = f"{self.network} has no pretrained backbone that could be fine-tuned."
            raise RecipeError(msg)
        networks.build(self.network, self.spec, backbone_weights=backbone_weights)


def design(
    network: str,
    settings: TrainingSettings,
    *,
    view: Region | None = None,
    size: int | None = None,
    min_difference: float = 0.0,
) -> Recipe:
    """A recipe for a network of that name; None takes what the network was designed for.

    `size` is the side of a picture in pixels, `min_difference` the least mean difference of a
    frame to the one before in gray levels. Raises UnknownNetworkError, RecipeError.
    """
    from video_classifier.ml import networks

    designed = networks.designed_for(network)
    view = view or designed.view
    if min_difference and view is Region.PERSON:
        msg = "Only whole frames can be left out: with --view person leave out --min-difference."
        raise RecipeError(msg)
    if designed.rate and view is Region.FRAME:
        msg = f"{network} takes windows of one person: leave out --view frame."
        raise RecipeError(msg)
    spec = replace(
        designed,
        view=view,
        height=size or designed.height,
        width=size or designed.width,
        min_difference=min_difference,
    )
    return Recipe(network=network, spec=spec, settings=settings)


def temperature_of(card: Card) -> float:
    """The divisor of the model's logits (temperature scaling); 1 if its card has none."""
    return float(card.training.get("temperature", 1.0))


def _settings(stored: Mapping[str, Any]) -> TrainingSettings:
    """Raises KeyError, TypeError and ValueError."""
    current = {_RENAMED.get(name, name): value for name, value in stored.items()}
    if "balanced" in current:
        balanced = current.pop("balanced")
        current["class_weights"] = ClassWeights.BALANCED if balanced else ClassWeights.NONE
    _ = current["augmentation"]  # settings without it are incomplete, whatever else is missing
    return files.typed(current, TrainingSettings)
