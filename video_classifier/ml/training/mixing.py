"""How much each clip counts in training, and what is made of two of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats
from video_classifier.ml.data.manifest import Entry, holds_both_labels

Number = TypeVar("Number", bound=np.generic)


def mix(
    inputs: npt.NDArray[Number],
    targets: npt.NDArray[np.integer],
    weights: Floats,
    *,
    alpha: float,
    random: np.random.Generator,
) -> tuple[npt.NDArray[Number], Floats]:
    """As many blends of two clips as there are clips, and of their targets likewise.

    Inputs (n, ...) of any type, which the blends keep; targets (n,) 0 or 1; clips are
    drawn as often as their weights say. Few clips make a network sure of what it
    remembers; between two clips there is nothing to remember.
    """
    count = len(inputs)
    first, second = random.choice(count, (2, count), p=weights / weights.sum())
    shares = random.beta(alpha, alpha, count)
    blended = np.empty_like(inputs)
    for row, share in enumerate(shares.astype(np.float32)):  # all at once would take gigabytes
        blended[row] = inputs[first[row]] * share + inputs[second[row]] * (1 - share)
    return blended, targets[first] * shares + targets[second] * (1 - shares)


def balance(entries: Sequence[Entry], *, elsewhere: float) -> Floats:
    """A weight for each clip, (n,), 1 on average. Both labels weigh the same in all.

    Sources that hold one label only are told apart by their looks. Together they get no
    more than the share `elsewhere` of their label, whatever the number of their clips:
    enough to learn what ordinary looks like in other places, too little to learn
    nothing else.
    """
    mixed = holds_both_labels(entries)
    kinds = list(zip((entry.label for entry in entries), mixed, strict=True))
    clips = Counter(kinds)
    labels = {label for label, _ in clips}
    weights = [_share(kind, clips, elsewhere) / clips[kind] for kind in kinds]
    return np.array(weights) * len(entries) / len(labels)


def _share(kind: tuple[str, bool], clips: Counter[tuple[str, bool]], elsewhere: float) -> float:
    """Of the weight of its label."""
    label, mixed = kind
    if (label, not mixed) not in clips:
        return 1.0
    return 1 - elsewhere if mixed else elsewhere
