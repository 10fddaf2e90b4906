"""What scripts.train can be told, and the settings that come of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from scripts._lib import console
from video_classifier.ml.contracts import ClipSpec, View
from video_classifier.ml.data.augmentation import Augmentation
from video_classifier.ml.data.splits import SplitBy
from video_classifier.ml.networks.pretrained import DOWNLOADED
from video_classifier.ml.training.settings import (
    ClassWeights,
    Schedule,
    StopBy,
    TrainingSettings,
)

EXAMPLE = """example:
  python -m scripts.train mobilenetv2_lstm --manifest ../shared/data/manifest.csv \\
      --backbone-weights ../shared/weights/mobilenet_v2_imagenet_no_top.h5 \\
      --out models_storage/mobilenetv2_lstm
"""

BY_GROUP = "by-group"
USUAL = TrainingSettings()

_AUGMENTATION = {
    "shortest_stretch": "of the clip's length that a variant shows, as a share",
    "speed": "the most that a variant's speed changes on its way, as a share",
    "smallest_crop": "of the picture's sides, as a share",
    "rotation": "the most that the picture is turned, in degrees",
    "brightness": "the most that is added or taken, of full scale",
    "contrast": "the most that the contrast changes, as a share",
    "flip": "how often the picture is mirrored, as a share",
}


def parse(argv: Sequence[str] | None, description: str | None) -> argparse.Namespace:
    """The arguments; among them `settings`, but for the precision."""
    parser = console.parser("train", description, EXAMPLE)
    parser.add_argument("network", help="such as mobilenetv2_lstm or conv3d")
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: path, label, actor …")
    parser.add_argument(
        "--out", type=console.folder_to_write, required=True, help="the model's folder"
    )
    parser.add_argument(
        "--backbone-weights",
        default=DOWNLOADED,
        help="a file of ImageNet weights without top (default: download them by Keras)",
    )
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="keep decoded clips there for the next time"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on where the same command was interrupted",
    )
    _add_measuring(parser)
    _add_learning(parser)
    _add_looking(parser)
    arguments = parser.parse_args(argv)
    if arguments.split is SplitBy.RANDOM and arguments.folds == 0:
        parser.error("--split random measures and does nothing else: it needs --folds")
    try:
        arguments.settings = _settings(arguments)
    except ValueError as error:
        parser.error(str(error))
    return arguments


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("measuring, and the threshold")
    group.add_argument(
        "--folds",
        type=_folds,
        default=5,
        metavar=f"N|{BY_GROUP}",
        help=f"0: do not measure; {BY_GROUP}: leave out one person at a time (default: 5)",
    )
    group.add_argument(
        "--false-alarms",
        type=_share,
        default=0.05,
        metavar="SHARE",
        help="of ordinary clips, at most, at the threshold that is chosen (default: 0.05)",
    )
    group.add_argument("--threshold", type=_share, help="take this one instead")
    group.add_argument(
        "--test-only",
        action="append",
        default=[],
        metavar="SOURCE",
        help="train and choose nothing on this source; tell the model's false alarms on it",
    )
    group.add_argument(
        "--test-half",
        action="append",
        default=[],
        metavar="SOURCE",
        help="the same with about half of its recordings; the others join training",
    )
    group.add_argument(
        "--audit",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="look for leaks first, and tell the card (default: yes)",
    )
    group.add_argument(
        "--duplicates", type=Path, help="the JSON of python -m scripts.duplicate_videos_check"
    )
    group.add_argument(
        "--split",
        type=SplitBy,
        choices=list(SplitBy),
        default=SplitBy.GROUP,
        help="random shows what it does, prints leaky figures and keeps no model",
    )


def _add_learning(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("learning")
    group.add_argument("--seed", type=int, default=USUAL.seed)
    group.add_argument("--epochs", type=_count, default=USUAL.epochs, help="at most")
    group.add_argument(
        "--stop-by",
        type=StopBy,
        choices=list(StopBy),
        default=USUAL.stop_by,
        help="hold back a few people to stop by, or train on all for so many epochs",
    )
    group.add_argument("--batch-size", type=_count, default=USUAL.batch_size)
    group.add_argument("--learning-rate", type=_above_zero, default=USUAL.learning_rate)
    group.add_argument("--schedule", type=Schedule, choices=list(Schedule), default=USUAL.schedule)
    group.add_argument(
        "--class-weights",
        type=ClassWeights,
        choices=list(ClassWeights),
        default=USUAL.class_weights,
        help="balanced: both labels count the same, whatever their numbers of clips",
    )
    group.add_argument(
        "--fine-tune",
        type=int,
        default=USUAL.fine_tune,
        metavar="N",
        help="let the backbone's last N convolutions learn, after the head",
    )
    group.add_argument("--fine-tune-epochs", type=_count, default=USUAL.fine_tune_epochs)
    group.add_argument(
        "--fine-tune-learning-rate", type=_above_zero, default=USUAL.fine_tune_learning_rate
    )
    group.add_argument(
        "--mixed-precision",
        action="store_true",
        help="compute in 16 bits if that is faster on this machine",
    )


def _add_looking(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what of the clips a network is shown")
    group.add_argument(
        "--view",
        type=View,
        choices=list(View),
        help="the whole frame, or each person (default: what the network was designed for)",
    )
    group.add_argument(
        "--size",
        type=_side,
        metavar="PIXELS",
        help="of each side of a picture (default: what the network was designed for)",
    )
    console.add_detector(parser)
    group.add_argument(
        "--min-difference",
        type=float,
        default=ClipSpec().min_difference,
        metavar="LEVELS",
        help="leave out frames that differ less from the one before, in gray levels of 255",
    )
    group.add_argument(
        "--variants",
        type=_count,
        default=USUAL.augmented_copies,
        help="of each clip that a frozen backbone looks at, for epochs to take in turn "
        "(default: %(default)s)",
    )
    for field in fields(Augmentation):
        usual = getattr(USUAL.augmentation, field.name)
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=float,
            default=usual,
            metavar="X",
            help=f"{_AUGMENTATION[field.name]} (default: {usual:g})",
        )


def _side(text: str) -> int:
    pixels = int(text)
    if not 32 <= pixels <= 1024:  # noqa: PLR2004
        msg = "a picture has from 32 to 1024 pixels a side"
        raise argparse.ArgumentTypeError(msg)
    return pixels


def _settings(arguments: argparse.Namespace) -> TrainingSettings:
    """Raises ValueError."""
    if arguments.min_difference < 0:
        msg = "--min-difference can't be negative"
        raise ValueError(msg)
    if arguments.fine_tune < 0:
        msg = "--fine-tune can't be negative"
        raise ValueError(msg)
    return TrainingSettings(
        seed=arguments.seed,
        epochs=arguments.epochs,
        stop_by=arguments.stop_by,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        augmented_copies=arguments.variants,
        schedule=arguments.schedule,
        class_weights=arguments.class_weights,
        fine_tune=arguments.fine_tune,
        fine_tune_epochs=arguments.fine_tune_epochs,
        fine_tune_learning_rate=arguments.fine_tune_learning_rate,
        augmentation=Augmentation(
            **{field.name: getattr(arguments, field.name) for field in fields(Augmentation)}
        ),
    )


def _folds(text: str) -> int | None:
    """None for one fold for each group."""
    if text == BY_GROUP:
        return None
    count = int(text)
    if count == 1 or count < 0:
        msg = f"must be 0, 2 or more, or {BY_GROUP}"
        raise argparse.ArgumentTypeError(msg)
    return count


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        msg = "must be 1 or more"
        raise argparse.ArgumentTypeError(msg)
    return count


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share < 1:
        msg = "must be between 0 and 1"
        raise argparse.ArgumentTypeError(msg)
    return share


def _above_zero(text: str) -> float:
    number = float(text)
    if not number > 0:
        msg = "must be above 0"
        raise argparse.ArgumentTypeError(msg)
    return number
