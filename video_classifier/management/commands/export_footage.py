"""`manage.py export_footage DIR`: what there is of a camera from one moment to another."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.template.defaultfilters import filesizeformat

from video_classifier.management import requested_footage
from video_classifier.management.examples import CommandWithExamples
from video_classifier.services import footage_exports
from video_classifier.services.errors import Refused


class Command(CommandWithExamples):
    help = (
        "Writes what a camera recorded from one moment to another into a new folder, as somebody "
        "who was there may ask: clips as they were uploaded, pictures of live events, and "
        "manifest.json with what models and people said of them. Clips are copied whole, and show "
        "other people, too: blur them before you hand them on. The audit log notes it. The site "
        "doesn't delete what is in the folder."
    )

    requires_system_checks = ()

    examples = """
examples:
  manage.py export_footage out --store Main --camera "Aisle 4" \\
      --from 2026-11-26T14:30 --to 2026-11-26T15:00 --user root
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        requested_footage.add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        asked, user = requested_footage.read(options)
        wish = {"unknown_too": options["unknown_too"]}
        try:
            if options["dry_run"]:
                found = footage_exports.content(asked, **wish)
            else:
                found = footage_exports.write(asked, options["folder"], by=user, **wish)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        done = "would be written" if options["dry_run"] else f"written to {options['folder']}"
        size = filesizeformat(found.size_bytes).replace("\xa0", " ")
        counted = requested_footage.counted
        self.stdout.write(
            f"{counted(found.clips, 'clip')} ({size}), "
            f"{counted(found.live_events, 'live event')} and "
            f"{counted(found.candidates, 'score')} {done}."
        )
        if found.unknown:
            self.stdout.write(requested_footage.UNKNOWN.format(count=found.unknown))
