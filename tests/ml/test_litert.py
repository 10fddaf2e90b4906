"""LiteRT runs a network from a file's content."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from video_classifier.ml import litert

FILE = Path(__file__).parents[2] / "models_storage" / "person_detector" / "network.tflite"


@pytest.mark.keras
def test_threads_that_share_a_network_get_their_own_outputs() -> None:
    network = litert.Network(FILE.read_bytes())
    shape = network.input_shape
    inputs = [np.full(shape, level, network.input_dtype) for level in (0, 60, 120, 250)]
    alone = [network.run(each) for each in inputs]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(network.run, inputs * 3))

    assert alone[0].shape == network.output_shape
    assert not np.allclose(alone[0], alone[3])
    for found, expected in zip(together, alone * 3, strict=True):
        assert np.array_equal(found, expected)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid"):
        litert.Network(b"weights")
