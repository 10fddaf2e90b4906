"""Exports models to LiteRT, which serves them without TensorFlow. Training does this by itself.

Scores of the export are compared with those of the Keras network, on made inputs and on clips of a
manifest if one is given; a network whose scores change is not exported, and Keras goes on serving
it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts._lib import console
from video_classifier.ml import experiments
from video_classifier.ml.contracts import Image, Region
from video_classifier.ml.data import manifest
from video_classifier.ml.data.footage import read_footage
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Card
from video_classifier.ml.training import export
from video_classifier.ml.training.export import REAL_WINDOWS, ExportError

EXAMPLE = """example:
  python -m scripts.export_model models_storage/person_ensemble \\
      --manifest ../shared/data/manifest.csv
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        for folder in arguments.models:
            windows = _windows(folder, arguments.manifest, arguments.detector)
            _print(export.export(folder, windows), folder, of_clips=len(windows))
    except (*experiments.REFUSALS, ExportError) as error:
        console.complain(error)
        return 2
    except OSError as error:
        console.complain(f"{error.filename} can't be written: {error.strerror}.")
        return 2
    return 0


def _windows(folder: Path, table: Path | None, detector: Path) -> list[Image]:
    """What the model would be given of some clips, spread over the table."""
    if table is None:
        return []
    spec = bundle.read_card(folder).spec
    entries = manifest.read(table)
    chosen = entries[:: max(1, -(-len(entries) // REAL_WINDOWS))]
    found = detectors.load(detector) if spec.view is Region.PERSON else None
    footage, _ = read_footage(chosen, spec, detector=found, watch=console.watch)
    return [clip.inputs[0] for clip in footage]


def _print(card: Card, folder: Path, *, of_clips: int) -> None:
    if card.serving is None:
        return
    made = card.serving.windows - of_clips
    size = (folder / card.serving.file).stat().st_size / 1e6
    console.out.print(
        f"{card.name}: {card.serving.file} ({size:.1f} MB) is served from now on. Its scores "
        f"differ by at most {card.serving.max_difference:.1g} from those of network.keras, on "
        f"{of_clips} clips and {made} made inputs.",
        markup=False,
        soft_wrap=True,
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("export_model", __doc__, EXAMPLE)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL", help="its folder")
    parser.add_argument(
        "--manifest", type=Path, metavar="CSV", help="a table of clips to compare scores on, too"
    )
    console.add_detector(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
