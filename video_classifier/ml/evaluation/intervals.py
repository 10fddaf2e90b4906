"""Metrics with 95 % intervals: cluster bootstrap, Wilson and Newcombe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.evaluation.metrics import weighted_metrics
from video_classifier.ml.serving.card import Interval

RESAMPLES = 2000
NORMAL_95 = 1.959964  # 95 % of a normal distribution lie within so many standard deviations
_MAX_WEIGHTS = 2_000_000  # in memory at a time: clips times resamples


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts of clips; a positive is a clip labelled `shoplifter`."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


def confusion(targets: Integers, scores: Floats, threshold: float | Floats) -> Confusion:
    """Of (n,) targets 0 or 1 and scores; a score at the threshold, (n,) or one, is a hint."""
    hints = scores >= threshold
    return Confusion(
        true_positives=int((hints & (targets == 1)).sum()),
        false_positives=int((hints & (targets == 0)).sum()),
        true_negatives=int((~hints & (targets == 0)).sum()),
        false_negatives=int((~hints & (targets == 1)).sum()),
    )


def measure(
    targets: Integers,
    scores: Floats,
    *,
    threshold: float | Floats,
    groups: Sequence[str] | None = None,
    seed: int = 42,
) -> dict[str, Interval]:
    """The metrics of `metrics.weighted_metrics`, of (n,) targets 0 or 1 and scores 0 to 1.

    `threshold` is one for all or (n,).

    Intervals are percentile bootstrap intervals (Efron & Tibshirani, "An Introduction to the
    Bootstrap", 1993, chapter 13). With `groups`, one name a clip, whole groups are resampled,
    because clips of one person are not independent. No resample has a mistake that the clips
    don't have, so few clips without a mistake would get an interval of no width. Therefore the
    interval of a proportion is never narrower than Wilson's (1927), that of auc never narrower
    than Newcombe's (Statistics in Medicine 2006, part 2, method 5); without groups these alone
    are given. Undefined metrics are Interval(value=None).
    """
    names = np.arange(len(targets)) if groups is None else np.asarray(groups)
    metrics = _bootstrapped(targets, scores, threshold, names, seed)
    analytic = _wilson(confusion(targets, scores, threshold))
    analytic["auc"] = _newcombe(metrics["auc"].value, targets)
    for name, interval in analytic.items():
        metrics[name] = interval if groups is None else _union(interval, metrics[name])
    return metrics


def auc(targets: Integers, scores: Floats) -> float | None:
    """Area under the ROC curve, of (n,) targets 0 or 1 and scores.

    None without clips of both labels.
    """
    area = weighted_metrics(targets, scores, np.ones((1, len(targets))), threshold=0.5)["auc"][0]
    return None if np.isnan(area) else float(area)


def within_group_auc(
    targets: Integers, scores: Floats, groups: Sequence[str], *, seed: int = 42
) -> Interval:
    """The share of (theft, ordinary) pairs of one group that are in the right order; ties half.

    Of (n,) targets 0 or 1 and scores, and groups: one name a clip. No pair is of two people, so
    recognizing people doesn't help a network. Every pair has the same weight.
    Interval(value=None) if no group has both.

    The interval is the percentile bootstrap's over the groups that have both, and as in
    `measure` never narrower than Newcombe's of as many thefts and ordinary clips.
    """
    names = np.asarray(groups)
    both = [name for name in np.unique(names) if len(np.unique(targets[names == name])) > 1]
    if not both:
        return Interval(value=None)
    counts = np.array([_ordered_pairs(targets[names == one], scores[names == one]) for one in both])
    right, pairs = counts.T
    drawn = [weights @ right / (weights @ pairs) for weights in resamples(both, seed)]
    found = _interval(float(right.sum() / pairs.sum()), np.concatenate(drawn))
    return _union(found, _newcombe(found.value, targets[np.isin(names, both)]))


def auc_drop(
    targets: Integers, scores: Floats, others: Floats, groups: Sequence[str], *, seed: int = 42
) -> Interval:
    """By how much the ROC AUC of the other scores of the same clips is lower.

    Of (n,) targets 0 or 1, two scores of each clip, and groups: one name a clip. The interval is
    the percentile bootstrap's over groups, of the difference within each resample: what makes
    clips easy or hard for both cancels out. Interval(value=None) without clips of both labels.
    """

    def drop(weights: Floats) -> Floats:
        one, other = (
            weighted_metrics(targets, each, weights, threshold=0.5)["auc"]
            for each in (scores, others)
        )
        return np.asarray(one - other)

    value = float(drop(np.ones((1, len(targets))))[0])
    return _interval(value, np.concatenate([drop(weights) for weights in resamples(groups, seed)]))


def _ordered_pairs(targets: Integers, scores: Floats) -> tuple[float, int]:
    """How many (theft, ordinary) pairs are in the right order, ties half, and of how many."""
    thefts, ordinary = scores[targets == 1][:, np.newaxis], scores[targets == 0]
    right = (thefts > ordinary).sum() + (thefts == ordinary).sum() / 2
    return float(right), thefts.size * ordinary.size


def _bootstrapped(
    targets: Integers,
    scores: Floats,
    threshold: float | Floats,
    groups: Sequence[str] | Integers,
    seed: int,
) -> dict[str, Interval]:
    whole = weighted_metrics(targets, scores, np.ones((1, len(targets))), threshold=threshold)
    parts = [
        weighted_metrics(targets, scores, weights, threshold=threshold)
        for weights in resamples(groups, seed)
    ]
    return {
        name: _interval(float(value[0]), np.concatenate([part[name] for part in parts]))
        for name, value in whole.items()
    }


def resamples(groups: Sequence[str] | Integers, seed: int) -> Iterator[Floats]:
    """Bootstrap resamples of whole groups as clip weights, (some, n), RESAMPLES in all."""
    random = np.random.default_rng(seed)
    names, group_of = np.unique(groups, return_inverse=True)
    probabilities = np.full(len(names), 1 / len(names))
    some = max(1, _MAX_WEIGHTS // len(group_of))
    for start in range(0, RESAMPLES, some):
        drawn = random.multinomial(len(names), probabilities, min(some, RESAMPLES - start))
        yield drawn[:, group_of].astype(np.float64)


def _interval(value: float, drawn: Floats) -> Interval:
    if np.isnan(value):
        return Interval(value=None)
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    # Resampling increases a calibration error, so that the measured one may be below all.
    return Interval(value=value, low=min(float(low), value), high=max(float(high), value))


def _union(one: Interval, other: Interval) -> Interval:
    """Two intervals of one metric as one, from the lowest end to the highest."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return one
    return Interval(value=one.value, low=min(one.low, other.low), high=max(one.high, other.high))


def _wilson(count: Confusion) -> dict[str, Interval]:
    from scipy.stats import binomtest

    correct = count.true_positives + count.true_negatives
    hints = count.true_positives + count.false_positives
    positives = count.true_positives + count.false_negatives
    negatives = count.true_negatives + count.false_positives
    proportions = {
        "accuracy": (correct, positives + negatives),
        "precision": (count.true_positives, hints),
        "recall": (count.true_positives, positives),
        "specificity": (count.true_negatives, negatives),
    }
    intervals = {}
    for name, (successes, trials) in proportions.items():
        if not trials:
            continue
        low, high = binomtest(successes, trials).proportion_ci(method="wilson")
        intervals[name] = Interval(value=successes / trials, low=float(low), high=float(high))
    return intervals


def _newcombe(area: float | None, targets: Integers) -> Interval:
    """The true areas from which the measured one is within NORMAL_95 standard errors."""
    from scipy.optimize import brentq

    if area is None:
        return Interval(value=None)
    positives = int(targets.sum())
    negatives = len(targets) - positives
    more = (positives + negatives) / 2 - 1

    def excess(true: float) -> float:
        spread = 1 + more * (1 - true) / (2 - true) + more * true / (1 + true)
        return (area - true) ** 2 - NORMAL_95**2 * true * (1 - true) * spread / (
            positives * negatives
        )

    inside = min(max(area, 1e-9), 1 - 1e-9)
    low = 0.0 if area <= 0 else float(brentq(excess, 0, inside))
    high = 1.0 if area >= 1 else float(brentq(excess, inside, 1))
    return Interval(value=area, low=low, high=high)
