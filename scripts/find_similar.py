"""Finds the clips that are visually most similar to one clip."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from scripts._lib import console
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipError, ClipSpec, Region
from video_classifier.ml.data import manifest
from video_classifier.ml.duplicates import similarity
from video_classifier.ml.duplicates.similarity import Embedder, SimilarClip
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.reporting import contact_sheet
from video_classifier.ml.reporting.contact_sheet import Row
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError

EXAMPLE = """example:
  python -m scripts.find_similar clip.mp4 --among clips.csv --contact-sheet similar.png

Similarity is the cosine between the mean features of a pretrained backbone over some frames of each
clip. Clips of one camera are all similar by that measure: compare scores within one list only, and
watch the clips.

It compares clips and never people: finding the same person in other clips would be following them
from camera to camera. Models that look at people are refused.
"""

STORAGE = Path(__file__).parent.parent / "models_storage"


class BackboneError(Exception):
    """There is no backbone to embed clips with; the message says what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        entries = manifest.read(arguments.among, missing_is_wrong=False)
        cache = Cache(arguments.cache, warn=console.warn)
        weights = arguments.backbone_weights
        embed = _of_weights(weights, cache) if weights else _of_model(arguments.model, cache)
        with console.progress("Comparing the clips", len(entries)) as advance:
            matches, unreadable = similarity.find(arguments.clip, entries, embed, advance=advance)
        best = matches[: arguments.top]
        _print(best)
        for clip in unreadable:
            console.warn(f"Left out: {clip.entry.name}: {clip.reason}")
        if arguments.contact_sheet:
            _draw(arguments.clip, best, arguments.contact_sheet)
    except (
        ClipError,
        WeightsError,
        BundleError,
        manifest.ManifestError,
        BackboneError,
    ) as error:
        console.complain(error)
        return 2
    return 0


def _of_model(model: Path, cache: Cache) -> Embedder:
    """Raises BackboneError and BundleError."""
    if bundle.check(model).spec.view is Region.PERSON:
        msg = (
            f"The model {model.name} looks at people, and clips are not compared by who "
            "is in them: that would be recognizing people from clip to clip. "
            "Choose a model of whole frames, or give --backbone-weights."
        )
        raise BackboneError(msg)
    network, card = bundle.load_network(model)
    try:
        return Embedder(network.get_layer("backbone"), card.spec, kept=cache)
    except ValueError as error:
        msg = (
            f"The model {card.name} has no backbone. "
            "Choose a mobilenetv2 model, or give --backbone-weights."
        )
        raise BackboneError(msg) from error


def _of_weights(weights: Path, cache: Cache) -> Embedder:
    from video_classifier.ml.networks import backbone

    spec = ClipSpec()
    return Embedder(backbone.mobilenetv2(spec, weights), spec, kept=cache)


def _print(matches: Sequence[SimilarClip]) -> None:
    table = Table("", "similarity", "label", "clip", title="Most similar")
    for place, match in enumerate(matches, start=1):
        entry = match.entry
        table.add_row(str(place), f"{match.similarity:.3f}", entry.label, entry.name)
    console.out.print(table)


def _draw(clip: Path, matches: Sequence[SimilarClip], target: Path) -> None:
    rows = [Row(f"{clip.name}: the clip itself", contact_sheet.decode(clip))]
    for match in matches:
        caption = f"{match.similarity:.3f}  {match.entry.name} ({match.entry.label})"
        rows.append(Row(caption, contact_sheet.decode(match.entry.path)))
    contact_sheet.save(rows, target)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("find_similar", __doc__, EXAMPLE)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--among", type=Path, required=True, help="CSV: path, label …")
    backbone = parser.add_mutually_exclusive_group()
    backbone.add_argument(
        "--model",
        type=Path,
        default=STORAGE / "mobilenetv2_lstm",
        help="use this model's backbone (default: models_storage/mobilenetv2_lstm)",
    )
    backbone.add_argument(
        "--backbone-weights",
        type=Path,
        help="or MobileNetV2 with a file of ImageNet weights without top",
    )
    parser.add_argument("--top", type=int, default=10, help="how many to show (default: 10)")
    parser.add_argument(
        "--contact-sheet",
        type=console.file_to_write,
        metavar="PNG",
        help="draw them there",
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep embeddings there")
    arguments = parser.parse_args(argv)
    if arguments.top < 1:
        parser.error("--top must be at least 1")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
