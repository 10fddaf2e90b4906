"""A model's evaluation as one HTML page that needs nothing else, with its plots beside it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import suppress
from html import escape
from io import BytesIO
from pathlib import Path
from string import Template

from matplotlib.figure import Figure
from PIL import Image as Picture

from video_classifier.ml.contracts import ClipError, Image
from video_classifier.ml.data.footage import Unreadable
from video_classifier.ml.evaluation import evaluate
from video_classifier.ml.evaluation.evaluate import Evaluation, Group, ScoredClip, UnscoredClip
from video_classifier.ml.evaluation.per_camera_day import PerCameraDay
from video_classifier.ml.reporting import contact_sheet, plots
from video_classifier.ml.reporting.contact_sheet import Row
from video_classifier.ml.serving.card import Card, Interval
from video_classifier.ml.training.history import Epoch, History

PAGE_FILE = "report.html"
METRICS_FILE = "metrics.json"
MISTAKES_FILE = "mistakes.png"
MOST_MISTAKES = 12
_FEW_ROWS = 12  # a longer table is folded

_TEMPLATE = Path(__file__).with_name("report.html")

# Label and meaning of each metric, in the order of the page.
MEANINGS = {
    "auc": ("ROC AUC", "How often a theft scores above an ordinary clip; 0.50 is guessing."),
    "pr_auc": ("PR AUC", "Precision over all thresholds; guessing gets the share of thefts."),
    "accuracy": ("Accuracy", "Right predictions, of all clips."),
    "precision": ("Precision", "Thefts, of all hints."),
    "recall": ("Recall", "Hints, of all thefts."),
    "specificity": ("Specificity", "Without a hint, of the ordinary clips."),
    "f1": ("F1", "Harmonic mean of precision and recall."),
    "eer": ("EER", "Miss rate where it equals the false-alarm rate; lower is better."),
    "brier": (
        "Brier score",
        "Mean squared error of the scores; lower is better. Always 0.5 gets 0.25.",
    ),
    "ece": ("ECE", "Distance of scores from shares of thefts, in ten bins; lower is better."),
}

_PLOTS = {
    "confusion": "Labels and predictions of the clips.",
    "roc": "Recall against false alarms, over all thresholds.",
    "precision_recall": "Precision against recall, over all thresholds.",
    "reliability": "Calibration: shares of thefts by score.",
    "course": "Loss by epoch of the training.",
}


def write(
    folder: Path, evaluation: Evaluation, card: Card, *, by_day: PerCameraDay | None = None
) -> Path:
    """Writes plots and worst mistakes as PNG, metrics.json, and the page, whose path it returns.

    False hints a camera-day, where they are known, are the page's first figures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*_PLOTS, "mistakes"):  # of an earlier evaluation, which may have had others
        (folder / f"{name}.png").unlink(missing_ok=True)
    (folder / METRICS_FILE).write_text(evaluate.to_json(evaluation), encoding="utf-8")
    plot_files = {}
    for name, figure in _figures(evaluation, card):
        plot_files[name] = folder / f"{name}.png"
        plots.save(figure, plot_files[name])
    rows = tuple(_rows(evaluation.mistakes()[:MOST_MISTAKES]))
    if rows:
        contact_sheet.save(rows, folder / MISTAKES_FILE)
    page = folder / PAGE_FILE
    page.write_text(_page(evaluation, card, by_day, plot_files, rows), encoding="utf-8")
    return page


def _figures(evaluation: Evaluation, card: Card) -> Iterator[tuple[str, Figure]]:
    targets, scores, threshold = evaluation.targets, evaluation.scores, evaluation.threshold
    yield "confusion", plots.confusion_matrix(evaluation.counts)
    if 0 < targets.sum() < len(targets):  # both curves need clips of both labels
        yield "roc", plots.roc(targets, scores, threshold=threshold)
        yield (
            "precision_recall",
            plots.precision_recall(targets, scores, threshold=threshold),
        )
    yield "reliability", plots.reliability_diagram(targets, scores)
    if history := _history(card):
        yield "course", plots.training(history)


def _history(card: Card) -> History | None:
    """The history of the training, if the card has it."""
    epochs = [
        Epoch(number=one["number"], loss=one["loss"], validation_loss=one["validation_loss"])
        for one in card.training.get("epochs", ())
    ]
    return History(epochs=tuple(epochs)) if epochs else None


def _rows(clips: Sequence[ScoredClip]) -> Iterator[Row]:
    for clip in clips:
        wrong = "missed" if clip.entry.target else "false alarm"
        with suppress(ClipError):  # no longer readable: left out of the page
            frames = contact_sheet.decode(clip.entry.path)
            yield Row(f"{clip.entry.name}: {wrong}, score {clip.score:.2f}", frames)


