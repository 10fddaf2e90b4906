"""A card tells how to train its model again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest

from tests.ml.conftest import TINY
from video_classifier.ml.data.augmentation import Augmentation
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.training import recipe
from video_classifier.ml.training.trainer import Settings

CARD = Card(
    name="mine", network="conv3d", summary="", spec=TINY, threshold=0.5, created="2026-01-01"
)


def test_the_settings_are_those_of_the_training() -> None:
    settings = Settings(seed=7, epochs=3, augmentation=Augmentation(flip=0.25))

    card = replace(CARD, training={"settings": asdict(settings)})

    assert recipe.settings_of(card) == settings


@pytest.mark.parametrize(
    "training", [{}, {"settings": asdict(Settings()) | {"charm": 1}}, {"settings": {"seed": 1}}]
)
def test_a_card_that_does_not_tell_is_refused(training: Mapping[str, Any]) -> None:
    with pytest.raises(BundleError, match="can't be trained again"):
        recipe.settings_of(replace(CARD, training=training))
