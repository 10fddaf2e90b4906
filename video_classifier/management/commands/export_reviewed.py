"""`manage.py export_reviewed DIR`: what people agree on, as clips and a manifest for training."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from video_classifier.models import Store
from video_classifier.services import review_exports
from video_classifier.services.errors import Refused
from video_classifier.services.review_exports import Summary


class Command(BaseCommand):
    help = (
        "Writes the events on which reviewers agree into a new folder: each one's seconds as they "
        "were recorded, once, and manifest.csv with label, camera, day, and reviewers as numbers; "
        "scripts.train reads it. The site doesn't delete what is there, however long footage may "
        "be kept: that is up to you."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--since", type=day, metavar="DAY", help="the first day, as 2026-11-26")
        parser.add_argument("--store", help="its name; default: all stores")
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *_: Any, **options: Any) -> None:
        events = review_exports.agreed(since=options["since"], store=_store(options["store"]))
        if options["dry_run"]:
            summary = Summary()
            summary.labels = Counter(
                review_exports.label(each) for each in review_exports.once(events, summary)
            )
            self._report(summary, "would be written")
            return
        try:
            summary = review_exports.write(events, options["folder"])
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self._report(summary, f"written to {options['folder']}")

    def _report(self, summary: Summary, done: str) -> None:
        for reason, count in summary.left_out.most_common():
            self.stdout.write(f"{count} left out: {reason.rstrip('.')}.")
        counts = ", ".join(f"{count} {label}" for label, count in sorted(summary.labels.items()))
        total = summary.labels.total()
        self.stdout.write(f"{total} {done}{f' ({counts})' if counts else ''}.")


def day(text: str) -> date:
    return date.fromisoformat(text)


def _store(name: str | None) -> Store | None:
    if name is None:
        return None
    found = Store.objects.filter(name=name).first()
    if found is None:
        names = ", ".join(f"“{each}”" for each in Store.objects.all())
        msg = f"There is no store “{name}”. There are: {names}."
        raise CommandError(msg)
    return found