def _page(
    evaluation: Evaluation,
    card: Card,
    by_day: PerCameraDay | None,
    plot_files: dict[str, Path],
    mistakes: Sequence[Row],
) -> str:
    clips = len(evaluation.scored)
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(f"{evaluation.model} on {clips} clips"),
        facts=_facts(evaluation, card),
        warnings="".join(f"<li>{escape(one)}</li>" for one in evaluation.warnings),
        by_day="" if by_day is None else _days(by_day),
        metrics="".join(_metric_row(name, evaluation.metrics[name]) for name in MEANINGS),
        plots="".join(_plot(_PLOTS[name], file) for name, file in plot_files.items()),
        groups=_groups(evaluation.groups),
        mistakes=_mistakes(evaluation, mistakes),
        no_result=_listed("Clips without a result", evaluation.unscored),
        unreadable=_listed("Clips that can't be read", evaluation.unreadable),
        limits="".join(f"<li>{escape(one)}</li>" for one in card.limits),
    )


def _facts(evaluation: Evaluation, card: Card) -> str:
    thefts = int(evaluation.targets.sum())
    facts = {
        "Network": card.network,
        "Trained": card.created,
        "Weights (SHA-256)": f"{evaluation.model_sha256[:12]}…",
        "Threshold": f"{evaluation.threshold:.2f}",
        "Clips": f"{thefts} with a theft, {len(evaluation.scored) - thefts} ordinary",
    }
    return "".join(f"<div><dt>{k}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())


def _days(found: PerCameraDay) -> str:
    cameras = [*found.cameras.items(), *([("All", found.all)] if found.all else [])]
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{rate.recordings}</td>'
        f"<td>{escape(str(rate))}</td></tr>"
        for name, rate in cameras
    )
    return (
        "<section><h2>False hints a camera-day</h2><table><thead><tr>"
        '<th scope="col">Camera</th><th scope="col">Recordings</th>'
        '<th scope="col">False hints, with the exact 95 % interval</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in found.notes)}</ul></section>"
    )


def _metric_row(name: str, metric: Interval) -> str:
    label, meaning = MEANINGS[name]
    head = f'<th scope="row">{label}<small>{escape(meaning)}</small></th>'
    if metric.value is None:
        return f'<tr>{head}<td>-</td><td colspan="2">not defined on these clips</td></tr>'
    place = f"--value:{metric.value:.4f};--low:{metric.low:.4f};--high:{metric.high:.4f}"
    return (
        f"<tr>{head}<td>{metric.value:.2f}</td><td>{metric.low:.2f} to {metric.high:.2f}</td>"
        f'<td class="drawn" aria-hidden="true"><span class="range" style="{place}"></span></td>'
        "</tr>"
    )


def _plot(caption: str, file: Path) -> str:
    source = _inlined(file.read_bytes(), "png")
    return (
        f'<figure><img class="plot" src="{source}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _groups(groups: Sequence[Group]) -> str:
    if not groups:
        return "<p>The manifest does not say which clips share a person or a recording.</p>"
    table = (
        '<div class="wide" tabindex="0" role="region" aria-label="Groups">'
        '<table><thead><tr><th scope="col">Group</th>'
        + "".join(
            f'<th scope="col">{head}</th>'
            for head in ("Clips", "Hits", "Misses", "Without a hint", "False alarms")
        )
        + f"</tr></thead><tbody>{''.join(map(_group_row, groups))}</tbody></table></div>"
    )
    if len(groups) <= _FEW_ROWS:
        return table
    flawless = sum(not group.mistakes for group in groups)
    summary = f"{len(groups)} groups, {flawless} of them without a mistake"
    return f"<details><summary>{summary}</summary>{table}</details>"


def _group_row(group: Group) -> str:
    counts = group.counts
    numbers = (
        group.clips,
        counts.true_positives,
        counts.false_negatives,
        counts.true_negatives,
        counts.false_positives,
    )
    cells = "".join(f"<td>{number}</td>" for number in numbers)
    return f'<tr><th scope="row">{escape(group.name)}</th>{cells}</tr>'


def _mistakes(evaluation: Evaluation, rows: Sequence[Row]) -> str:
    if not rows:
        return "<p>None of these clips is on the wrong side of the threshold.</p>"
    count = len(evaluation.mistakes())
    shown = "all" if count == len(rows) else f"the worst {len(rows)}"
    figures = "".join(
        f"<figure><figcaption>{escape(row.caption)}</figcaption>"
        f'<div class="frames">{"".join(map(_frame, row.frames))}</div></figure>'
        for row in rows
    )
    return f"<p>{count} of {len(evaluation.scored)} clips; here are {shown}.</p>{figures}"


def _frame(image: Image) -> str:
    content = BytesIO()
    Picture.fromarray(image).save(content, "JPEG", quality=80)
    return f'<img src="{_inlined(content.getvalue(), "jpeg")}" alt="">'


def _listed(title: str, clips: Sequence[UnscoredClip | Unreadable]) -> str:
    if not clips:
        return ""
    items = "".join(
        f"<li><b>{escape(clip.entry.name)}</b>: {escape(clip.reason)}</li>" for clip in clips
    )
    return f"<section><h2>{title}</h2><ul>{items}</ul></section>"


def _inlined(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
