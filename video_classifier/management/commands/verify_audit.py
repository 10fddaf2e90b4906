"""`manage.py verify_audit`: says whether the audit log is as it was sealed."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from video_classifier.services import audit_seals
from video_classifier.services.audit_seals import Report

BROKEN, NOT_SEALED = 1, 3  # 2 is argparse's


class Command(BaseCommand):
    help = (
        "Follows the chain of seals over the audit log, and prints the newest seal, to be written "
        "down where nobody of this site can change it. Exit code 1: entries or seals were changed, "
        "added or removed from outside. 3: entries have waited for a seal for an hour, so that no "
        "process of the site seals."
    )

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--known", default="", metavar="SHA256", help="of a seal that was written down before"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        report = audit_seals.verify(known=options["known"].strip().lower())
        self._say(report)
        if report.problems:
            msg = "The audit log is not as it was sealed."
            raise CommandError(msg, returncode=BROKEN)
        if report.is_late(timezone.now()):
            msg = "Entries wait for a seal for more than an hour. Does a worker run?"
            raise CommandError(msg, returncode=NOT_SEALED)

    def _say(self, report: Report) -> None:
        for problem in report.problems:
            self.stdout.write(problem)
        self.stdout.write(
            f"{report.seals} seals over {report.entries} entries; {report.unsealed} not sealed yet."
        )
        if report.newest is not None:
            self.stdout.write(f"Newest seal: {report.newest.pk}, SHA-256 {report.newest.sha256}")
