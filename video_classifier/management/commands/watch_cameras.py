"""`manage.py watch_cameras`: watches live cameras in a process of its own."""

from __future__ import annotations

import os
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor

from video_classifier.services import database
from video_classifier.services.ending import Ending


class Command(BaseCommand):
    help = (
        "Watches the live cameras that are enabled: reads them, scores what they show, and keeps "
        "clips of events. SIGTERM or Ctrl-C ends it, closes open events and hands its cameras "
        "back. Several may run, and share the cameras; set WATCHER=none if the web server is to "
        "start none itself. It ends with code 2 if the database is out of date, and with 70 if "
        "something hangs: have it started again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--most",
            type=_count,
            default=settings.WATCHER_CAMERAS,
            help=f"so many cameras at most (default: WATCHER_CAMERAS, "
            f"now {settings.WATCHER_CAMERAS}); others may take the rest",
        )
        parser.add_argument("--child", type=int, metavar="PID", help=SUPPRESS)
        parser.epilog = "Example: manage.py watch_cameras --most 10"

    def handle(self, *_: Any, **options: Any) -> None:
        if options["child"]:  # of a web server, with which it ends, however that ends
            from video_classifier.ml.isolation import confinement

            confinement.die_with_parent()
            if os.getppid() != options["child"]:  # it ended before the kernel was asked
                return
        database.wait()
        self.check(tags=[Tags.database], databases=[DEFAULT_DB_ALIAS])
        if _is_out_of_date():
            msg = (
                "The database is older than this version of the site. Run `manage.py migrate`, "
                "then start the watcher again."
            )
            raise CommandError(msg, returncode=2)
        from video_classifier.services import disk_sweeps
        from video_classifier.watching.watcher import Watcher

        watcher = Watcher(most=options["most"])
        disk_sweeps.start()

        ending = Ending()
        self.stdout.write(f"Watcher {watcher.name} watches at most {options['most']} cameras.")
        with ThreadPoolExecutor(1, thread_name_prefix="watcher") as pool:
            run = pool.submit(watcher.run)
            run.add_done_callback(lambda _: ending.announce())
            ending.wait()
            watcher.stop()
        run.result()  # raises what it ended with
        self.stdout.write("The watcher has ended, and its cameras are handed back.")


def _is_out_of_date() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        msg = f"“{word}” is no number of cameras"
        raise ArgumentTypeError(msg)
    return int(word)
