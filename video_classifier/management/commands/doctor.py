"""`manage.py doctor`: says in sentences whether the site has what it needs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from video_classifier.services import diagnosis
from video_classifier.services.diagnosis import Verdict

WRONG = 1  # the exit code; 2 is argparse's


class Command(BaseCommand):
    help = (
        "Tries all that the site needs, and says in sentences what is fine, what should be known "
        "and what is wrong: settings, database, queue, cameras, storage, model, disk, broker, "
        "mail server. Run it where the process runs that you wonder about, with its settings. "
        "It shows no secret. Exit code 1: something is wrong."
    )

    requires_system_checks = ()  # it makes them itself

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="leave out what is fine")
        parser.add_argument(
            "--hashes",
            action="store_true",
            help="also read the file of every clip, which may take hours, and name those that are "
            "no longer what was uploaded",
        )
        parser.epilog = "Example: manage.py doctor --quiet"

    def handle(self, *_: Any, **options: Any) -> None:
        count = 0
        for each in diagnosis.examine(hashes=options["hashes"]):
            count += each.verdict == Verdict.WRONG
            if each.verdict != Verdict.FINE or not options["quiet"]:
                self.stdout.write(f"{each.verdict:<6} {each.sentence}")
        if count:
            msg = f"{count} of this is wrong."
            raise CommandError(msg, returncode=WRONG)
