"""Pictures for a model's folder, PNG."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from video_classifier.ml.manifest import Entry, holds_both_labels
from video_classifier.ml.training import Course, Floats

mpl.rcParams["font.size"] = 11
_SIZE = (6.4, 4.4)  # inches
_DOTS = 110  # an inch


def save_course(course: Course, target: Path) -> None:
    """The loss on the training and the validation clips over the epochs."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    numbers = [epoch.number for epoch in course.epochs]
    axes.plot(numbers, [epoch.loss for epoch in course.epochs], "--", label="training")
    axes.plot(numbers, [epoch.validation_loss for epoch in course.epochs], label="validation")
    axes.axvline(course.best.number, color="gray", linewidth=1)
    axes.annotate(
        f" kept: epoch {course.best.number}",
        (course.best.number, axes.get_ylim()[1]),
        va="top",
        color="dimgray",
    )
    axes.set(xlabel="epoch", ylabel="binary cross-entropy", title="Training")
    axes.legend()
    figure.savefig(target, dpi=_DOTS)


def save_roc(entries: Sequence[Entry], scores: Floats, target: Path) -> None:
    """The ROC curve over clips of people that the scoring networks had not seen."""
    from sklearn.metrics import roc_auc_score, roc_curve

    counted = holds_both_labels(entries)
    targets = [entry.target for entry in compress(entries, counted)]
    false_alarms, found, _ = roc_curve(targets, scores[counted])
    figure = Figure(figsize=(4.8, 4.8), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "--", color="gray", label="guessing")
    axes.plot(
        false_alarms,
        found,
        label=f"this network, AUC {roc_auc_score(targets, scores[counted]):.2f}",
    )
    axes.set(
        xlabel="false alarms, share of ordinary clips",
        ylabel="found, share of clips with a theft",
        title="On people never seen in training",
        aspect="equal",
    )
    axes.legend(loc="lower right")
    figure.savefig(target, dpi=_DOTS)
