"""How good scores are, each figure with its 95 % interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.evaluation.metrics import weighted
from video_classifier.ml.serving.card import Interval

RESAMPLES = 2000
NORMAL_95 = 1.959964  # 95 % of a normal distribution lie within so many deviations
_AT_ONCE = 2_000_000  # weights in memory: so many resamples at a time that this is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts of clips; a positive is a clip labelled `shoplifter`."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


def confusion(targets: Integers, scores: Floats, threshold: float | Floats) -> Confusion:
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
    threshold: float | Floats,
    groups: Sequence[str] | None = None,
    seed: int = 42,
) -> dict[str, Interval]:
    """The figures of `metrics.weighted` of (n,) targets 0 or 1 and their scores.

    The threshold may be another for each clip, (n,).

    Intervals are the percentile bootstrap's (Efron & Tibshirani 1993, chapter 13). With
    `groups` (one name a clip) whole groups are resampled, because clips of one person are no
    independent witnesses. A resample holds no mistake that the clips don't, so that few clips
    that all went well would look certain: the interval of a share is never narrower than
    Wilson's (1927), that of auc never than Newcombe's (Statistics in Medicine 2006, part 2,
    method 5), and without groups these alone are given. None where a figure is not defined.
    """
    names = np.arange(len(targets)) if groups is None else np.asarray(groups)
    found = _bootstrapped(targets, scores, threshold, names, seed)
    least = _wilson(confusion(targets, scores, threshold))
    least["auc"] = _newcombe(found["auc"].value, targets)
    for name, interval in least.items():
        found[name] = interval if groups is None else _wider(interval, found[name])
    return found


def auc(targets: Integers, scores: Floats) -> float | None:
    """Area under the ROC curve; None without clips of both labels."""
    area = weighted(targets, scores, np.ones((1, len(targets))), threshold=0.5)["auc"][0]
    return None if np.isnan(area) else float(area)


def _bootstrapped(
    targets: Integers,
    scores: Floats,
    threshold: float | Floats,
    groups: Sequence[str] | Integers,
    seed: int,
) -> dict[str, Interval]:
    whole = weighted(targets, scores, np.ones((1, len(targets))), threshold=threshold)
    parts = [
        weighted(targets, scores, weights, threshold=threshold)
        for weights in resamples(groups, seed)
    ]
    return {
        name: _interval(float(value[0]), np.concatenate([part[name] for part in parts]))
        for name, value in whole.items()
    }


def resamples(groups: Sequence[str] | Integers, seed: int) -> Iterator[Floats]:
    """How often each clip is there, (some, n), until there were RESAMPLES."""
    random = np.random.default_rng(seed)
    names, group_of = np.unique(groups, return_inverse=True)
    chances = np.full(len(names), 1 / len(names))
    some = max(1, _AT_ONCE // len(group_of))
    for start in range(0, RESAMPLES, some):
        drawn = random.multinomial(len(names), chances, min(some, RESAMPLES - start))
        yield drawn[:, group_of].astype(np.float64)


def _interval(value: float, drawn: Floats) -> Interval:
    if np.isnan(value):
        return Interval(value=None)
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    # A calibration error grows by resampling: the measured one may lie below them all.
    return Interval(value=value, low=min(float(low), value), high=max(float(high), value))


def _wider(one: Interval, other: Interval) -> Interval:
    """Of one figure: from the lowest end to the highest."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return one
    return Interval(value=one.value, low=min(one.low, other.low), high=max(one.high, other.high))


def _wilson(count: Confusion) -> dict[str, Interval]:
    from scipy.stats import binomtest

    right = count.true_positives + count.true_negatives
    called = count.true_positives + count.false_positives
    positives = count.true_positives + count.false_negatives
    negatives = count.true_negatives + count.false_positives
    shares = {
        "accuracy": (right, positives + negatives),
        "precision": (count.true_positives, called),
        "recall": (count.true_positives, positives),
        "specificity": (count.true_negatives, negatives),
    }
    found = {}
    for name, (hits, tries) in shares.items():
        if not tries:
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
