"""How good scores are, each figure with its 95 % interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from video_classifier.ml.bundle import Interval

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

RESAMPLES = 2000
NORMAL_95 = 1.959964  # 95 % of a normal distribution lie within so many deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts of clips; a positive is a clip labelled `shoplifter`."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


def confusion(targets: Integers, scores: Floats, threshold: float) -> Confusion:
    called = scores >= threshold
    return Confusion(
        true_positives=int((called & (targets == 1)).sum()),
        false_positives=int((called & (targets == 0)).sum()),
        true_negatives=int((~called & (targets == 0)).sum()),
        false_negatives=int((~called & (targets == 1)).sum()),
    )


def measure(
    targets: Integers,
    scores: Floats,
    *,
    threshold: float,
    groups: Sequence[str] | None = None,
    seed: int = 42,
) -> dict[str, Interval]:
    """auc, accuracy, precision, recall, specificity and f1 of (n,) targets 0 or 1.

    With `groups` (one name a clip) whole groups are resampled, because clips of one
    person are no independent witnesses: a percentile bootstrap, Efron & Tibshirani
    1993, chapter 13. Without, shares get Wilson's interval (Wilson 1927) and auc gets
    Newcombe's (Statistics in Medicine 2006, part 2, method 5): both stay honest where all
    of a few clips went well. None where a figure is not defined.
    """
    samples = _resamples(len(targets), groups, seed)
    found = {
        name: _bootstrapped(figure, targets, scores, threshold, samples)
        for name, figure in FIGURES.items()
    }
    if groups is None:
        found |= _wilson(confusion(targets, scores, threshold))
        found["auc"] = _newcombe(found["auc"].value, targets)
    return found


def auc(targets: Integers, scores: Floats, _threshold: float = 0.5) -> float | None:
    """Area under the ROC curve: how often a positive scores above a negative.

    By ranks, as Mann & Whitney's U (1947): the bootstrap asks thousands of times.
    """
    from scipy.stats import rankdata

    positives = int(targets.sum())
    negatives = len(targets) - positives
    if not positives or not negatives:
        return None
    above = rankdata(scores)[targets == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def _shares(count: Confusion) -> dict[str, tuple[int, int]]:
    """Each share as (hits, of how many)."""
    right = count.true_positives + count.true_negatives
    called = count.true_positives + count.false_positives
    positives = count.true_positives + count.false_negatives
    negatives = count.true_negatives + count.false_positives
    return {
        "accuracy": (right, positives + negatives),
        "precision": (count.true_positives, called),
        "recall": (count.true_positives, positives),
        "specificity": (count.true_negatives, negatives),
        "f1": (2 * count.true_positives, called + positives),
    }


def _share(name: str) -> Callable[[Integers, Floats, float], float | None]:
    def figure(targets: Integers, scores: Floats, threshold: float) -> float | None:
        hits, tries = _shares(confusion(targets, scores, threshold))[name]
        return hits / tries if tries else None

    return figure


FIGURES: dict[str, Callable[[Integers, Floats, float], float | None]] = {
    "auc": auc,
    **{name: _share(name) for name in ("accuracy", "precision", "recall", "specificity", "f1")},
}


def _wilson(count: Confusion) -> dict[str, Interval]:
    from scipy.stats import binomtest

    found = {}
    for name, (hits, tries) in _shares(count).items():
        if name == "f1" or not tries:  # f1 is no share of independent tries
            continue
        low, high = binomtest(hits, tries).proportion_ci(method="wilson")
        found[name] = Interval(value=hits / tries, low=float(low), high=float(high))
    return found


def _newcombe(area: float | None, targets: Integers) -> Interval:
    """The areas that would not be surprised to be measured as `area`."""
    from scipy.optimize import brentq

    if area is None:
        return Interval(value=None)
    positives = int(targets.sum())
    negatives = len(targets) - positives
    more = (positives + negatives) / 2 - 1

    def surprise(true: float) -> float:
        spread = 1 + more * (1 - true) / (2 - true) + more * true / (1 + true)
        return (area - true) ** 2 - NORMAL_95**2 * true * (1 - true) * spread / (
            positives * negatives
        )

    inside = min(max(area, 1e-9), 1 - 1e-9)
    low = 0.0 if area <= 0 else float(brentq(surprise, 0, inside))
    high = 1.0 if area >= 1 else float(brentq(surprise, inside, 1))
    return Interval(value=area, low=low, high=high)


def _resamples(size: int, groups: Sequence[str] | None, seed: int) -> list[Integers]:
    random = np.random.default_rng(seed)
    names = np.asarray(groups if groups is not None else np.arange(size))
    members = [np.flatnonzero(names == name) for name in np.unique(names)]
    draws = random.integers(0, len(members), (RESAMPLES, len(members)))
    return [np.concatenate([members[pick] for pick in draw]) for draw in draws]


def _bootstrapped(
    figure: Callable[[Integers, Floats, float], float | None],
    targets: Integers,
    scores: Floats,
    threshold: float,
    samples: Sequence[Integers],
) -> Interval:
    value = figure(targets, scores, threshold)
    if value is None:
        return Interval(value=None)
    drawn = (figure(targets[rows], scores[rows], threshold) for rows in samples)
    low, high = np.percentile([one for one in drawn if one is not None], [2.5, 97.5])
    return Interval(value=value, low=float(low), high=float(high))
