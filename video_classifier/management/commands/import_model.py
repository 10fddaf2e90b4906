"""`manage.py import_model FILE --name NAME`: takes in a Keras model that was trained elsewhere."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from video_classifier.management.examples import CommandWithExamples
from video_classifier.management.output import without_stderr
from video_classifier.ml.serving.keras_import import Channels, Format, Scale
from video_classifier.services import catalog, model_imports
from video_classifier.services.catalog import Card
from video_classifier.services.errors import Refused

EXAMPLE = """example:
  python manage.py import_model best_model.keras --name theirs
  python manage.py import_model best_video_model.h5 --name theirs --scale=-1-1 --positive-output 0
"""


class Command(CommandWithExamples):
    help = (
        "Takes in a Keras model (.keras or .h5) that was trained elsewhere. It is offered for "
        "upload as any other, marked as not measured, with a guessed threshold of 0.5."
    )
    requires_system_checks = ()

    examples = EXAMPLE

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the model: .keras or .h5")
        parser.add_argument("--name", required=True, help="what the model will be called")
        parser.add_argument(
            "--scale",
            type=Scale,
            choices=list(Scale),
            metavar="{" + ",".join(Scale) + "}",
            help="the range of pixel values in training (guessed if left out: 0-1, or 0-255 if "
            "the model has a layer that scales them)",
        )
        parser.add_argument(
            "--channels",
            type=Channels,
            choices=list(Channels),
            default=Channels.RGB,
            metavar="{rgb,bgr}",
            help="the order of the color channels in training (default: rgb)",
        )
        parser.add_argument(
            "--positive-output",
            type=int,
            choices=(0, 1),
            default=1,
            help="the number that shoplifting had in training (default: 1)",
        )
        parser.add_argument(
            "--replace", action="store_true", help="take the place of an imported model"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        given = Format(
            scale=options["scale"],
            channels=options["channels"],
            positive_output=options["positive_output"],
        )
        served: list[str] = []
        try:
            with without_stderr():
                card = model_imports.import_model(
                    options["file"],
                    options["name"],
                    given=given,
                    replace=options["replace"],
                    complete=lambda folder: served.append(_export(folder)),
                )
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        self.stdout.write(_report(card, guessed=given.scale is None))
        self.stdout.write("\n".join(served))


def _export(folder: Path) -> str:
    """Has the model served without TensorFlow if its scores stay the same; a sentence on that."""
    from video_classifier.ml.training import export

    try:
        export.export(folder)
    except export.ExportError as error:
        return f"{error} Keras serves it."
    return "It is served without TensorFlow: its export gives the same scores."


def _report(card: Card, *, guessed: bool) -> str:
    taken = card.training["imported"]
    how = "a guess: if that is wrong, scores mean nothing; see --scale" if guessed else "as given"
    where = _place(card.name)
    return "\n".join(
        (
            f"{card.name}: {card.parameters:,} parameters, in {where}.",
            f"Frames of a clip: {card.spec.frames}, of {card.spec.width}x{card.spec.height} "
            f"pixels, {taken['channels'].upper()}, scaled to {taken['scale']} ({how}).",
            f"Shoplifting is its output {taken['positive_output']}.",
            f"Not measured: no figures and no confidence. The threshold {card.threshold} is a "
            "guess. To measure it on clips that it was not trained on:",
            f"  python -m scripts.evaluate {where} clips.csv",
        )
    )


def _place(name: str) -> str:
    """On this machine, where it can be measured."""
    try:
        return str(catalog.folder(name))
    except Refused:  # it is in storage, and that has just gone away
        return "the storage"
