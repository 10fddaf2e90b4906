"""Measures a model on labelled clips: figures with 95 % intervals, and each clip's score."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from scripts import console
from video_classifier.ml import bundle, cards, manifest, predictor
from video_classifier.ml.clip import ClipError
from video_classifier.ml.evaluation import confusion, measure
from video_classifier.ml.manifest import Entry

EXAMPLE = """example:
  python -m scripts.evaluate models_storage/mobilenetv2_lstm clips.csv --json figures.json

clips.csv has a line with the columns path (relative to the file) and label (shoplifter or
non_shoplifter), and a row for each clip; other columns are ignored.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    entry: Entry
    score: float
    seen: bool  # the model was trained on this very file


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        model = predictor.load(arguments.model)
        entries = manifest.read(arguments.manifest, missing_is_wrong=False)
    except (bundle.BundleError, manifest.ManifestError) as error:
        console.complain(error)
        return 2
    scored, unreadable = _score(model, entries)
    if not scored:
        console.complain("None of the clips can be read, so there is nothing to measure.")
        return 2
    report = _report(model, scored, unreadable)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    _print(report)
    return 0


def _score(
    model: predictor.KerasPredictor, entries: Sequence[Entry]
) -> tuple[list[Scored], list[dict[str, str]]]:
    trained_on = set(model.card.training.get("clips_sha256", ()))
    scored, unreadable = [], []
    with console.progress("Looking at the clips", len(entries)) as tick:
        for entry in entries:
            try:
                score = model.analyze(entry.path).prediction.score
            except ClipError as error:
                unreadable.append({"path": entry.name, "reason": str(error)})
            else:
                seen = cards.sha256(entry.path) in trained_on
                scored.append(Scored(entry=entry, score=score, seen=seen))
            tick()
    return scored, unreadable


def _report(
    model: predictor.KerasPredictor, scored: Sequence[Scored], unreadable: list[dict[str, str]]
) -> dict[str, Any]:
    targets = np.array([clip.entry.target for clip in scored])
    scores = np.array([clip.score for clip in scored])
    threshold = model.card.threshold
    figures = measure(targets, scores, threshold=threshold)
    return {
        "model": model.name,
        "model_sha256": model.sha256,
        "threshold": threshold,
        "clips": len(scored),
        **{name: asdict(figure) for name, figure in figures.items()},
        "confusion": asdict(confusion(targets, scores, threshold)),
        "warnings": _warnings(scored, unreadable),
        "predictions": [
            {
                "path": clip.entry.name,
                "label": clip.entry.label,
                "score": clip.score,
                "seen_in_training": clip.seen,
            }
            for clip in scored
        ],
        "unreadable": unreadable,
    }


def _warnings(scored: Sequence[Scored], unreadable: Sequence[object]) -> list[str]:
    found = []
    if seen := sum(clip.seen for clip in scored):
        found.append(
            f"{seen} of these {len(scored)} clips were used to train the model: "
            "the figures are leaky and say nothing about unseen people."
        )
    if unreadable:
        found.append(f"{len(unreadable)} clips can't be read and are left out.")
    return found


def _print(report: dict[str, Any]) -> None:
    title = f"{report['model']} on {report['clips']} clips"
    table = Table("figure", "value", "95 % interval", title=title)
    for name in ("auc", "accuracy", "precision", "recall", "specificity", "f1"):
        figure = report[name]
        if figure["value"] is None:
            table.add_row(name, "-", "not defined on these clips")
        else:
            interval = f"{figure['low']:.2f} to {figure['high']:.2f}"
            table.add_row(name, f"{figure['value']:.2f}", interval)
    console.out.print(table)
    for name, count in report["confusion"].items():
        console.out.print(f"{name.replace('_', ' ')}: {count}")
    for clip in report["unreadable"]:
        console.err.print(f"{clip['path']}: {clip['reason']}", style="yellow", markup=False)
    for warning in report["warnings"]:
        console.err.print(warning, style="yellow", markup=False)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.evaluate",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, help="the model's folder")
    parser.add_argument("manifest", type=Path, help="CSV with the columns path and label")
    parser.add_argument("--json", type=Path, help="write everything there as well")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
