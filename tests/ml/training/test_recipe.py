"""A card stores the recipe that trains its model again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.makers.footage import ROOT
from tests.ml.conftest import TINY
from video_classifier.ml.contracts import Region
from video_classifier.ml.data.augmentation import Augmentation
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.training.recipe import Recipe, RecipeError, design
from video_classifier.ml.training.settings import ClassWeights, TrainingSettings

SHIPPED = sorted(card.parent for card in ROOT.glob("models_storage/*/card.json"))
CARD = Card(
    name="mine", network="conv3d", summary="", spec=TINY, threshold=0.5, created="2026-01-01"
)


def test_a_recipe_comes_back_from_a_card() -> None:
    settings = TrainingSettings(seed=7, epochs=3, augmentation=Augmentation(flip=0.25))

    recipe = Recipe(network=CARD.network, spec=CARD.spec, settings=settings)

    card = replace(CARD, training={"settings": json.loads(json.dumps(recipe.stored()))})

    assert Recipe.of(card) == recipe


def test_settings_are_found_by_the_names_that_they_had_before() -> None:
    stored: dict[str, Any] = {"averaging": 0.9, "elsewhere": 0.3, "variants": 7}
    stored |= {"balanced": False, "augmentation": {"flip": 0.25}}

    settings = Recipe.of(replace(CARD, training={"settings": stored})).settings

    assert settings == TrainingSettings(
        ema_momentum=0.9,
        out_of_domain=0.3,
        augmented_copies=7,
        class_weights=ClassWeights.NONE,
        augmentation=Augmentation(flip=0.25),
    )


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_what_is_shipped_can_be_trained_again(folder: Path) -> None:
    assert Recipe.of(bundle.read_card(folder)).settings.epochs


@pytest.mark.parametrize(
    "training",
    [{}, {"settings": asdict(TrainingSettings()) | {"charm": 1}}, {"settings": {"seed": 1}}],
)
def test_a_card_without_the_settings_is_refused(training: Mapping[str, Any]) -> None:
    with pytest.raises(BundleError, match="can't be trained again"):
        Recipe.of(replace(CARD, training=training))


@pytest.mark.keras
def test_a_recipe_is_what_the_network_was_designed_for_unless_it_says_otherwise() -> None:
    settings = TrainingSettings()

    designed = design("conv3d", settings)
    other = design("conv3d", settings, view=Region.PERSON, size=64)

    assert designed.spec.view is Region.FRAME
    assert (other.spec.view, other.spec.height, other.spec.width) == (Region.PERSON, 64, 64)


@pytest.mark.keras
def test_windows_of_people_are_not_cut_from_whole_frames() -> None:
    assert design("i3d_person", TrainingSettings()).spec.rate == 8

    with pytest.raises(RecipeError, match="i3d_person takes windows of one person: leave out"):
        design("i3d_person", TrainingSettings(), view=Region.FRAME)


@pytest.mark.keras
def test_frames_of_people_are_not_left_out() -> None:
    with pytest.raises(RecipeError, match="Only whole frames"):
        design("conv3d", TrainingSettings(), view=Region.PERSON, min_difference=3)
