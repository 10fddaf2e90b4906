"""`manage.py improve_model STORE`: a model learns from what people of a store agree on."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from video_classifier.management import cameras
from video_classifier.models import Improvement
from video_classifier.services import catalog, improvements
from video_classifier.services.errors import Refused
from video_classifier.states import Status

LOOK_SECONDS = 1.0

NO_MODEL = "There is no model that can be used. Name one with --model."
ASKED = "{model} learns from {count} events of {store} when nothing else is to be done."
WATCH = "Watch it on the page /stores/{pk}/versions/, or wait with --wait."
MADE = "{name} was made. Nothing uses it yet: the page /stores/{pk}/versions/ says what is next."
CANCELLED = "It was cancelled meanwhile."
WAITING = "Waiting for a worker"


class Command(BaseCommand):
    help = (
        "Asks for a version of a model that learns from the events that people of a store agree "
        "on. It is made by the site, or by “manage.py run_worker”, and used by nothing until "
        "somebody activates it. Exit code 1: it can't be made, and a sentence says why."
    )

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("store", metavar="STORE", help="its name")
        parser.add_argument("--model", default="", help="its name (default: the usual one)")
        parser.add_argument("--wait", action="store_true", help="until it is made, with progress")

    def handle(self, *_: Any, **options: Any) -> None:
        store = cameras.store_named(options["store"])
        model = options["model"] or catalog.default_name()
        if not model:
            raise CommandError(NO_MODEL)
        try:
            improvement = improvements.ask(store, model, by=None)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        count = improvements.material(store).count
        self.stdout.write(ASKED.format(model=improvement.model, count=count, store=store))
        if options["wait"]:
            self._wait(improvement)
        else:
            self.stdout.write(WATCH.format(pk=store.pk))

    def _wait(self, improvement: Improvement) -> None:
        said = ""
        while not improvement.is_finished:
            stage = improvement.stage or WAITING
            if stage != said:
                self.stdout.write(f"{stage} …")
                said = stage
            time.sleep(LOOK_SECONDS)
            improvement.refresh_from_db()
        if improvement.status == Status.FAILED:
            raise CommandError(improvement.error)
        if improvement.status == Status.CANCELLED:
            raise CommandError(CANCELLED)
        made = improvement.made
        self.stdout.write(MADE.format(name=made.name, pk=made.store_id))
