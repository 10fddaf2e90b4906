"""Labels and sources count by their weights, not by how many clips they have."""

from __future__ import annotations

import pytest

from tests.makers.datasets import entry
from video_classifier.ml.training.weighting import sample_weights


def test_labels_weigh_the_same_whatever_their_number() -> None:
    entries = [entry(number, shoplifter=number < 2, group=str(number)) for number in range(10)]

    weights = sample_weights(entries, out_of_domain=0.2)

    assert weights.mean() == pytest.approx(1)
    assert weights[:2].sum() == pytest.approx(weights[2:].sum())


def test_a_large_source_does_not_drown_a_small_one() -> None:
    entries = [entry(0, shoplifter=True, group="a")]
    entries += [entry(number, shoplifter=False, group="b") for number in range(1, 3)]
    entries += [
        entry(number, shoplifter=False, group="c", source="street") for number in range(3, 93)
    ]

    weights = sample_weights(entries, out_of_domain=0.2)

    assert weights[3:].sum() / weights[1:].sum() == pytest.approx(0.2)
    assert weights[:1].sum() == pytest.approx(weights[1:].sum())
