"""Which models are offered, and what is said of those that can't be."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.conftest import MakeModel
from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.serving.bundle import NETWORK_FILE
from video_classifier.models import Analysis
from video_classifier.services import catalog
from video_classifier.services.errors import Refused


def test_a_name_that_no_row_can_hold_is_a_sentence(make_model: MakeModel) -> None:
    longest = Analysis._meta.get_field("model").max_length
    assert longest is not None
    make_model("m" * longest)
    make_model("m" * (longest + 1))

    usable, unusable = catalog.available()

    assert usable.card is not None
    assert unusable.card is None
    assert "has at most 50 characters" in unusable.problem


def test_lists_the_models_with_their_cards(make_model: MakeModel) -> None:
    make_model("quick")
    make_model("careful")

    found = catalog.available()

    assert [choice.name for choice in found] == ["careful", "quick"]
    assert all(choice.card and not choice.problem for choice in found)


def test_a_damaged_model_is_listed_with_its_problem(make_model: MakeModel) -> None:
    (make_model("hurt") / NETWORK_FILE).write_bytes(b"other")

    (choice,) = catalog.available()

    assert choice.card is None
    assert "hurt" in choice.problem


def test_the_default_is_the_configured_one(make_model: MakeModel, settings: Settings) -> None:
    settings.DEFAULT_MODEL = "quick"
    make_model("careful")
    make_model("quick")

    assert catalog.default_name() == "quick"


def test_without_the_configured_one_the_first_that_can_be_used(
    make_model: MakeModel, settings: Settings
) -> None:
    settings.DEFAULT_MODEL = "quick"
    (make_model("a hurt one") / NETWORK_FILE).unlink()
    make_model("careful")

    assert catalog.default_name() == "careful"


def test_no_model_gives_no_default() -> None:
    assert catalog.default_name() == ""


@pytest.mark.parametrize("name", ["", ".", "..", "../models/standard", "unknown", "a\x00b"])
def test_a_name_is_no_path(make_model: MakeModel, name: str) -> None:
    make_model()

    with pytest.raises(Refused, match="There is no model"):
        catalog.usable(name)


@pytest.fixture
def persons_detector(settings: Settings) -> Path:
    settings.PERSON_DETECTOR.parent.mkdir(parents=True)
    settings.PERSON_DETECTOR.write_bytes(b"weights")
    return Path(settings.PERSON_DETECTOR)


def test_a_model_of_persons_is_offered_with_all_that_it_needs(
    make_model: MakeModel, persons_detector: Path
) -> None:
    make_model("persons", spec=ClipSpec(view=Region.PERSON))

    assert catalog.usable("persons").spec.view is Region.PERSON


def test_a_model_of_persons_without_a_detector_is_not_offered(make_model: MakeModel) -> None:
    make_model("persons", spec=ClipSpec(view=Region.PERSON))

    with pytest.raises(Refused, match="needs a person detector"):
        catalog.usable("persons")
