"""16 bits are used where they are faster, and never for the score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.ml.conftest import TINY
from video_classifier.ml.networks import precision

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


def broken() -> keras.Model:
    """A network whose weights are no numbers after the first batch, whatever its loss."""
    network = small()
    last = precision.last_layer(network)
    last.set_weights([np.full_like(weight, np.nan) for weight in last.get_weights()])
    return network


@pytest.mark.long
def test_a_precision_that_breaks_down_is_not_taken() -> None:
    def make() -> keras.Model:
        in_16_bits = keras.config.dtype_policy().name == precision.ON_CPU
        return broken() if in_16_bits else small()

    import keras

    assert precision._seconds(precision.ON_CPU, make) == np.inf
    assert precision.fastest(make) == precision.PLAIN


@pytest.mark.parametrize(
    ("loss", "weight"), [(np.nan, 0.0), (np.inf, 0.0), (0.5, np.nan), (0.5, -np.inf)]
)
def test_what_is_not_finite_is_refused_with_what_to_do(loss: float, weight: float) -> None:
    with pytest.raises(precision.NotFiniteError, match="leave out --mixed-precision"):
        precision.check_finite(loss, [np.array([1.0, weight])], policy=precision.ON_CPU)
