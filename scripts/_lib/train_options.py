"""The options of scripts.train, as values."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from scripts._lib import console, settings_options
from video_classifier.ml.contracts import Region
from video_classifier.ml.data.splits import SplitBy
from video_classifier.ml.experiments import Plan
from video_classifier.ml.networks.pretrained import DOWNLOADED
from video_classifier.ml.training import recipe
from video_classifier.ml.training.settings import TrainingSettings

EXAMPLE = """example:
  python -m scripts.train mobilenetv2_lstm --manifest ../shared/data/manifest.csv \\
      --backbone-weights ../shared/weights/mobilenet_v2_imagenet_no_top.h5 \\
      --out models_storage/mobilenetv2_lstm
"""

Number = TypeVar("Number", int, float)

BY_GROUP = "by-group"
OWN = "Some networks have defaults of their own: i3d_person; see docs/training-reference.md."
DEFAULTS, PLAN = TrainingSettings(), Plan()
LEAST_SIDE, MOST_SIDE = 32, 1024  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What somebody asked for."""

    network: str
    manifest: Path
    out: Path
    backbone_weights: str
    detector: Path
    cache: Path | None
    resume: bool
    mixed_precision: bool
    view: Region | None  # None: what the network was designed for
    size: int | None  # pixels; None: the network's own
    min_difference: float
    test_only: list[str]
    test_half: list[str]
    learning_curve: Path | None
    shortcuts: bool
    audit: bool
    duplicates: Path | None
    settings: TrainingSettings
    plan: Plan  # without folds nothing is measured


def parse(argv: Sequence[str] | None, description: str | None) -> Options:
    """Leaves with a message on stderr if they make no sense."""
    parser = console.parser("train", description, EXAMPLE)
    _add_paths(parser)
    _add_measuring(parser.add_argument_group("measuring, and the threshold"))
    _add_input(parser.add_argument_group("what the network looks at"))
    settings_options.add(parser.add_argument_group("training", OWN), DEFAULTS)
    values = vars(parser.parse_args(argv))
    plan = Plan(**{field.name: values[field.name] for field in fields(Plan)})
    if plan.split is SplitBy.RANDOM and plan.folds == 0:
        parser.error("--split random measures and does nothing else: it needs --folds")
    try:
        settings = settings_options.read(values, recipe.settings_for(values["network"]))
    except ValueError as error:
        parser.error(str(error))
    known = {field.name for field in fields(Options)} & values.keys()
    return Options(**{name: values[name] for name in known}, settings=settings, plan=plan)


def _add_paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", help="such as mobilenetv2_lstm or conv3d")
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: path, label, actor …")
    parser.add_argument(
        "--out", type=console.folder_to_write, required=True, help="the model's folder"
    )
    parser.add_argument(
        "--backbone-weights",
        default=DOWNLOADED,
        help="a file of the weights that the network starts from: ImageNet without top, .h5 "
        "(default: download them by Keras), or I3D's, .npz",
    )
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="keep decoded clips and features there"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on where the same command was interrupted"
    )
    parser.add_argument(
        "--mixed-precision",
        action="store_true",
        help="compute in 16 bits if that is faster on this machine",
    )
    console.add_detector(parser)


def _add_measuring(group: Any) -> None:
    group.add_argument(
        "--folds",
        type=_folds,
        default=PLAN.folds,
        metavar=f"N|{BY_GROUP}",
        help=f"0: do not measure; {BY_GROUP}: leave out one person at a time (default: 5)",
    )
    group.add_argument(
        "--false-alarms",
        type=_share,
        default=PLAN.false_alarms,
        metavar="SHARE",
        help="of ordinary clips, at most, at the threshold that is chosen (default: %(default)s)",
    )
    group.add_argument("--threshold", type=_share, help="take this one instead")
    group.add_argument(
        "--test-only",
        action="append",
        default=[],
        metavar="SOURCE",
        help="hold this source out of training and calibration, and measure false alarms on it",
    )
    group.add_argument(
        "--test-half",
        action="append",
        default=[],
        metavar="SOURCE",
        help="the same with about half of its recordings; the others join training",
    )
    group.add_argument(
        "--learning-curve",
        type=console.file_to_write,
        metavar="CSV",
        help="train on few and on more people, write how well each ranks others, keep no model",
    )
    group.add_argument(
        "--shortcuts",
        action="store_true",
        help="score gray, blurred, reordered and still pictures of unseen people, keep no model",
    )
    group.add_argument(
        "--audit",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="look for leaks first, and put them on the card (default: yes)",
    )
    group.add_argument(
        "--duplicates", type=Path, help="the JSON of python -m scripts.duplicate_videos_check"
    )
    group.add_argument(
        "--split",
        type=SplitBy,
        choices=list(SplitBy),
        default=PLAN.split,
        help="random shows what it does, prints leaky metrics and keeps no model",
    )


def _add_input(group: Any) -> None:
    group.add_argument(
        "--view",
        type=Region,
        choices=list(Region),
        help="the whole frame, or each person (default: what the network was designed for)",
    )
    group.add_argument(
        "--size",
        type=_side,
        metavar="PIXELS",
        help="of each side of a picture (default: what the network was designed for)",
    )
    group.add_argument(
        "--min-difference",
        type=_levels,
        default=0.0,
        metavar="LEVELS",
        help="leave out frames that differ less from the one before, in gray levels of 255",
    )


def _folds(text: str) -> int | None:
    """None for one fold for each group."""
    if text == BY_GROUP:
        return None
    return _checked(
        int(text), lambda count: count == 0 or count > 1, f"0, 2 or more, or {BY_GROUP}"
    )


def _share(text: str) -> float:
    return _checked(float(text), lambda share: 0 < share < 1, "between 0 and 1")


def _side(text: str) -> int:
    return _checked(
        int(text),
        lambda side: LEAST_SIDE <= side <= MOST_SIDE,
        f"from {LEAST_SIDE} to {MOST_SIDE}",
    )


def _levels(text: str) -> float:
    return _checked(float(text), lambda levels: levels >= 0, "0 or more")


def _checked(value: Number, fits: Callable[[Number], bool], range_: str) -> Number:
    if not fits(value):
        msg = f"must be {range_}"
        raise argparse.ArgumentTypeError(msg)
    return value
