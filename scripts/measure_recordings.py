"""Puts a model's figures by recording onto its card, where pages take them if they are the worse.

They come from the model's unseen.csv, where several of its clips are of one recording; the rest of
the card stays as it is. Training does this by itself, with its one seed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from scripts._lib import console
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.evaluation import score_table, unseen
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Card

EXAMPLE = """example:
  python -m scripts.measure_recordings models_storage/i3d_person --scores var/seed1/unseen.csv

Of several tables those of the same clips are of further seeds, and others add the clips that the
earlier ones lack. With several seeds a figure is the mean; intervals reach from the lowest to the
highest of the seeds.
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        card = _measure(arguments.model, arguments.scores)
    except (BundleError, ManifestError) as error:
        console.complain(error)
        return 2
    _print(card)
    return 0


def _measure(folder: Path, more: Sequence[Path]) -> Card:
    card = bundle.read_card(folder)
    found = unseen.recording_metrics(score_table.read_all([folder / "unseen.csv", *more]))
    kept = {
        name: figure
        for name, figure in card.metrics.items()
        if not name.endswith(unseen.BY_RECORDING)
    }
    how = unseen.HOW_BY_RECORDING
    measured = card.measured if how in card.measured else f"{card.measured} {how}"
    card = replace(card, metrics={**kept, **found}, measured=measured if found else card.measured)
    bundle.write_card(folder, card)
    return card


def _print(card: Card) -> None:
    table = Table("", "by clip", "by recording", title=card.name)
    for name in ("auc", "recall", "specificity"):
        cells = (card.metrics.get(key, "-") for key in (name, f"{name}{unseen.BY_RECORDING}"))
        table.add_row(name, *map(str, cells))
    console.out.print(table)
    if f"auc{unseen.BY_RECORDING}" not in card.metrics:
        console.warn(f"Each recording of {card.name} is one clip: its card has no such figures.")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_recordings", __doc__, EXAMPLE)
    parser.add_argument("model", type=Path, metavar="MODEL", help="its folder")
    parser.add_argument(
        "--scores",
        type=Path,
        action="append",
        default=[],
        metavar="CSV",
        help="more scores on unseen people; may be repeated",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
