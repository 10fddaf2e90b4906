"""A head stays near the old one, and goes where reviews say."""

from __future__ import annotations

import numpy as np
import pytest

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.training import nearby
from video_classifier.ml.training.nearby import NearbySettings, OneLabelError

OLD = np.array([2.0, 0.0, 0.0, 0.0])


def made(count: int, *, seed: int = 0) -> tuple[Floats, Integers]:
    """Here it is the second feature that tells thefts, which the old head doesn't look at."""
    random = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    features = random.normal(3, 0.5, (count, 4))
    features[:, 1] += targets * 2
    return features, targets


def fit(count: int, *, reach: float = 1.0, seed: int = 0) -> tuple[Floats, float]:
    features, targets = made(count, seed=seed)
    return nearby.fit(
        features,
        features @ OLD - 6,
        targets,
        np.zeros(count, np.intp),
        NearbySettings(reach=reach),
    )


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
    moved = [float(np.abs(fit(40, reach=reach)[0]).sum()) for reach in (0.01, 0.1, 1.0)]

    assert moved == sorted(moved)
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

    logits, targets, cameras = np.array([800.0, -800.0, 0.0]), np.array([0, 1, 1]), np.zeros(3, int)

    kernel, bias = nearby.fit(features, logits, targets, cameras, NearbySettings())

    assert np.isfinite(kernel).all()
    assert np.isfinite(bias)


def test_candidates_that_are_all_the_same_change_no_weight() -> None:
    kernel, _ = nearby.fit(
        np.ones((4, 3)), np.zeros(4), np.array([0, 1, 0, 1]), np.zeros(4, np.intp), NearbySettings()
    )

    assert kernel == pytest.approx(np.zeros(3), abs=1e-9)


def test_both_labels_count_the_same_at_each_camera_that_has_both() -> None:
    targets = np.array([1, 1, 1, 0, 0, 1])
    weights = nearby.weights_of(targets, np.array([1, 1, 1, 1, 2, 2]))

    assert weights[:3].sum() == pytest.approx(weights[3])
    assert weights[targets == 1].sum() == pytest.approx(weights[targets == 0].sum())
    assert weights.mean() == pytest.approx(1.0)


def test_one_label_teaches_nothing() -> None:
    with pytest.raises(OneLabelError):
        nearby.fit(
            np.ones((2, 3)),
            np.zeros(2),
            np.ones(2, np.intp),
            np.zeros(2, np.intp),
            NearbySettings(),
        )
