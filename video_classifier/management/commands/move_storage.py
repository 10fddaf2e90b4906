"""`manage.py move_storage`: copies all stored files to a bucket, or back to the disk."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from video_classifier.integrations.remote import StorageError
from video_classifier.services import storage_moves
from video_classifier.services.errors import Refused

EVERY = 500  # files from one line of progress to the next


class Command(BaseCommand):
    help = (
        "Copies clips, copies, pictures, exports and models from the disk to the bucket of "
        "STORAGE_URL, or back, and reads each again to compare its SHA-256. Run it again after it "
        "was stopped: it goes on where it was. Exit code 2: files are missing, or aren't what was "
        "uploaded."
    )

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to", required=True, choices=(storage_moves.DISK, storage_moves.BUCKET)
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be copied")
        parser.add_argument(
            "--remove",
            action="store_true",
            help="delete each file where it was, once it is checked",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        try:
            moved = storage_moves.move(
                to=options["to"],
                dry_run=dry_run,
                remove=options["remove"],
                after_each=self._progress,
            )
        except (Refused, StorageError) as error:
            raise CommandError(str(error)) from error
        for name in moved.missing:
            self.stdout.write(f"{name} is missing")
        for name in moved.changed:
            self.stdout.write(f"{name} is not what was uploaded")
        self.stdout.write(_summary(moved, dry_run=dry_run))
        if moved.missing or moved.changed:
            msg = "Not all files are there and whole; they are listed above."
            raise CommandError(msg, returncode=2)

    def _progress(self, moved: storage_moves.Moved) -> None:
        done = moved.copied + moved.already
        if done and done % EVERY == 0:
            self.stderr.write(f"{done} files")


def _summary(moved: storage_moves.Moved, *, dry_run: bool) -> str:
    size = str(filesizeformat(moved.bytes)).replace("\xa0", " ")
    verb = "would be copied" if dry_run else "copied"
    return (
        f"{moved.copied} {verb} ({size}), {moved.already} were there already, "
        f"{moved.removed} removed where they were."
    )
