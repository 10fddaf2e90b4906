"""Mixup: training on blends of two clips. Zhang et al., "mixup", ICLR 2018."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats

Number = TypeVar("Number", bound=np.generic)


def mixup(
    inputs: npt.NDArray[Number],
    targets: npt.NDArray[np.integer],
    weights: Floats,
    *,
    alpha: float,
    random: np.random.Generator,
) -> tuple[npt.NDArray[Number], Floats]:
    """As many blends of two clips as there are clips, and the same blends of their targets.

    Inputs (n, ...) of any type, which the blends keep; targets (n,) 0 or 1; clips are drawn in
    proportion to their weights (n,). With few clips a network memorizes; nothing between two
    clips can be memorized.
    """
    count = len(inputs)
    first, second = random.choice(count, (2, count), p=weights / weights.sum())
    shares = random.beta(alpha, alpha, count)
    blended = np.empty_like(inputs)
    for row, share in enumerate(shares.astype(np.float32)):  # all at once would take gigabytes
        blended[row] = inputs[first[row]] * share + inputs[second[row]] * (1 - share)
    return blended, targets[first] * shares + targets[second] * (1 - shares)
