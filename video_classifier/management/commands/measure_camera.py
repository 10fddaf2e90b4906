"""`manage.py measure_camera STORE CAMERA`: a camera's own thresholds, from its own footage."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management import call_command
from django.core.management.base import CommandError

from video_classifier.management import cameras
from video_classifier.management.examples import CommandWithExamples
from video_classifier.models import Analysis, Camera, Feed, Measure
from video_classifier.services import catalog, measure_words, measures
from video_classifier.services.errors import Refused
from video_classifier.services.measures import Preview

LOOK_SECONDS = 2.0
STILL_SECONDS = 60.0  # without any progress, after which it is said what to do

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(9000, 1, 1)
WRONG_DAY = "“{}” is no day. Write it as 2026-11-27."
NO_USER = "Say with --user whose uploads the recordings of the folder are."
NOTHING_MOVES = (
    "Nothing has moved for a minute. Recordings are analyzed by the site, or by “manage.py "
    "run_worker”: is one of them running?"
)
EXAMPLE = """
examples:
  manage.py measure_camera Main "Aisle 4" --budget 0.5
  manage.py measure_camera Main "Aisle 4" --folder /mnt/nvr/aisle4 --user ada --apply
"""


class Command(CommandWithExamples):
    help = (
        "Says from which score on a camera would give a hint, so that there are no more false "
        "hints a day than the budget, by the scores of its own footage: nobody has to label "
        "anything. With --apply this holds from then on, as on the page /cameras/ID/measure/. Exit "
        "code 1: it can't be measured, and a sentence says why."
    )

    requires_system_checks = ()

    examples = EXAMPLE

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("store", metavar="STORE", help="its name")
        parser.add_argument("camera", metavar="CAMERA", help="its name, one of the store's")
        parser.add_argument(
            "--folder",
            type=Path,
            metavar="DIR",
            help="recordings of this camera that are taken in first, as by import_folder",
        )
        parser.add_argument("--user", help="with --folder: whose uploads they are")
        parser.add_argument(
            "--pattern", default="", help="with --folder: of times in names, as of import_folder"
        )
        parser.add_argument(
            "--budget",
            type=float,
            default=measures.USUAL_BUDGET,
            help="false hints a day that are bearable (default: 1)",
        )
        parser.add_argument(
            "--thefts",
            type=float,
            default=measures.USUAL_THEFTS,
            help="cases of shoplifting a day that may be hidden in the footage (default: 1)",
        )
        parser.add_argument(
            "--from",
            dest="first",
            type=day,
            metavar="DAY",
            help="the first day of the footage, by the clock of the store, as 2026-11-27 "
            "(default: all that was scored of the camera, not of the folder alone)",
        )
        parser.add_argument("--to", dest="last", type=day, metavar="DAY", help="the last day")
        parser.add_argument("--apply", action="store_true", help="put it in force")
        parser.add_argument("--json", action="store_true", help="one object; see docs/json.md")

    def handle(self, *_: Any, **options: Any) -> None:
        camera = cameras.named(options["store"], options["camera"])
        if options["folder"]:
            self._take_in(camera, options)
        wish = _wish(camera, options)
        found = measures.preview(camera, **wish)
        measure = self._apply(camera, wish) if options["apply"] and found.thresholds else None
        if options["json"]:
            self.stdout.write(json.dumps(_facts(camera, found, measure), indent=2))
        else:
            words = measure_words.of_preview(found)
            for line in words.all if words else filter(None, [measure_words.basis_of(found)]):
                self.stdout.write(line)
            if measure:
                self.stdout.write(f"These thresholds of {camera} hold from now on.")
        if found.problem:
            raise CommandError(found.problem)

    def _apply(self, camera: Camera, wish: dict[str, Any]) -> Measure:
        holding = measures.in_force(camera)
        try:
            return measures.take(camera, None, **wish, before=holding.pk if holding else None)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None

    def _take_in(self, camera: Camera, options: dict[str, Any]) -> None:
        """And waits until all recordings of the camera are analyzed."""
        if not options["user"]:
            raise CommandError(NO_USER)
        feed = Feed.objects.filter(camera=camera).first()
        call_command(
            "import_folder",
            str(options["folder"]),
            f"--user={options['user']}",
            f"--store={camera.store}",
            f"--camera={camera}",
            f"--pattern={options['pattern']}",
            f"--model={feed.model if feed else catalog.default_name()}",
            stdout=self.stderr,
        )
        unfinished = Analysis.objects.unfinished().filter(clip__camera=camera)
        left, since = -1, time.monotonic()
        while now := unfinished.count():
            if now != left:
                self.stderr.write(f"{now} recordings are still to be analyzed.")
                left, since = now, time.monotonic()
            elif time.monotonic() - since > STILL_SECONDS:
                self.stderr.write(NOTHING_MOVES)
                since = time.monotonic()
            time.sleep(LOOK_SECONDS)


def day(text: str) -> date:
    """Raises ArgumentTypeError, as clocks of stores don't count far from now."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not FIRST_DAY <= found <= LAST_DAY:
        raise ArgumentTypeError(WRONG_DAY.format(text))
    return found


def _wish(camera: Camera, options: dict[str, Any]) -> dict[str, Any]:
    zone = ZoneInfo(camera.store.time_zone)
    days = measures.between(options["first"], options["last"], zone)
    return {"budget": options["budget"], "thefts": options["thefts"]} | days


def _facts(camera: Camera, found: Preview, measure: Measure | None) -> dict[str, object]:
    footage, thresholds = found.footage, found.thresholds
    missing = found.missing_seconds
    facts: dict[str, object] = {
        "store": str(camera.store),
        "camera": str(camera),
        "model": found.weights.model if found.weights else None,
        "budget": found.budget,
        "thefts": found.thefts,
        "hours": round(footage.hours, 3) if footage else 0.0,
        "days": round(footage.days, 4) if footage else 0.0,
        "recordings": footage.recordings if footage else 0,
        "candidates": len(footage.scores) if footage else 0,
        "problem": found.problem,
        "missing_hours": None if missing is None else round(missing / 3600, 3),
        "thresholds": None,
        "measure": measure and measure.pk,
    }
    if thresholds is not None:
        facts["thresholds"] = {
            "low": thresholds.low,
            "high": thresholds.high,
            "hints": thresholds.rate.count,
            "hints_a_day": thresholds.rate.value,
            "hints_a_day_low": thresholds.rate.low,
            "hints_a_day_high": thresholds.rate.high,
            "noticed": thresholds.noticed.value,
            "noticed_low": thresholds.noticed.low,
            "noticed_high": thresholds.noticed.high,
            "uncertain_a_day": thresholds.uncertain_a_day,
        }
    return facts
