"""`manage.py erase_footage`: erases what there is of a camera from one moment to another."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from video_classifier.management import requested_footage
from video_classifier.management.examples import CommandWithExamples
from video_classifier.models import Clip
from video_classifier.services import erasure
from video_classifier.services.errors import Refused


class Command(CommandWithExamples):
    help = (
        "Erases what a camera recorded from one moment to another, as somebody who was there may "
        "ask: clips with their results, copies and pictures, also out of the trash; live events, "
        "alerts, scores, and exports of cases. A clip that reaches into that time goes whole. "
        "Nothing goes if a clip is in a case: a sentence says which. The audit log notes it. "
        "Backups, and what was downloaded or exported, are not reached."
    )

    requires_system_checks = ()  # a damaged model must not keep footage from being erased

    examples = """
examples:
  manage.py erase_footage --store Main --camera "Aisle 4" \\
      --from 2026-11-26T14:30 --to 2026-11-26T15:00 --user root --dry-run
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        requested_footage.add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        asked, user = requested_footage.read(options)
        unknown_too, dry_run = options["unknown_too"], options["dry_run"]
        try:
            if dry_run:
                found = erasure.plan(asked, unknown_too=unknown_too)
                for clip in Clip.objects.filter(pk__in=found.clips).order_by("recorded_at", "pk"):
                    began = f"{clip.recorded_at:%Y-%m-%d %H:%M}" if clip.recorded_at else "unknown"
                    self.stdout.write(f"{clip.pk}, of {began}, {clip.duration:.0f} s")
            else:
                found = erasure.erase(asked, by=user, unknown_too=unknown_too)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        done = "would be erased" if dry_run else "erased"
        counted = requested_footage.counted
        self.stdout.write(
            f"{counted(len(found.clips), 'clip')}, {counted(found.live_events, 'live event')}, "
            f"{counted(found.alerts, 'alert')}, {counted(found.candidates, 'score')}, "
            f"{counted(found.acts, 'act')} for a test and "
            f"{counted(found.exports, 'export')} of cases {done}."
        )
        if found.unknown:
            self.stdout.write(requested_footage.UNKNOWN.format(count=len(found.unknown)))
            self.stdout.write("\n".join(map(str, found.unknown)))
