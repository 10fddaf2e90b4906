"""A head stays near the old one, and goes where reviews say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.training import nearby
from video_classifier.ml.training.nearby import Change, NearbySettings, OneLabelError, Rows

OLD = np.array([2.0, 0.0, 0.0, 0.0])


def made(count: int, *, seed: int = 0) -> tuple[Floats, Integers]:
    """Here it is the second feature that tells thefts, which the old head doesn't look at."""
    random = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    features = random.normal(3, 0.5, (count, 4))
    features[:, 1] += targets * 2
    return features, targets


def rows(features: Floats, targets: Integers, logits: Floats | None = None) -> Rows:
    """Of one camera."""
    return Rows(
        features=features,
        logits=features @ OLD - 6 if logits is None else logits,
        targets=targets,
        weights=nearby.weights_of(targets, np.zeros(len(targets), np.intp)),
    )


def fit(
    count: int, *, reach: float = 1.0, seed: int = 0, old: Rows | None = None
) -> tuple[Floats, float]:
    change = nearby.fit(rows(*made(count, seed=seed)), NearbySettings(reach=reach), old=old)
    return change.kernel, change.bias


def accuracy(kernel: Floats, bias: float) -> float:
    features, targets = made(400, seed=9)
    logits = features @ (OLD + kernel) - 6 + bias
    return float(((logits > 0) == targets).mean())


def test_it_learns_what_the_old_head_does_not_know() -> None:
    before = accuracy(np.zeros(4), 0.0)
    few, many = accuracy(*fit(10)), accuracy(*fit(400))

    assert before < 0.6
    assert before < few < many
    assert many > 0.9


def test_the_less_it_may_reach_the_nearer_it_stays() -> None:
    reaches = (0.01, 0.1, 1.0)
    moved = [float(np.abs(fit(40, reach=reach)[0]).sum()) for reach in reaches]
    together = [
        float(np.abs(fit(40, reach=reach, old=old_footage(10))[0]).sum()) for reach in reaches
    ]

    assert moved == sorted(moved)
    assert together == sorted(together)
    assert moved[0] < 0.01


def test_it_is_where_the_loss_has_no_slope() -> None:
    """The maximum a posteriori, by its own condition."""
    features, targets = made(30)
    kernel, bias = fit(30)
    length = np.sqrt(((features - features.mean(axis=0)) ** 2).sum(axis=1).mean())
    centered = (features - features.mean(axis=0)) / length
    logits = features @ (OLD + kernel) - 6 + bias
    residuals = 1 / (1 + np.exp(-logits)) - targets
    at_center = bias + features.mean(axis=0) @ kernel

    assert centered.T @ residuals == pytest.approx(-kernel * length, abs=1e-5)
    assert residuals.sum() == pytest.approx(-at_center, abs=1e-5)


def test_what_is_far_outside_does_not_break_it() -> None:
    features = np.array([[1e6, 0.0], [-1e6, 1.0], [0.0, 1e-9]])

    logits, targets = np.array([800.0, -800.0, 0.0]), np.array([0, 1, 1])

    change = nearby.fit(rows(features, targets, logits), NearbySettings())

    assert np.isfinite(change.kernel).all()
    assert np.isfinite(change.bias)


def test_candidates_that_are_all_the_same_change_no_weight() -> None:
    change = nearby.fit(
        rows(np.ones((4, 3)), np.array([0, 1, 0, 1]), np.zeros(4)), NearbySettings()
    )

    assert change.kernel == pytest.approx(np.zeros(3), abs=1e-9)


def old_footage(count: int, *, weight: float = 1.0) -> Rows:
    """Its thefts differ in the first feature, and in the second one the other way round."""
    random = np.random.default_rng(5)
    targets = np.arange(count) % 2
    features = random.normal(3, 0.5, (count, 4))
    features[:, 0] += targets * 2 - 1
    features[:, 1] -= targets * 2
    return replace(rows(features, targets), weights=np.full(count, weight))


def test_old_footage_keeps_what_a_change_would_forget() -> None:
    old = old_footage(200)

    def loss(change: tuple[Floats, float]) -> float:
        logits = old.logits + Change(kernel=change[0], bias=change[1]).of(old.features)
        return float(np.logaddexp(0, np.where(old.targets == 1, -logits, logits)).mean())

    alone, together = fit(40, reach=3), fit(40, reach=3, old=old)

    assert loss(together) < 0.5 * loss(alone)
    assert accuracy(*together) > accuracy(np.zeros(4), 0.0)


def test_few_old_ones_count_as_much_as_all_reviews() -> None:
    """Whatever their own weights are, which decide among themselves alone."""
    alone, light, heavy = (
        fit(40, old=old)[0] for old in (None, old_footage(10), old_footage(10, weight=9.0))
    )

    assert light == pytest.approx(heavy)
    assert light != pytest.approx(alone, abs=0.01)


def test_both_labels_count_the_same_at_each_camera_that_has_both() -> None:
    targets = np.array([1, 1, 1, 0, 0, 1])
    weights = nearby.weights_of(targets, np.array([1, 1, 1, 1, 2, 2]))

    assert weights[:3].sum() == pytest.approx(weights[3])
    assert weights[targets == 1].sum() == pytest.approx(weights[targets == 0].sum())
    assert weights.mean() == pytest.approx(1.0)


def test_one_label_teaches_nothing() -> None:
    with pytest.raises(OneLabelError):
        nearby.fit(rows(np.ones((2, 3)), np.ones(2, np.intp), np.zeros(2)), NearbySettings())
