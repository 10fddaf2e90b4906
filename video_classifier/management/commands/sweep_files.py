"""`manage.py sweep_files`: removes files that no row knows, and says which rows miss theirs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from video_classifier.services import files


class Command(BaseCommand):
    help = (
        "Removes files older than a day that belong to no clip and no analysis, as a killed "
        "process leaves them, and lists the clips whose file is not there. The site does so at "
        "its start and every day, as each worker does. Exit code 2: too many to be an accident."
    )

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")
        parser.add_argument(
            "--force",
            action="store_true",
            help="also if so many would go that the database may be the wrong one",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        swept = files.sweep(remove=not dry_run, force=options["force"])
        for path in swept.left if dry_run or swept.refused else ():
            self.stdout.write(str(path))
        for pk in swept.missing:
            self.stdout.write(f"clip {pk} misses a file")
        self.stdout.write(
            f"{len(swept.left)} belong to no row, {swept.removed} removed; "
            f"{len(swept.missing)} clips miss a file."
        )
        if swept.refused:
            msg = "So many files that this may be the wrong database. If it is not, use --force."
            raise CommandError(msg, returncode=2)
