"""Group cross-validation: each clip is scored once, by a network that never saw its people."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats
from video_classifier.ml.data import splits
from video_classifier.ml.data.manifest import Entry, holds_both_labels
from video_classifier.ml.data.splits import Fold
from video_classifier.ml.evaluation.calibration import (
    Calibration,
    calibrate,
    fit_confidence,
    tempered,
)
from video_classifier.ml.evaluation.intervals import measure
from video_classifier.ml.serving.card import Interval
from video_classifier.ml.serving.confidence import Confidence
from video_classifier.ml.training.history import History
from video_classifier.ml.watch import UNWATCHED, Watch

if TYPE_CHECKING:  # it loads TensorFlow, which figures of scores don't need
    from video_classifier.ml.training.trainer import Trainer

FALSE_ALARMS = "false_alarms_"  # prefix of a metric's name; the source follows
OUT_OF_DOMAIN = f"{FALSE_ALARMS}elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfFold:
    """Out-of-fold scores and thresholds of a recipe."""

    scores: Floats  # (n,), at the temperature chosen on the other folds' clips
    thresholds: Floats  # (n,), chosen on the other folds' clips
    calibration: Calibration  # chosen on all clips, for a network that is trained on all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldScored:
    """One fold of a cross-validation is done."""

    number: int  # from 1
    folds: int
    history: History | None  # None if an interrupted run had scored it
    seconds: float

    def __str__(self) -> str:
        result = (
            "scored before the interruption"
            if self.history is None
            else f"{len(self.history.epochs)} epochs, best {self.history.best.number}, "
            f"{self.seconds:.0f} s"
        )
        return f"fold {self.number} of {self.folds}: {result}"


def make_folds(entries: Sequence[Entry], *, count: int | None, seed: int) -> list[Fold]:
    """So many folds by group; None: one for each group, see `splits.leave_one_out`.

    Raises splits.TooFewGroupsError.
    """
    if count is None:
        return list(splits.leave_one_out(entries, seed=seed))
    fewest = min(splits.groups_by_label(entries).values())
    if count > fewest:
        msg = f"{count} folds need as many people or recordings of each label; there are {fewest}."
        raise splits.TooFewGroupsError(msg)
    return list(splits.folds(entries, count=count, seed=seed))


def out_of_fold_scores(
    trainer: Trainer, folds: Sequence[Fold], *, watch: Watch = UNWATCHED
) -> Floats:
    """The score of each clip, (n,), by a network that was trained without its group.

    `watch` gets a FoldScored for each fold.
    """
    scores = np.full(sum(len(fold.test) for fold in folds), np.nan)
    trainer.prepare(watch)
    with watch.task("Training without each fold in turn", len(folds)) as advance:
        for number, fold in enumerate(folds, 1):
            start = time.monotonic()
            scores[fold.test], history = trainer.out_of_fold_scores(fold)
            seconds = time.monotonic() - start
            watch.report(
                FoldScored(number=number, folds=len(folds), history=history, seconds=seconds)
            )
            advance()
    return scores


def calibrated(  # noqa: PLR0913
    entries: Sequence[Entry],
    scores: Floats,
    folds: Sequence[Fold],
    *,
    false_alarms: float,
    threshold: float | None = None,
    temperature: float | None = None,
) -> OutOfFold:
    """Out-of-fold scores, each with temperature and threshold chosen on the other folds.

    The threshold is the lowest with at most the share `false_alarms`, see
    `calibration.calibrate`, unless one is given; so is the temperature.
    """
    targets, inside = np.array([entry.target for entry in entries]), in_domain(entries)

    def choose(rows: npt.NDArray[np.intp]) -> Calibration:
        found = calibrate(
            targets[rows],
            scores[rows],
            inside[rows],
            false_alarms=false_alarms,
            temperature=temperature,
        )
        return found if threshold is None else replace(found, threshold=threshold)

    rows, shown, thresholds = np.arange(len(scores)), scores.copy(), scores.copy()
    for fold in folds:
        found = choose(np.setdiff1d(rows, fold.test))
        shown[fold.test] = tempered(scores[fold.test], found.temperature)
        thresholds[fold.test] = found.threshold
    return OutOfFold(scores=shown, thresholds=thresholds, calibration=choose(rows))


def in_domain(entries: Sequence[Entry]) -> npt.NDArray[np.bool_]:
    """(n,): the clips of sources with both labels; all clips if there is no such source."""
    both = holds_both_labels(entries)
    return both if both.any() else ~both


def out_of_fold_metrics(
    entries: Sequence[Entry], scores: Floats, *, threshold: float | Floats
) -> Mapping[str, Interval]:
    """Metrics over the sources that hold both labels; intervals by bootstrap over groups.

    A network can recognize a source of one label by its footage, which would flatter every metric.
    Its ordinary clips count for `false_alarms_elsewhere` alone. `threshold` is one for all or
    (n,).
    """
    thresholds = np.broadcast_to(threshold, scores.shape)
    inside = in_domain(entries)
    metrics = dict(_measure(entries, scores, inside, thresholds))
    if (~inside).any():
        outside = _measure(entries, scores, ~inside, thresholds)["specificity"]
        metrics[OUT_OF_DOMAIN] = complement(outside)
    return metrics


def _measure(
    entries: Sequence[Entry], scores: Floats, chosen: npt.NDArray[np.bool_], thresholds: Floats
) -> dict[str, Interval]:
    measured = list(compress(entries, chosen))
    return measure(
        np.array([entry.target for entry in measured]),
        scores[chosen],
        threshold=thresholds[chosen],
        groups=[entry.group for entry in measured],
    )


def complement(share: Interval) -> Interval:
    """One minus a share, with its interval: the false-alarm rate for the specificity."""
    if share.value is None or share.low is None or share.high is None:
        return Interval(value=None)
    return Interval(value=1 - share.value, low=1 - share.high, high=1 - share.low)


def out_of_fold_confidence(entries: Sequence[Entry], scores: Floats) -> Confidence | None:
    """The confidence in predictions, fitted on the same clips as the other metrics."""
    inside = in_domain(entries)
    measured = list(compress(entries, inside))
    return fit_confidence(
        np.array([entry.target for entry in measured]),
        scores[inside],
        [entry.group for entry in measured],
    )
