"""Puts the confidence of a model's predictions onto its card.

It is fitted to the scores in the model's unseen.csv: those that networks of its recipe gave to
people whom they had not seen. Training does this by itself.
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
from video_classifier.ml.evaluation import cross_validation, score_table
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Card

EXAMPLE = """example:
  python -m scripts.fit_confidence models_storage/person_ensemble
"""

SHOWN = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95)  # scores


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        for folder in arguments.models:
            _print(_fit(folder))
    except (BundleError, ManifestError) as error:
        console.complain(error)
        return 2
    return 0


def _fit(folder: Path) -> Card:
    card = bundle.read_card(folder)
    table, *_ = score_table.read(folder / "unseen.csv")
    confidence = cross_validation.out_of_fold_confidence(table.entries, table.scores)
    card = replace(card, confidence=confidence)
    bundle.write_card(folder, card)
    return card


def _print(card: Card) -> None:
    if card.confidence is None:
        console.warn(f"The scores of {card.name} predict no label: its card has no confidence.")
        return
    table = Table("score", "prediction", "right, of 100 in an equal mix", title=card.name)
    for score in sorted((*SHOWN, card.threshold)):
        hint = score >= card.threshold
        share = card.confidence.of(score, hint=hint)
        right = f"{100 * share.value:.0f} ({100 * share.low:.0f} to {100 * share.high:.0f})"
        table.add_row(f"{score:.3f}", "hint" if hint else "no hint", right)
    console.out.print(table)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("fit_confidence", __doc__, EXAMPLE)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL", help="its folder")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
