"""A card's figures are shown for the scores of the weights that it describes, and for no others."""

from __future__ import annotations

import pytest

from tests.conftest import EVEN, MakeAnalysis, MakeModel
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Export
from video_classifier.services import confidence
from video_classifier.states import Status, ThresholdOrigin

pytestmark = pytest.mark.django_db

EXPORT = Export(file="network.tflite", sha256="b" * 64, max_difference=1e-6, windows=64)


@pytest.mark.parametrize(
    ("weights", "described"),
    [
        ("a" * 64, True),  # a result of before the export, scored by Keras
        ("b" * 64, True),
        ("c" * 64, False),
        ("", False),
    ],
)
def test_a_card_holds_for_results_of_before_and_after_its_export(
    make_model: MakeModel, make_analysis: MakeAnalysis, weights: str, *, described: bool
) -> None:
    folder = make_model("mine", sha256="a" * 64, serving=EXPORT)
    analysis = make_analysis(status=Status.DONE, model="mine", score=0.7, model_sha256=weights)

    found = confidence.card_of(analysis)

    assert found == (bundle.read_card(folder) if described else None)


@pytest.mark.parametrize(
    ("origin", "known"), [(ThresholdOrigin.MODEL, True), (ThresholdOrigin.CAMERA, False)]
)
def test_what_was_measured_says_nothing_of_a_cameras_own_thresholds(
    make_model: MakeModel, make_analysis: MakeAnalysis, origin: str, *, known: bool
) -> None:
    make_model("mine", sha256="a" * 64, confidence=EVEN)
    analysis = make_analysis(
        status=Status.DONE,
        model="mine",
        score=0.7,
        model_sha256="a" * 64,
        threshold_origin=origin,
    )

    assert (confidence.of(analysis) is not None) is known


@pytest.mark.parametrize("weights", ["b" * 64, ""])
def test_a_card_without_an_export_holds_for_its_network_alone(
    make_model: MakeModel, make_analysis: MakeAnalysis, weights: str
) -> None:
    make_model("mine", sha256="a" * 64)

    analysis = make_analysis(status=Status.DONE, model="mine", score=0.7, model_sha256=weights)

    assert confidence.card_of(analysis) is None
