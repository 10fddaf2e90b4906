"""Plots of a training and of a model's metrics, as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.evaluation.calibration import reliability
from video_classifier.ml.evaluation.cross_validation import in_domain
from video_classifier.ml.evaluation.intervals import Confusion, auc
from video_classifier.ml.evaluation.unseen import OverSeeds
from video_classifier.ml.training.history import History

mpl.rcParams["font.size"] = 11
_WIDE = (6.4, 4.4)  # inches
_SQUARE = (4.8, 4.8)
_DPI = 110

FALSE_ALARMS = "false alarms, share of ordinary clips"
FOUND = "found, share of clips with a theft"


def save(figure: Figure, target: Path) -> None:
    figure.savefig(target, dpi=_DPI)


def save_training(history: History, target: Path) -> None:
    save(training(history), target)


def save_roc(entries: Sequence[Entry], scores: Floats, target: Path) -> None:
    """The ROC curve of out-of-fold scores, (n,)."""
    chosen = in_domain(entries)
    targets = np.array([entry.target for entry in compress(entries, chosen)])
    save(roc(targets, scores[chosen], title="On people never seen in training"), target)


def training(history: History) -> Figure:
    """Training loss, and validation loss if there is any, by epoch."""
    figure, axes = _axes(_WIDE)
    numbers = [epoch.number for epoch in history.epochs]
    axes.plot(numbers, [epoch.loss for epoch in history.epochs], "--", label="training")
    checked = [epoch for epoch in history.epochs if epoch.validation_loss is not None]
    if checked:
        losses = [epoch.validation_loss or 0 for epoch in checked]
        axes.plot([epoch.number for epoch in checked], losses, label="validation")
    axes.axvline(history.best.number, color="gray", linewidth=1)
    axes.annotate(
        f" kept: epoch {history.best.number}",
        (history.best.number, axes.get_ylim()[1]),
        va="top",
        color="dimgray",
    )
    axes.set(xlabel="epoch", ylabel="binary cross-entropy", title="Training")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()
    return figure


def roc(
    targets: Integers, scores: Floats, *, threshold: float | None = None, title: str = "ROC"
) -> Figure:
    """The ROC curve of (n,) targets 0 or 1 and scores; a dot at `threshold`."""
    from sklearn.metrics import roc_curve

    figure, axes = _axes(_SQUARE)
    axes.plot([0, 1], [0, 1], "--", color="gray", label="guessing")
    false_alarms, recall, _ = roc_curve(targets, scores)
    axes.plot(false_alarms, recall, label=f"this network, AUC {auc(targets, scores):.2f}")
    if threshold is not None:
        hints = scores >= threshold
        dot = hints[targets == 0].mean(), hints[targets == 1].mean()
        _mark(axes, *dot, threshold)
    axes.set(xlabel=FALSE_ALARMS, ylabel=FOUND, title=title, aspect="equal")
    axes.legend(loc="lower right")
    return figure


def precision_recall(
    targets: Integers, scores: Floats, *, threshold: float | None = None
) -> Figure:
    """The precision-recall curve of (n,) targets 0 or 1 and scores; a dot at `threshold`."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    figure, axes = _axes(_SQUARE)
    axes.plot([0, 1], [targets.mean()] * 2, "--", color="gray", label="guessing")
    precision, recall, _ = precision_recall_curve(targets, scores)
    area = average_precision_score(targets, scores)
    axes.step(recall, precision, where="post", label=f"this network, area {area:.2f}")
    if threshold is not None and (hints := scores >= threshold).any():
        _mark(axes, hints[targets == 1].mean(), targets[hints].mean(), threshold)
    axes.set(xlabel=FOUND, ylabel="right, share of hints", title="Precision and recall")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    axes.legend(loc="lower left")
    return figure


def confusion_matrix(counts: Confusion) -> Figure:
    """The confusion matrix; each row in shades of its share."""
    table = np.array(
        [
            [counts.true_negatives, counts.false_positives],
            [counts.false_negatives, counts.true_positives],
        ]
    )
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure, axes = _axes(_SQUARE)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        text = f"{table[row, column]}\n{share:.0%}"
        color = "white" if share > 0.5 else "black"  # noqa: PLR2004  (dark shades begin there)
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=16)
    axes.set_xticks([0, 1], ["no hint", "possible\nshoplifting"])
    axes.set_yticks([0, 1], ["ordinary", "theft"])
    axes.tick_params(length=0)
    axes.set(xlabel="the model's hint", ylabel="the clip's label", title="Confusion")
    axes.spines[:].set_visible(False)
    return figure


def reliability_diagram(targets: Integers, scores: Floats) -> Figure:
    """The share of thefts by score, of (n,) targets 0 or 1 and scores; dots grow with clips."""
    figure, axes = _axes(_SQUARE)
    axes.plot([0, 1], [0, 1], "--", color="gray", label="perfectly calibrated")
    bins = reliability(targets, scores)
    clips = np.array([each.clips for each in bins])
    points = [each.score for each in bins], [each.share for each in bins]
    axes.plot(*points, linewidth=1, label="this network")
    axes.scatter(*points, s=30 + 400 * clips / clips.sum(), zorder=3)
    for each in bins:
        axes.annotate(
            f"{each.clips}",
            (each.score, each.share),
            xytext=(0, 12),
            textcoords="offset points",
            ha="center",
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
    axes.set(xlabel="score, on average", ylabel="share of clips with a theft", aspect="equal")
    axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.15), title="Reliability (with numbers of clips)")
    axes.legend(loc="upper left")
    return figure


def learning_curve(curve: Mapping[int, OverSeeds]) -> Figure:
    """ROC AUC on unseen people by the number of people in training; a dot for each training."""
    figure, axes = _axes(_WIDE)
    people = list(curve)
    axes.fill_between(
        people,
        [min(point.values) for point in curve.values()],
        [max(point.values) for point in curve.values()],
        alpha=0.15,
        linewidth=0,
    )
    axes.plot(people, [float(np.mean(point.values)) for point in curve.values()], label="mean")
    dots = [(count, auc) for count, point in curve.items() for auc in point.values]
    axes.plot(*zip(*dots, strict=True), "o", color="gray", markersize=4, label="one training")
    axes.axhline(0.5, linestyle="--", color="gray", linewidth=1)
    axes.annotate("guessing ", (people[-1], 0.5), ha="right", va="bottom", color="dimgray")
    axes.set(xlabel="people in training", ylabel="ROC AUC on unseen people", title="Learning curve")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(top=1.02)
    axes.legend(loc="upper left")
    return figure


def _axes(size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _mark(axes: Axes, x: float, y: float, threshold: float) -> None:
    axes.plot(x, y, "o", color="black", label=f"at the threshold {threshold:.2f}")
