"""What each figure of merit is, for one weighting of the clips or for thousands at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats, Integers

BINS = 10  # of equal width, for the calibration error


def weighted(
    targets: Integers, scores: Floats, weights: Floats, *, threshold: float | Floats
) -> dict[str, Floats]:
    """Each figure, (m,), of (n,) targets 0 or 1 and scores 0 to 1, under (m, n) clip weights.

    A weight says how often the clip is there, which makes a resample of the clips one row.
    NaN where a figure is not defined: without clips of one label, or without a hint.

    auc                       how often a positive scores above a negative (ties: half)
    pr_auc                    average precision: precision at each hit, not interpolated
    accuracy … f1             at `threshold`, (n,) or one for all; a score at it counts as a hint
    eer                       where misses and false alarms are equally frequent on the ROC
    brier                     mean squared error of the scores (Brier 1950)
    ece                       expected calibration error in ten bins of equal width (Naeini,
                              Cooper & Hauskrecht, AAAI 2015)
    """
    return {
        **_of_the_ranking(targets, scores, weights),
        **_of_the_hints(targets, scores >= threshold, weights),
        **_of_the_probabilities(targets, scores, weights),
    }


def bins_of(scores: Floats) -> Integers:
    """The number of each score's bin, (n,), 0 to BINS - 1."""
    return np.minimum((scores * BINS).astype(np.intp), BINS - 1)


def _of_the_ranking(targets: Integers, scores: Floats, weights: Floats) -> dict[str, Floats]:
    order = np.argsort(-scores, kind="stable")
    ties = np.flatnonzero(np.diff(-scores[order], prepend=-np.inf))  # where a lower score starts
    positive = targets[order] == 1
    hits = np.add.reduceat(weights[:, order] * positive, ties, axis=1)
    alarms = np.add.reduceat(weights[:, order] * ~positive, ties, axis=1)
    found, raised = hits.cumsum(axis=1), alarms.cumsum(axis=1)
    positives, negatives = found[:, -1], raised[:, -1]
    beaten = (hits * (negatives[:, np.newaxis] - raised + alarms / 2)).sum(axis=1)
    precision = _ratio(found, found + raised)
    return {
        "auc": _ratio(beaten, positives * negatives),
        "pr_auc": _ratio((hits * np.nan_to_num(precision)).sum(axis=1), positives),
        "eer": _equal_error(
            1 - _ratio(found, positives[:, np.newaxis]), _ratio(raised, negatives[:, np.newaxis])
        ),
    }


def _equal_error(misses: Floats, alarms: Floats) -> Floats:
    """Where the two rates, (m, thresholds), cross: misses fall from 1 while alarms rise from 0."""
    misses = np.pad(misses, ((0, 0), (1, 0)), constant_values=1.0)
    alarms = np.pad(alarms, ((0, 0), (1, 0)), constant_values=0.0)
    apart = misses - alarms
    after = np.maximum(np.argmax(apart <= 0, axis=1), 1)[:, np.newaxis]
    before = after - 1
    share = _ratio(
        np.take_along_axis(apart, before, 1),
        np.take_along_axis(apart, before, 1) - np.take_along_axis(apart, after, 1),
    )
    low = np.take_along_axis(alarms, before, 1)
    return np.asarray(low + share * (np.take_along_axis(alarms, after, 1) - low))[:, 0]


def _of_the_hints(
    targets: Integers, called: npt.NDArray[np.bool_], weights: Floats
) -> dict[str, Floats]:
    hits = weights @ (called & (targets == 1))
    calls = weights @ called
    positives = weights @ (targets == 1)
    clips = weights.sum(axis=1)
    left_alone = weights @ (~called & (targets == 0))
    return {
        "accuracy": _ratio(hits + left_alone, clips),
        "precision": _ratio(hits, calls),
        "recall": _ratio(hits, positives),
        "specificity": _ratio(left_alone, clips - positives),
        "f1": _ratio(2 * hits, calls + positives),
    }


def _of_the_probabilities(targets: Integers, scores: Floats, weights: Floats) -> dict[str, Floats]:
    off = scores - targets
    in_bin = bins_of(scores)[:, np.newaxis] == np.arange(BINS)
    gaps = np.abs(weights @ (off[:, np.newaxis] * in_bin)).sum(axis=1)
    clips = weights.sum(axis=1)
    return {"brier": _ratio(weights @ off**2, clips), "ece": _ratio(gaps, clips)}


def _ratio(share: Floats, whole: Floats) -> Floats:
    """NaN where there is no whole."""
    share, whole = np.broadcast_arrays(share, whole)
    found: Floats = np.full(share.shape, np.nan)
    return np.divide(share, whole, out=found, where=whole > 0)
