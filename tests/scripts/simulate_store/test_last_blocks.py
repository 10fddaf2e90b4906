"""Last blocks are trained from the shipped network, each time anew."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.simulate_store import last_blocks
from tests.makers.footage import ROOT
from video_classifier.ml.serving import bundle, engine

MODEL = ROOT / "models_storage" / "i3d_person"


@pytest.mark.long
@pytest.mark.keras
def test_the_two_parts_are_the_shipped_network_and_training_begins_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = bundle.read_card(MODEL)
    whole = engine.read_keras_network(MODEL / engine.KERAS_FILE, card)
    random = np.random.default_rng(0)
    windows = [random.integers(0, 255, (2, *card.spec.shape), dtype=np.uint8) for _ in range(2)]
    network = last_blocks.Network(MODEL, card)
    front = network.front(windows, [0, 1])

    monkeypatch.setattr(last_blocks, "EPOCHS", 2)
    trained = last_blocks.scores(network.trained(front, front, seed=0), front, best=2)
    monkeypatch.setattr(last_blocks, "LEARNING_RATE", 0.0)
    untrained = last_blocks.scores(network.trained(front, front, seed=0), front, best=2)

    shipped = [whole.predict(each, verbose=0).mean() for each in windows]
    np.testing.assert_allclose(untrained, shipped, atol=1e-5)  # activations are kept as float16
    assert trained[1] > untrained[1] + 1e-4
