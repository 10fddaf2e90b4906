"""A head near the one that a network comes with: what a store's reviews change, and no more.

The old footage isn't where a shop is. What the old head learned from it stays in as a prior: the
new head is the old one and a change, and the change is as improbable as it is large. It is the
maximum a posteriori of a logistic regression with the old head's logits as an offset. NumPy alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.data.settings import check, setting

_STEPS = 100  # of Newton's method: some ten are taken
_TOLERANCE = 1e-8
_HALVINGS = 30
_LEAST = 1e-9  # of the largest eigenvalue: smaller ones are rounding


class OneLabelError(ValueError):
    """There are no thefts to learn from, or nothing but thefts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearbySettings:
    """Raises ValueError for a value out of its range."""

    reach: float = setting(
        1.0, "standard deviation, before any review, of the change of a candidate's logit", above=0
    )

    def __post_init__(self) -> None:
        check(self)


def fit(
    features: Floats,
    logits: Floats,
    targets: Integers,
    cameras: Integers,
    settings: NearbySettings,
) -> tuple[Floats, float]:
    """What is added to the kernel, (features,), and to the bias.

    `features` are (n, features), of each candidate the mean of the windows that its score is of,
    `logits` (n,) those of the old head, `targets` (n,) 1 for a theft and 0 for none, and `cameras`
    (n,) any numbers. Features are counted from their mean and in their typical length, so that
    `reach` means the same for all networks. Raises OneLabelError.
    """
    if len(np.unique(targets)) < 2:  # noqa: PLR2004
        raise OneLabelError(OneLabelError.__doc__)
    center = features.mean(axis=0)
    centered = np.asarray(features - center, np.float64)
    length = float(np.sqrt((centered**2).sum(axis=1).mean())) or 1.0
    inputs = centered / length
    # (n, rank): the same inner products in as many dimensions as there are candidates at most.
    values, vectors = np.linalg.eigh(inputs @ inputs.T)
    kept = values > _LEAST * max(float(values[-1]), 1.0)
    roots = np.sqrt(values[kept])
    design = np.column_stack([vectors[:, kept] * roots, np.ones(len(inputs))])
    found = _newton(design, logits, targets, weights_of(targets, cameras), settings.reach)
    kernel = inputs.T @ (vectors[:, kept] @ (found[:-1] / roots)) / length
    return kernel, float(found[-1] - center @ kernel)


def weights_of(targets: Integers, cameras: Integers) -> Floats:
    """(n,) with the mean 1: both labels count the same, as a whole and at each camera with both.

    So a camera of which mostly thefts were answered doesn't make its people thieves.
    """
    weights = np.ones(len(targets))
    for camera in np.unique(cameras):
        here = cameras == camera
        counts = [int((here & (targets == target)).sum()) for target in (0, 1)]
        if all(counts):
            for target in (0, 1):
                weights[here & (targets == target)] = sum(counts) / 2 / counts[target]
    for target in (0, 1):
        weights[targets == target] /= weights[targets == target].sum()
    return np.asarray(weights * len(targets) / 2)


def _newton(
    design: Floats, offset: Floats, targets: Integers, weights: Floats, reach: float
) -> Floats:
    """Minimizes the weighted log loss of offset + design @ x, and x² / 2 reach². It is convex."""
    penalty = 1 / reach**2

    def loss(x: Floats) -> float:
        logits = offset + design @ x
        return float(
            (weights * (np.logaddexp(0, logits) - targets * logits)).sum() + penalty * (x @ x) / 2
        )

    x = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        logits = np.clip(offset + design @ x, -500, 500)
        likely = 1 / (1 + np.exp(-logits))
        slope = design.T @ (weights * (likely - targets)) + penalty * x
        curve = (design.T * (weights * likely * (1 - likely))) @ design
        step = np.linalg.solve(curve + penalty * np.eye(len(x)), slope)
        if np.abs(step).max() < _TOLERANCE:
            break
        before, share = loss(x), 1.0
        for _ in range(_HALVINGS):
            if loss(x - share * step) <= before:
                break
            share /= 2
        x -= share * step
    return x
