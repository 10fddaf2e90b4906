"""Which thresholds hold for a camera: its own, if they were measured with the very weights."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from tests.conftest import FakePredictor, MakeStore
from tests.makers.measures import WEIGHTS, make_measure
from video_classifier.models import Camera
from video_classifier.services import thresholds
from video_classifier.services.thresholds import Thresholds
from video_classifier.states import EndOfMeasure, Prediction, ThresholdOrigin

MODEL = Thresholds(low=None, high=0.5, origin=ThresholdOrigin.MODEL, measure=None)


@pytest.fixture
def camera(make_store: MakeStore) -> Camera:
    return Camera.objects.create(store=make_store(), name="Till")


def of(camera: Camera | None, **changes: Any) -> Thresholds:
    asked = {"model_sha256": WEIGHTS["model_sha256"], "detector_sha256": ""} | changes
    return thresholds.of_camera(camera.pk if camera else None, card_threshold=0.5, **asked)


def test_a_card_has_one_threshold() -> None:
    assert thresholds.of_model(FakePredictor.card) == MODEL


def test_without_a_measure_the_models_holds(camera: Camera) -> None:
    assert of(camera) == MODEL


def test_a_clip_without_a_camera_has_the_models(db: None) -> None:
    assert of(None) == MODEL


def test_a_measure_in_force_holds(camera: Camera) -> None:
    measure = make_measure(camera, low=0.3, high=0.7)

    assert of(camera) == Thresholds(
        low=0.3, high=0.7, origin=ThresholdOrigin.CAMERA, measure=measure.pk
    )


@pytest.mark.parametrize(
    "others", [{"model_sha256": "0" * 64}, {"model_sha256": ""}, {"detector_sha256": "d" * 64}]
)
def test_a_measure_of_other_weights_does_not_hold(camera: Camera, others: dict[str, str]) -> None:
    make_measure(camera)

    assert of(camera, **others) == MODEL


def test_a_measure_that_ended_does_not_hold(camera: Camera) -> None:
    make_measure(camera, ended_at=timezone.now(), end=EndOfMeasure.REMOVED)

    assert of(camera) == MODEL


def test_the_measure_of_another_camera_does_not_hold(camera: Camera) -> None:
    make_measure(Camera.objects.create(store=camera.store, name="Door"))

    assert of(camera) == MODEL


@pytest.mark.parametrize(
    ("score", "prediction"),
    [
        (0.29, Prediction.NO_HINT),
        (0.3, Prediction.UNCERTAIN),
        (0.69, Prediction.UNCERTAIN),
        (0.7, Prediction.HINT),
    ],
)
def test_a_score_is_judged_by_both(score: float, prediction: Prediction) -> None:
    both = Thresholds(low=0.3, high=0.7, origin=ThresholdOrigin.CAMERA, measure=1)

    assert both.prediction(score) == prediction


@pytest.mark.parametrize(
    ("score", "prediction"), [(0.49, Prediction.NO_HINT), (0.5, Prediction.HINT)]
)
def test_with_one_threshold_nothing_is_uncertain(score: float, prediction: Prediction) -> None:
    assert MODEL.prediction(score) == prediction
    assert MODEL.least == MODEL.high
