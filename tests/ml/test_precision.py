"""16 bits are used where they are faster, and never for the score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ml.conftest import TINY
from video_classifier.ml import precision

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.keras


def small() -> keras.Model:
    from video_classifier.ml import networks

    return networks.build("cnn_lstm", TINY)


@pytest.mark.parametrize(("seconds", "found"), [(0.5, "mixed_bfloat16"), (2.0, "float32")])
def test_a_processor_computes_in_what_is_faster(
    seconds: float, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = {precision.PLAIN: 1.0, precision.ON_CPU: seconds}
    monkeypatch.setattr(precision, "_seconds", lambda policy, _: taken[policy])

    assert precision.fastest(small) == found


def test_the_score_is_exact() -> None:
    network = precision.build(precision.ON_CPU, small)

    assert precision.last_layer(network).compute_dtype == "float32"
    assert {layer.compute_dtype for layer in network.layers} >= {"bfloat16"}


def test_a_batch_is_timed_in_either() -> None:
    assert precision._seconds(precision.PLAIN, small) > 0
    assert precision._seconds(precision.ON_CPU, small) > 0
