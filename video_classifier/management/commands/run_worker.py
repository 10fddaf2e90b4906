"""`manage.py run_worker`: does the jobs of the queue in a process of its own."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS

from video_classifier.services import database, worker_process
from video_classifier.services.ending import Ending
from video_classifier.services.errors import Refused
from video_classifier.services.worker_process import KINDS, WorkerProcess

POLL_SECONDS = 1.0  # from look to look at the queue: no other process can ring this one's bell


class Command(BaseCommand):
    help = (
        "Does the jobs of the queue, one after the other, and tidies up once a day; sends alerts "
        "beside them. SIGTERM or Ctrl-C ends it and puts the job at hand back. As many may run as "
        "the machine has room for; set RUNNER=none if the web process is to do none itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--kinds",
            type=_kinds,
            default=KINDS,
            help=f"only these kinds of jobs, separated by commas, of: {', '.join(KINDS)}",
        )
        parser.epilog = "Example: manage.py run_worker --kinds heat_maps,copies"

    def handle(self, *_: Any, **options: Any) -> None:
        database.wait()
        self.check(tags=[Tags.database], databases=[DEFAULT_DB_ALIAS])
        try:
            worker_process.check_database()
        except Refused as refused:
            raise CommandError(str(refused), returncode=2) from None
        process = WorkerProcess(kinds=options["kinds"], idle_seconds=POLL_SECONDS)
        ending = Ending()
        self.stdout.write(f"Worker {process.name} does {', '.join(process.kinds)}.")
        process.start()
        ending.wait()
        process.stop()
        self.stdout.write("The worker has ended; what it had not finished is queued again.")


def _kinds(words: str) -> tuple[str, ...]:
    chosen = tuple(word.strip() for word in words.split(","))
    if unknown := [word for word in chosen if word not in KINDS]:
        msg = f"there is no kind “{unknown[0]}”; there are: {', '.join(KINDS)}"
        raise ArgumentTypeError(msg)
    return chosen
