"""The learning rate follows its schedule."""

from __future__ import annotations

import pytest

from video_classifier.ml.training.optimization import learning_rate_of
from video_classifier.ml.training.settings import Schedule


@pytest.mark.keras
def test_a_cosine_rises_and_falls_and_a_constant_does_neither() -> None:
    rate = learning_rate_of(Schedule.COSINE, 0.4, steps=100)
    assert not isinstance(rate, float)

    assert [float(rate(step)) for step in (0, 10, 55, 100)] == pytest.approx(
        [0, 0.4, 0.2, 0], abs=1e-6
    )
    assert learning_rate_of(Schedule.CONSTANT, 0.4, steps=100) == 0.4
