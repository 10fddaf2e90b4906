"""Measures a recipe on people its networks have never seen: every clip is scored once so."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from video_classifier.ml.contracts import Floats
from video_classifier.ml.data import splits
from video_classifier.ml.data.manifest import Entry, ManifestError, holds_both_labels
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
from video_classifier.ml.training.trainer import Course, Epoch, Trainer

FALSE_ALARMS = "false_alarms_"  # begins the name of each figure of them; then comes where
ELSEWHERE = f"{FALSE_ALARMS}elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """What networks of one recipe make of people that they have not seen."""

    scores: Floats  # (n,), at a temperature that was chosen on the other folds' clips
    thresholds: Floats  # (n,), likewise
    shipped: Calibration  # chosen on all clips, for a network that is trained on all of them


def parts(entries: Sequence[Entry], *, folds: int | None, seed: int) -> list[Fold]:
    """So many folds by group; None: one for each group, see `splits.leave_one_out`.

    Raises splits.TooFewGroupsError.
    """
    if folds is None:
        return list(splits.leave_one_out(entries, seed=seed))
    fewest = min(splits.groups_by_label(entries).values())
    if folds > fewest:
        msg = f"{folds} folds need as many people or recordings of each label; there are {fewest}."
        raise splits.TooFewGroupsError(msg)
    return list(splits.folds(entries, count=folds, seed=seed))


def unseen_scores(
    trainer: Trainer,
    parts: Sequence[Fold],
    *,
    after_epoch: Callable[[Epoch], None] = lambda _: None,
    after_fold: Callable[[Course | None], None] = lambda _: None,
) -> Floats:
    """The score of each clip, (n,), as a network gives it that was trained without its group.

    `after_fold` gets the course of the training, or None if an interrupted run came so far.
    """
    scores = np.full(sum(len(fold.test) for fold in parts), np.nan)
    for fold in parts:
        scores[fold.test], course = trainer.unseen_scores(fold, after_epoch=after_epoch)
        after_fold(course)
    return scores


def calibrated(
    entries: Sequence[Entry],
    scores: Floats,
    parts: Sequence[Fold],
    *,
    false_alarms: float,
    threshold: float | None = None,
) -> Unseen:
    """The same scores as they would be shown, each by what the clips of other folds chose.

    The threshold is the lowest with at most the share `false_alarms`, see
    `calibration.calibrate`, unless one is given.
    """
    targets, chosen = np.array([entry.target for entry in entries]), counted(entries)

    def choose(rows: npt.NDArray[np.intp]) -> Calibration:
        found = calibrate(targets[rows], scores[rows], chosen[rows], false_alarms=false_alarms)
        return found if threshold is None else replace(found, threshold=threshold)

    rows, shown, thresholds = np.arange(len(scores)), scores.copy(), scores.copy()
    for fold in parts:
        found = choose(np.setdiff1d(rows, fold.test))
        shown[fold.test] = tempered(scores[fold.test], found.temperature)
        thresholds[fold.test] = found.threshold
    return Unseen(scores=shown, thresholds=thresholds, shipped=choose(rows))


def counted(entries: Sequence[Entry]) -> npt.NDArray[np.bool_]:
    """(n,): the clips that count for the figures: all, if no source holds both labels."""
    mixed = holds_both_labels(entries)
    return mixed if mixed.any() else ~mixed


def unseen_metrics(
    entries: Sequence[Entry], scores: Floats, *, threshold: float | Floats
) -> Mapping[str, Interval]:
    """Figures over the sources that hold both labels; intervals by bootstrap over groups.

    A source with one label only is told apart by its looks, and would flatter every
    figure. Its clips without a theft count for `false_alarms_elsewhere` alone. The
    threshold may be another for each clip, (n,).
    """
    thresholds = np.broadcast_to(threshold, scores.shape)
    both = counted(entries)
    found = dict(_measure(entries, scores, both, thresholds))
    if (~both).any():
        elsewhere = _measure(entries, scores, ~both, thresholds)["specificity"]
        found[ELSEWHERE] = complement(elsewhere)
    return found


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
    """Of the false alarms, if `share` is the specificity."""
    if share.value is None or share.low is None or share.high is None:
        return Interval(value=None)
    return Interval(value=1 - share.value, low=1 - share.high, high=1 - share.low)


def unseen_confidence(entries: Sequence[Entry], scores: Floats) -> Confidence | None:
    """How often predictions were right, on the sources that the other figures are of."""
    both = counted(entries)
    measured = list(compress(entries, both))
    return fit_confidence(
        np.array([entry.target for entry in measured]),
        scores[both],
        [entry.group for entry in measured],
    )


def read_scores(table: Path) -> tuple[tuple[Entry, ...], Floats]:
    """The clips of a CSV that `write_scores` wrote, and their scores. Raises ManifestError."""
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        entries = tuple(
            Entry(
                path=Path(row["path"]),
                name=row["path"],
                label=row["label"],
                group=row["group"],
                source=row["source"],
            )
            for row in rows
        )
        return entries, np.array([float(row["score"]) for row in rows])
    except (OSError, ValueError, KeyError) as error:
        msg = f"The table of scores {table} can't be read: {error}."
        raise ManifestError(msg) from error


def write_scores(target: Path, entries: Sequence[Entry], unseen: Unseen) -> None:
    """A CSV with each clip's path, label, group, source, score, and the threshold it met."""
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "label", "group", "source", "score", "threshold"))
        for entry, *figures in zip(entries, unseen.scores, unseen.thresholds, strict=True):
            cells = (f"{figure:.4f}" for figure in figures)
            writer.writerow((entry.name, entry.label, entry.group, entry.source, *cells))
