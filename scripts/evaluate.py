"""Measures a model on labelled clips: figures with 95 % intervals, and each clip's score."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from scripts import console
from video_classifier.ml import bundle, manifest, predictor, report, scoring
from video_classifier.ml.scoring import Evaluation

EXAMPLE = """example:
  python -m scripts.evaluate models_storage/mobilenetv2_lstm clips.csv --report var/report

clips.csv has a line with the columns path (relative to the file) and label (shoplifter or
non_shoplifter), and a row for each clip. Where there are columns actor, take or scene, the
intervals come from resampling whole people or recordings; other columns are ignored.
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        model = predictor.load(arguments.model)
        entries = manifest.read(arguments.manifest, missing_is_wrong=False)
        with console.progress("Looking at the clips", len(entries)) as tick:
            evaluation = scoring.evaluate(model, entries, after_each=tick)
    except (bundle.BundleError, manifest.ManifestError, scoring.NothingToMeasureError) as error:
        console.complain(error)
        return 2
    if arguments.json:
        arguments.json.write_text(scoring.to_json(evaluation), encoding="utf-8")
    _print(evaluation)
    if arguments.report:
        page = report.write(arguments.report, evaluation, model.card)
        console.err.print(f"Wrote {page}.", markup=False, soft_wrap=True)
    return 0


def _print(evaluation: Evaluation) -> None:
    title = f"{evaluation.model} on {len(evaluation.scored)} clips"
    table = Table("figure", "value", "95 % interval", title=title)
    for name, figure in evaluation.figures.items():
        if figure.value is None:
            table.add_row(name, "-", "not defined on these clips")
        else:
            table.add_row(name, f"{figure.value:.2f}", f"{figure.low:.2f} to {figure.high:.2f}")
    console.out.print(table)
    for name, count in asdict(evaluation.counts).items():
        console.out.print(f"{name.replace('_', ' ')}: {count}")
    for clip in evaluation.unreadable:
        console.err.print(f"{clip.entry.name}: {clip.reason}", style="yellow", markup=False)
    for warning in evaluation.warnings:
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
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write plots, the worst mistakes and one HTML page into this folder",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
