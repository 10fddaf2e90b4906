"""`manage.py backup`: saves rows, files, models and the key, while the site runs."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.template.defaultfilters import filesizeformat

from video_classifier.management.examples import CommandWithExamples
from video_classifier.services import backups
from video_classifier.services.errors import Refused


class Command(CommandWithExamples):
    help = (
        "Saves all that the site keeps into a new folder, while it runs: rows as of one moment, "
        "the files that they know, models, the key. `sha256sum --check SHA256SUMS` checks it. "
        "Exit code 2: files are missing, or are not what was uploaded; the rest is saved."
    )
    examples = "Example: manage.py backup /mnt/backups/2026-11-27"
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="that is not there yet, or empty")

    def handle(self, *_: Any, **options: Any) -> None:
        os.umask(0o077)  # footage of people is for who runs the site alone
        try:
            made = backups.make(options["folder"])
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        for name in made.gone:
            self.stdout.write(f"{name} is not there: deleted meanwhile, or lost before.")
        for name in made.changed:
            self.stdout.write(f"{name} is not what was uploaded: its SHA-256 is another one.")
        size = str(filesizeformat(made.size)).replace("\xa0", " ")
        self.stdout.write(f"{made.files} files are saved ({size}).")
        if made.gone or made.changed:
            msg = "Not all is as it should be; what is there was saved."
            raise CommandError(msg, returncode=2)
