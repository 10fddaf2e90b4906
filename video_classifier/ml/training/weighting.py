"""How much each clip counts in training, by its label and its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from video_classifier.ml.contracts import Floats
from video_classifier.ml.data.manifest import Entry, holds_both_labels


def sample_weights(entries: Sequence[Entry], *, out_of_domain: float) -> Floats:
    """A weight for each clip, (n,), 1 on average. Both labels have the same total.

    A source that holds one label only is out of domain: its setting alone predicts the label.
    All clips of such sources together get no more than the share `out_of_domain` of their
    label's weight, whatever their number: enough to learn what ordinary looks like in other
    places, too little to learn nothing else.
    """
    in_domain = holds_both_labels(entries)
    kinds = list(zip((entry.label for entry in entries), in_domain, strict=True))
    clips = Counter(kinds)
    labels = {label for label, _ in clips}
    weights = [_share(kind, clips, out_of_domain) / clips[kind] for kind in kinds]
    return np.array(weights) * len(entries) / len(labels)


def _share(kind: tuple[str, bool], clips: Counter[tuple[str, bool]], out_of_domain: float) -> float:
    """Of the weight of its label, 0 to 1."""
    label, in_domain = kind
    if (label, not in_domain) not in clips:
        return 1.0
    return 1 - out_of_domain if in_domain else out_of_domain
