"""Mixup blends clips and targets alike."""

from __future__ import annotations

import numpy as np

from video_classifier.ml.training.mixup import mixup


def test_blends_lie_between_two_clips_and_so_do_their_targets() -> None:
    clips = np.array([[0, 0], [200, 200]], np.uint8)
    random = np.random.default_rng(1)

    blended, targets = mixup(clips, np.array([0, 1]), np.ones(2), alpha=0.4, random=random)

    assert blended.dtype == np.uint8
    np.testing.assert_allclose(blended[:, 0] / 200, targets, atol=0.01)


def test_blends_are_drawn_by_weight() -> None:
    clips = np.array([[0.0], [1.0], [2.0]])
    random = np.random.default_rng(1)

    blended, _ = mixup(clips, np.zeros(3, int), np.array([0.0, 1.0, 0.0]), alpha=1, random=random)

    np.testing.assert_allclose(blended, 1, rtol=1e-6)
