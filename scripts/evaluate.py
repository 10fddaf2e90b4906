"""Measures a model on labelled clips: figures with 95 % intervals, and each clip's score."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from scripts._lib import console
from video_classifier.ml import experiments
from video_classifier.ml.cache import Cache
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.evaluation import evaluate, per_camera_day, score_table
from video_classifier.ml.evaluation.evaluate import Evaluation
from video_classifier.ml.evaluation.per_camera_day import PerCameraDay
from video_classifier.ml.networks import pretrained
from video_classifier.ml.reporting import report
from video_classifier.ml.serving import bundle, loading

EXAMPLE = """example:
  python -m scripts.evaluate models_storage/mobilenetv2_lstm clips.csv --report var/report

clips.csv has a line with the columns path (relative to the file) and label (shoplifter or
non_shoplifter), and a row for each clip. Where there are columns actor, take or scene, the
intervals come from resampling whole people or recordings; other columns are ignored. With
--by-camera-day it has the columns camera and day as well, as manage.py export_reviewed writes
them, and may have share_of_day: how much of that camera-day was scored.
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        card = bundle.check(arguments.model)
        entries = manifest.read(arguments.manifest, missing_is_wrong=False)
        days = per_camera_day.read(arguments.manifest) if arguments.by_camera_day else {}
        evaluation = (
            experiments.evaluate_recipe(
                card,
                manifest.for_training(entries),
                backbone_weights=arguments.backbone_weights,
                detector=arguments.detector,
                cache=Cache(arguments.cache, warn=console.warn),
                watch=console.watch,
            )
            if arguments.folds
            else _evaluate(arguments.model, entries, arguments.detector)
        )
    except experiments.REFUSALS as error:
        console.complain(error)
        return 2
    by_day = per_camera_day.measure(evaluation, days) if arguments.by_camera_day else None
    if arguments.json:
        more = {} if by_day is None else {"per_camera_day": per_camera_day.to_json(by_day)}
        arguments.json.write_text(evaluate.to_json(evaluation, **more), encoding="utf-8")
    if arguments.scores:
        score_table.write(arguments.scores, [evaluate.unseen(evaluation)])
    _print(evaluation)
    if by_day is not None:
        _print_days(by_day)
    if arguments.report:
        page = report.write(arguments.report, evaluation, card, by_day=by_day)
        console.err.print(f"Wrote {page}.", markup=False, soft_wrap=True)
    return 0


def _evaluate(model: Path, entries: Sequence[Entry], detector: Path) -> Evaluation:
    loaded = loading.load(model, detector=detector)
    with console.progress("Scoring the clips", len(entries)) as advance:
        return evaluate.evaluate(loaded, entries, advance=advance)


def _print(evaluation: Evaluation) -> None:
    title = f"{evaluation.model} on {len(evaluation.scored)} clips"
    table = Table("figure", "value", "95 % interval", title=title)
    for name, figure in evaluation.metrics.items():
        if figure.value is None:
            table.add_row(name, "-", "not defined on these clips")
        else:
            table.add_row(name, f"{figure.value:.2f}", f"{figure.low:.2f} to {figure.high:.2f}")
    console.out.print(table)
    for name, count in asdict(evaluation.counts).items():
        console.out.print(f"{name.replace('_', ' ')}: {count}")
    for judged in evaluation.unscored:
        console.err.print(f"{judged.entry.name}: no result. {judged.reason}", markup=False)
    for clip in evaluation.unreadable:
        console.err.print(f"{clip.entry.name}: {clip.reason}", style="yellow", markup=False)
    for warning in evaluation.warnings:
        console.err.print(warning, style="yellow", markup=False)


def _print_days(found: PerCameraDay) -> None:
    table = Table("camera", "recordings", "false hints per camera-day", title="By camera-day")
    for camera, rate in found.cameras.items():
        table.add_row(camera, str(rate.recordings), str(rate))
    if found.all is not None:
        table.add_row("all", str(found.all.recordings), str(found.all), style="bold")
    console.out.print(table)
    for note in found.notes:
        console.err.print(note, style="yellow", markup=False)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("evaluate", __doc__, EXAMPLE)
    parser.add_argument("model", type=Path, help="the model's folder")
    parser.add_argument("manifest", type=Path, help="CSV with the columns path and label")
    parser.add_argument("--json", type=console.file_to_write, help="write everything there as well")
    parser.add_argument(
        "--scores",
        type=console.file_to_write,
        metavar="CSV",
        help="write the scores of clips that the model wasn't trained on, for measure_models; "
        "clips with a note are left out",
    )
    parser.add_argument(
        "--report",
        type=console.folder_to_write,
        metavar="DIR",
        help="write plots, the worst mistakes and one HTML page into this folder",
    )
    parser.add_argument(
        "--by-camera-day",
        action="store_true",
        help="print false hints per camera-day, too, by the manifest's columns camera and day",
    )
    parser.add_argument(
        "--folds",
        choices=["by-group"],
        help="measure the model's recipe instead: train it anew without each person or recording "
        "in turn, and score those; clips with a note are left out",
    )
    parser.add_argument(
        "--backbone-weights",
        default=pretrained.DOWNLOADED,
        help="with --folds: a file of the weights that the network starts from, as for training "
        "(default: download those of ImageNet)",
    )
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="with --folds: keep decoded clips there"
    )
    console.add_detector(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
