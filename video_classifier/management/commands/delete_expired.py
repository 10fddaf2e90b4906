"""`manage.py delete_expired`: deletes footage that its store keeps no longer."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from video_classifier.services import database, retention


class Command(BaseCommand):
    help = (
        "Deletes clips for good, with all that was made of them, that are older than their store "
        "keeps such footage (/stores/ID/retention/). Clips in a case stay. The site does so every "
        "hour by itself, as each worker does."
    )

    requires_system_checks = ()  # a damaged model must not keep footage from being deleted

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say which would go")

    def handle(self, *_: Any, **options: Any) -> None:
        now = database.now()
        if not options["dry_run"]:
            self.stdout.write(f"{retention.delete_expired(now=now)} deleted for good.")
            return
        number = 0
        for due in retention.all_due(now=now):
            for clip in due.iterator():
                began = min(clip.recorded_at or clip.uploaded_at, clip.uploaded_at)
                self.stdout.write(f"{clip.pk}, of {began:%Y-%m-%d}")
                number += 1
        self.stdout.write(f"{number} would be deleted for good.")
