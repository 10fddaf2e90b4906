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


def of_people(entries: Sequence[Entry], *, one_label: float, out_of_domain: float) -> Floats:
    """A weight for each clip, (n,), 1 on average: a person's clips of a label together count as 1.

    Those of somebody who has clips of one label only count as `one_label`: who it is predicts that
    label. Both labels have the same total, of which clips out of domain get what they get from
    `sample_weights`, each as much as any other.
    """
    in_domain = holds_both_labels(entries)
    targets = np.array([entry.target for entry in entries])
    clips = Counter((entry.group, entry.target) for entry in entries)
    shares = np.array(
        [
            (1.0 if (entry.group, 1 - entry.target) in clips else one_label)
            / clips[entry.group, entry.target]
            for entry in entries
        ]
    )
    weights = np.zeros(len(entries))
    for target in np.unique(targets):
        inside, outside = (rows & (targets == target) for rows in (in_domain, ~in_domain))
        share = out_of_domain if inside.any() else 1.0
        if outside.any():
            weights[outside] = share / outside.sum()
        if inside.any():
            weights[inside] = _in_total(shares[inside], 1 - share if outside.any() else 1.0)
    return np.asarray(weights * len(entries) / weights.sum())


def _in_total(shares: Floats, total: float) -> Floats:
    """In proportion to the shares; all alike if these are 0."""
    if not shares.any():
        shares = np.ones_like(shares)
    return np.asarray(shares * total / shares.sum())


def _share(kind: tuple[str, bool], clips: Counter[tuple[str, bool]], out_of_domain: float) -> float:
    """Of the weight of its label, 0 to 1."""
    label, in_domain = kind
    if (label, not in_domain) not in clips:
        return 1.0
    return 1 - out_of_domain if in_domain else out_of_domain
