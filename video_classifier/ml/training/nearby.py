"""A head near the one that a network comes with: what a store's reviews change, and no more.

What the old head learned from its footage stays in as a prior: the new head is the old one and a
change, and the change is as improbable as it is large. It is the maximum a posteriori of a logistic
regression with the old head's logits as an offset. NumPy alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.data.settings import check, setting

_STEPS = 100  # of Newton's method: some ten are taken
_TOLERANCE = 1e-8
_HALVINGS = 30
_LEAST = 1e-9  # of the largest eigenvalue: smaller ones are rounding
_OLD_SHARE = 1 / 3  # how much an old candidate counts, of a reviewed one


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Candidates of known label."""

    features: Floats  # (n, features), of each the mean of the windows that its score is of
    logits: Floats  # (n,), by the old head
    targets: Integers  # (n,): 1 for a theft, 0 for none
    weights: Floats  # (n,), above 0

    def __len__(self) -> int:
        return len(self.targets)

    def of(self, chosen: npt.NDArray[np.bool_]) -> Rows:
        """Of (n,) booleans."""
        return Rows(
            features=self.features[chosen],
            logits=self.logits[chosen],
            targets=self.targets[chosen],
            weights=self.weights[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """What is added to the old head."""

    kernel: Floats  # (features,)
    bias: float

    def of(self, features: Floats) -> Floats:
        """(n,): how much it moves the logits of (n, features)."""
        return np.asarray(features @ self.kernel + self.bias)


def fit(reviewed: Rows, settings: NearbySettings, *, old: Rows | None = None) -> Change:
    """The change that fits best to what was reviewed, whose weights are as of `weights_of`.

    `old` are candidates that the old head has seen, for a comparison: it forgets more with them
    than without (docs/adaptation.md). They count a third of what was reviewed each, both labels
    alike, and all together at least as much as all reviews. Features are counted from the mean of
    what was reviewed and in its typical length, so that `reach` means the same for all networks.
    Raises OneLabelError.
    """
    if len(np.unique(reviewed.targets)) < 2:  # noqa: PLR2004
        raise OneLabelError(OneLabelError.__doc__)
    some = reviewed if old is None or not len(old) else _joined(reviewed, old)
    center = reviewed.features.mean(axis=0)
    spread = np.asarray(reviewed.features - center, np.float64)
    features = some.features
    centered = np.asarray(features - center, np.float64)
    length = float(np.sqrt((spread**2).sum(axis=1).mean())) or 1.0
    inputs = centered / length
    # (n, rank): the same inner products in as many dimensions as there are candidates at most.
    values, vectors = np.linalg.eigh(inputs @ inputs.T)
    kept = values > _LEAST * max(float(values[-1]), 1.0)
    roots = np.sqrt(values[kept])
    design = np.column_stack([vectors[:, kept] * roots, np.ones(len(inputs))])
    found = _newton(design, some.logits, some.targets, some.weights, settings.reach)
    kernel = inputs.T @ (vectors[:, kept] @ (found[:-1] / roots)) / length
    return Change(kernel=kernel, bias=float(found[-1] - center @ kernel))


def _joined(reviewed: Rows, old: Rows) -> Rows:
    weights = old.weights.astype(np.float64)
    for target in np.unique(old.targets):
        weights[old.targets == target] /= weights[old.targets == target].sum()
    total = max(_OLD_SHARE * len(old), reviewed.weights.sum())
    return Rows(
        features=np.concatenate([reviewed.features, old.features]),
        logits=np.concatenate([reviewed.logits, old.logits]),
        targets=np.concatenate([reviewed.targets, old.targets]),
        weights=np.concatenate([reviewed.weights, weights * total / weights.sum()]),
    )


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
