"""`manage.py plant_act STORE CAMERA TIME`: notes that staff acted a theft, for a test."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import CommandError

from video_classifier.management import cameras
from video_classifier.management.examples import CommandWithExamples
from video_classifier.services import planted_acts
from video_classifier.services.errors import Refused

WRONG_TIME = "“{}” is no time. Write it by the clock of the store, such as “2026-11-27 14:03:20”."
EXAMPLE = """
example:
  manage.py plant_act Main "Aisle 4" "2026-11-27 14:03" --seconds 20 --note "Scarf into a bag"
"""


class Command(CommandWithExamples):
    help = (
        "Notes that staff acted a theft in front of a camera. What the model made of it is on the "
        "page of the camera's measure (/cameras/ID/measure/); such acts are left out where false "
        "hints are counted and thresholds measured."
    )

    requires_system_checks = ()

    examples = EXAMPLE

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("store", metavar="STORE", help="its name")
        parser.add_argument("camera", metavar="CAMERA", help="its name, one of the store's")
        parser.add_argument("time", metavar="TIME", help="when it began, by the clock of the store")
        parser.add_argument(
            "--seconds",
            type=float,
            default=planted_acts.USUAL,
            help=f"how long it took (default: {planted_acts.USUAL:.0f})",
        )
        parser.add_argument("--note", default="", help="what was acted; no names")

    def handle(self, *_: Any, **options: Any) -> None:
        camera = cameras.named(options["store"], options["camera"])
        try:
            start = datetime.fromisoformat(options["time"])
        except ValueError:
            raise CommandError(WRONG_TIME.format(options["time"])) from None
        if start.tzinfo is None:
            start = start.replace(tzinfo=ZoneInfo(camera.store.time_zone))
        try:
            act = planted_acts.plant(
                camera, start, None, seconds=options["seconds"], note=options["note"]
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"Act {act.pk} is noted at {camera}, {start.isoformat(' ')}.")
