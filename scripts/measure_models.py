"""Measures models on people whom their networks had not seen, from tables of scores.

Prints, and writes between the marks of a page: by clip, by recording and within a person; false
alarms elsewhere; real shops within a camera; and a learning curve.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from scripts._lib import console, markdown
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.evaluation import score_table, unseen
from video_classifier.ml.evaluation.score_table import ScoreTable
from video_classifier.ml.evaluation.unseen import OverSeeds
from video_classifier.ml.reporting import plots, unseen_table
from video_classifier.ml.reporting.unseen_table import Column, Row, Sets

EXAMPLE = """example:
  python -m scripts.evaluate models_storage/person_ensemble ../shared/data/manifest.csv \\
      --scores var/others.csv
  python -m scripts.measure_models --write docs/models.md \\
      --scores person_ensemble=models_storage/person_ensemble/unseen.csv \\
      --scores person_ensemble=var/others.csv \\
      --curve var/curve.csv --plot docs/learning_curve.png

A table of scores is an unseen.csv, as training writes it, or what scripts.evaluate --scores wrote.
Of several tables of one model those of the same clips are of further seeds, and others add the
clips that the earlier ones lack. With several seeds a figure is the mean; intervals reach from the
lowest to the highest of the seeds.
"""

SETS = Sets(staged="mnnit", further="mnnit_extra", another_room="mnnit_P_lab2_whiteshirt")
CURVE_HEADS = ("People in training", "ROC AUC")

Named = Mapping[str, tuple[ScoreTable, ...]]  # by model, one table for each seed


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.write:
            names = ("unseen", "curve") if arguments.curve else ("unseen",)
            markdown.check(arguments.write, *names)
        columns = _columns(
            _tables(arguments.scores), _tables(arguments.elsewhere), _tables(arguments.shops)
        )
        rows = unseen_table.rows(columns, SETS)
        curve = unseen.learning_curve(unseen.read_curve(arguments.curve)) if arguments.curve else {}
    except (ManifestError, markdown.PageError) as error:
        console.complain(error)
        return 2
    _print(rows)
    if curve:
        _print(_curve_lines(curve))
        if arguments.plot:
            plots.save(plots.learning_curve(curve), arguments.plot)
    if arguments.write:
        markdown.write(arguments.write, "unseen", markdown.table(rows, words=2))
        if curve:
            markdown.write(arguments.write, "curve", markdown.table(_curve_lines(curve)))
    return 0


def _columns(scores: Named, elsewhere: Named, shops: Named) -> list[Column]:
    if unknown := sorted((elsewhere.keys() | shops.keys()) - scores.keys()):
        msg = f"There are no --scores of {', '.join(unknown)}."
        raise ManifestError(msg)
    return [
        Column(
            name=name,
            scores=scores[name],
            elsewhere=elsewhere.get(name, ()),
            shops=shops.get(name, ()),
        )
        for name in scores
    ]


def _tables(named: Sequence[tuple[str, Path]]) -> Named:
    return {
        name: score_table.read_all(path for other, path in named if other == name)
        for name in dict(named)
    }


def _curve_lines(curve: Mapping[int, OverSeeds]) -> list[Row]:
    return [CURVE_HEADS, *((str(people), str(figure)) for people, figure in curve.items())]


def _print(lines: Sequence[Row]) -> None:
    heads, *rows = lines
    table = Table()
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.out.print(table)


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not name or not equals or not path:
        msg = f"{text}: write NAME=CSV."
        raise argparse.ArgumentTypeError(msg)
    return name, Path(path)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_models", __doc__, EXAMPLE)
    for option, required, what in (
        ("--scores", True, "scores of a model's recipe on unseen people; may be repeated"),
        ("--elsewhere", False, "by networks without clips from other cameras in training"),
        ("--shops", False, "of clips of real shops; their group is the camera"),
    ):
        parser.add_argument(
            option,
            type=_named,
            action="append",
            default=[],
            required=required,
            metavar="NAME=CSV",
            help=what,
        )
    parser.add_argument(
        "--curve", type=Path, metavar="CSV", help="columns people, auc: a row for each training"
    )
    parser.add_argument(
        "--plot", type=console.file_to_write, metavar="PNG", help="draw the curve there"
    )
    parser.add_argument(
        "--write", type=console.file_to_write, metavar="PAGE", help="such as docs/models.md"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
