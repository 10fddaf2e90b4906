"""`manage.py purge_trash`: deletes for good what has been in the trash for long enough."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from video_classifier.services import trash


class Command(BaseCommand):
    help = (
        "Deletes clips for good, with all that was made of them, once they have been in the trash "
        "for TRASH_DAYS days. The site does so every day by itself, as each worker does."
    )

    requires_system_checks = ()  # a damaged model must not keep footage from being deleted

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say which would go")

    def handle(self, *_: Any, **options: Any) -> None:
        now = timezone.now()
        if options["dry_run"]:
            due = trash.due(now=now)
            for clip in due:
                self.stdout.write(f"{clip.pk}, in the trash since {clip.trashed_at:%Y-%m-%d}")
            self.stdout.write(f"{len(due)} would be deleted for good.")
        else:
            self.stdout.write(f"{trash.purge_due(now=now)} deleted for good.")
