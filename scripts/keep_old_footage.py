"""Puts features of the clips that a model learned from beside it, as old_footage.npz.

Heads that learn from a store's reviews get their threshold by them, and are tested on them.
Training does this by itself; for a model from before then it takes the windows that
scripts.simulate_store takes, and the out-of-fold scores in the model's unseen.csv. No picture is in
it, no path and no name.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scripts._lib import console
from scripts.simulate_store import features
from scripts.simulate_store.features import COPIES
from video_classifier.ml.cache import Cache
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.evaluation import score_table
from video_classifier.ml.persons import loading
from video_classifier.ml.persons.detector import DetectorError
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.training import old_footage
from video_classifier.ml.training.recipe import Recipe, RecipeError
from video_classifier.ml.training.weighting import of_people

EXAMPLE = """example:
  python -m scripts.keep_old_footage models_storage/i3d_person --cache var/adaptation
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        card = _keep(
            arguments.model,
            clips=arguments.manifest,
            detector=arguments.detector,
            cache=arguments.cache,
        )
    except (BundleError, DetectorError, ManifestError, RecipeError, ValueError) as error:
        console.complain(error)
        return 2
    size = (arguments.model / old_footage.FILE).stat().st_size
    console.out.print(f"{card.name}: {old_footage.FILE} of {size:,} bytes, {card.old_footage}")
    return 0


def _keep(model: Path, *, clips: Path, detector: Path, cache: Path) -> Card:
    engine, card = bundle.load_features(model)
    (table,) = score_table.read(model / "unseen.csv")
    scores = {entry.name: score for entry, score in zip(table.entries, table.scores, strict=True)}
    entries = manifest.for_training(manifest.read(clips))
    known = [entry for entry in entries if entry.name in scores]
    seen = features.extract(
        known,
        card,
        bundle.network_file(model, card),
        detector=loading.load(detector),
        cache=Cache(cache, warn=console.warn),
        variants=COPIES[:1],
        watch=console.watch,
    )
    if left := len(entries) - len(seen):
        console.warn(
            f"Left out: {left} clips without a score in unseen.csv, or with nobody in them."
        )
    kernel, bias = engine.own_head()
    settings, kept = Recipe.of(card).settings, [clip.entry for clip in seen]
    some = old_footage.made(
        kept,
        [clip.variants[COPIES[0]] for clip in seen],
        kernel=kernel,
        bias=bias,
        best=card.best_windows,
        weights=of_people(kept, one_label=settings.one_label, out_of_domain=settings.out_of_domain),
        scores=np.array([scores[entry.name] for entry in kept]),
    )
    return old_footage.keep(model, card, some)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("keep_old_footage", __doc__, EXAMPLE)
    parser.add_argument("model", type=Path, metavar="MODEL", help="its folder")
    features.add_options(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
