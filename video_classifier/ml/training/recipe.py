"""All that decides a model, besides the clips: network, clip spec, settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from video_classifier.ml import files
from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.data.augmentation import Augmentation
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.training.settings import ClassWeights, StopBy, TrainingSettings

# Settings on the cards of models that were trained when they had other names.
_RENAMED = {
    "averaging": "ema_momentum",
    "elsewhere": "out_of_domain",
    "variants": "augmented_copies",
}


# Of networks that are trained in another way than by the defaults, unless somebody wants others.
_SETTINGS = {
    "i3d_person": TrainingSettings(
        stop_by=StopBy.EPOCHS,  # of which there is one
        augmented_copies=8,
        class_weights=ClassWeights.PEOPLE,
        out_of_domain=0.5,
        best_windows=10,
        augmentation=Augmentation(
            smallest_crop=0.75,
            rotation=8.0,
            brightness=0.15,
            contrast=0.3,
            gray=0.3,
            recolor=0.6,
            gamma=0.5,
            shrink=0.3,
            blur=0.3,
            noise=0.3,
            jpeg=0.3,
            low_rate=0.4,
        ),
    )
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
        if self.settings.fine_tune and networks.has_linear_head(self.network):
            msg = f"{self.network} is not fine-tuned: all that is trained is a linear head."
            raise RecipeError(msg)
        networks.build(self.network, self.spec, backbone_weights=backbone_weights)


def settings_for(network: str) -> TrainingSettings:
    """How a network of that name is trained unless somebody wants it otherwise."""
    return _SETTINGS.get(network, TrainingSettings())


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
