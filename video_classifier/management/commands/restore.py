"""`manage.py restore`: puts a backup into a new site."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from video_classifier.management.examples import CommandWithExamples
from video_classifier.services import backups
from video_classifier.services.errors import Refused


class Command(CommandWithExamples):
    help = (
        "Puts what `backup` saved into a site that has no rows yet, after every SHA-256 was "
        "checked. The site that was saved may go on meanwhile: this one has a DATA_DIR and a "
        "database of its own."
    )
    examples = "Example: DATA_DIR=/srv/restored manage.py restore /mnt/backups/2026-11-27"
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="as `backup` made it")

    def handle(self, *_: Any, **options: Any) -> None:
        os.umask(0o077)  # footage of people is for who runs the site alone
        try:
            count = backups.restore(options["folder"])
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"{count} files are restored. Run `manage.py migrate`, then start the site."
        )
