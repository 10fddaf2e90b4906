"""Metrics of binary classification, vectorized over resamples of the clips."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats, Integers

BINS = 10  # of equal width, for the calibration error


def weighted_metrics(
    targets: Integers, scores: Floats, weights: Floats, *, threshold: float | Floats
) -> dict[str, Floats]:
    """Each metric, (m,), of (n,) targets 0 or 1 and scores 0 to 1, under (m, n) clip weights.

    A weight is how often the clip occurs, so that a bootstrap resample is one row of weights.
    NaN where a metric is not defined: without clips of one label, or without a hint.

    auc                       area under the ROC curve (ties count half)
    pr_auc                    average precision, not interpolated
    accuracy, precision, recall, specificity, f1
                              at `threshold`, (n,) or one for all; a score at it is a hint
    eer                       equal error rate: where the miss and false-alarm rates cross
    brier                     mean squared error of the scores (Brier, "Verification of Forecasts
                              Expressed in Terms of Probability", 1950)
    ece                       expected calibration error in ten bins of equal width (Naeini,
                              Cooper & Hauskrecht, AAAI 2015)
    """
    return {
        **_ranking_metrics(targets, scores, weights),
        **_threshold_metrics(targets, scores >= threshold, weights),
        **_calibration_metrics(targets, scores, weights),
    }


def bins_of(scores: Floats) -> Integers:
    """The number of each score's bin, (n,), 0 to BINS - 1."""
    return np.minimum((scores * BINS).astype(np.intp), BINS - 1)


def _ranking_metrics(targets: Integers, scores: Floats, weights: Floats) -> dict[str, Floats]:
    order = np.argsort(-scores, kind="stable")
    ties = np.flatnonzero(np.diff(-scores[order], prepend=-np.inf))  # where a lower score starts
    positive = targets[order] == 1
    hits = np.add.reduceat(weights[:, order] * positive, ties, axis=1)
    alarms = np.add.reduceat(weights[:, order] * ~positive, ties, axis=1)
    true_positives, false_positives = hits.cumsum(axis=1), alarms.cumsum(axis=1)
    positives, negatives = true_positives[:, -1], false_positives[:, -1]
    lower = negatives[:, np.newaxis] - false_positives + alarms / 2  # negatives that score less
    precision = _ratio(true_positives, true_positives + false_positives)
    return {
        "auc": _ratio((hits * lower).sum(axis=1), positives * negatives),
        "pr_auc": _ratio((hits * np.nan_to_num(precision)).sum(axis=1), positives),
        "eer": _equal_error_rate(
            1 - _ratio(true_positives, positives[:, np.newaxis]),
            _ratio(false_positives, negatives[:, np.newaxis]),
        ),
    }


def _equal_error_rate(misses: Floats, alarms: Floats) -> Floats:
    """Where the two rates, (m, thresholds), cross; misses fall from 1, alarms rise from 0."""
    misses = np.pad(misses, ((0, 0), (1, 0)), constant_values=1.0)
    alarms = np.pad(alarms, ((0, 0), (1, 0)), constant_values=0.0)
    difference = misses - alarms
    after = np.maximum(np.argmax(difference <= 0, axis=1), 1)[:, np.newaxis]
    before = after - 1
    share = _ratio(
        np.take_along_axis(difference, before, 1),
        np.take_along_axis(difference, before, 1) - np.take_along_axis(difference, after, 1),
    )
    low = np.take_along_axis(alarms, before, 1)
    return np.asarray(low + share * (np.take_along_axis(alarms, after, 1) - low))[:, 0]


def _threshold_metrics(
    targets: Integers, hints: npt.NDArray[np.bool_], weights: Floats
) -> dict[str, Floats]:
    true_positives = weights @ (hints & (targets == 1))
    hint_count = weights @ hints
    positives = weights @ (targets == 1)
    clips = weights.sum(axis=1)
    true_negatives = weights @ (~hints & (targets == 0))
    return {
        "accuracy": _ratio(true_positives + true_negatives, clips),
        "precision": _ratio(true_positives, hint_count),
        "recall": _ratio(true_positives, positives),
        "specificity": _ratio(true_negatives, clips - positives),
        "f1": _ratio(2 * true_positives, hint_count + positives),
    }


def _calibration_metrics(targets: Integers, scores: Floats, weights: Floats) -> dict[str, Floats]:
    errors = scores - targets
    in_bin = bins_of(scores)[:, np.newaxis] == np.arange(BINS)
    gaps = np.abs(weights @ (errors[:, np.newaxis] * in_bin)).sum(axis=1)
    clips = weights.sum(axis=1)
    return {"brier": _ratio(weights @ errors**2, clips), "ece": _ratio(gaps, clips)}


def _ratio(share: Floats, whole: Floats) -> Floats:
    """NaN where there is no whole."""
    share, whole = np.broadcast_arrays(share, whole)
    ratio: Floats = np.full(share.shape, np.nan)
    return np.divide(share, whole, out=ratio, where=whole > 0)
