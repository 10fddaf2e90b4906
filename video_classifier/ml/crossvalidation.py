"""Measures a recipe on people its networks have never seen: every clip is scored once so."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from video_classifier.ml import splits
from video_classifier.ml.bundle import Interval
from video_classifier.ml.evaluation import measure
from video_classifier.ml.manifest import Entry, holds_both_labels
from video_classifier.ml.training import Epoch, Floats, Trainer

ELSEWHERE = "false_alarms_elsewhere"


def unseen_scores(  # noqa: PLR0913
    trainer: Trainer,
    entries: Sequence[Entry],
    *,
    folds: int | None,
    seed: int,
    after_epoch: Callable[[Epoch], None] = lambda _: None,
    after_fold: Callable[[], None] = lambda: None,
) -> Floats:
    """The score of each clip, (n,), by a network trained without its group.

    `folds` None is one for each group.
    """
    scores = np.full(len(entries), np.nan)
    parts = (
        splits.leave_one_out(entries, seed=seed)
        if folds is None
        else splits.folds(entries, count=folds, seed=seed)
    )
    for fold in parts:
        network, _ = trainer.fit(fold.train, fold.validation, after_epoch=after_epoch)
        scores[fold.test] = trainer.scores(network, fold.test)
        after_fold()
    return scores


def unseen_metrics(
    entries: Sequence[Entry], scores: Floats, *, threshold: float
) -> Mapping[str, Interval]:
    """Figures over the sources that hold both labels; intervals by bootstrap over groups.

    A source with one label only is told apart by its looks, and would flatter every
    figure. Its clips without a theft count for `false_alarms_elsewhere` alone.
    """
    both = holds_both_labels(entries)
    found = dict(_measure(entries, scores, both, threshold))
    if (~both).any():
        elsewhere = _measure(entries, scores, ~both, threshold)["specificity"]
        found[ELSEWHERE] = _complement(elsewhere)
    return found


def _measure(
    entries: Sequence[Entry], scores: Floats, chosen: npt.NDArray[np.bool_], threshold: float
) -> dict[str, Interval]:
    counted = list(compress(entries, chosen))
    return measure(
        np.array([entry.target for entry in counted]),
        scores[chosen],
        threshold=threshold,
        groups=[entry.group for entry in counted],
    )


def _complement(share: Interval) -> Interval:
    if share.value is None or share.low is None or share.high is None:
        return Interval(value=None)
    return Interval(value=1 - share.value, low=1 - share.high, high=1 - share.low)


def write_scores(target: Path, entries: Sequence[Entry], scores: Floats) -> None:
    """A CSV with each clip's path, label, group, source and score."""
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "label", "group", "source", "score"))
        for entry, score in zip(entries, scores, strict=True):
            writer.writerow((entry.name, entry.label, entry.group, entry.source, f"{score:.4f}"))
