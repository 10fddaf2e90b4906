"""`manage.py import_folder DIR`: takes in a recorder's exports, once or as they come."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from video_classifier.management.examples import CommandWithExamples
from video_classifier.models import Camera, Store
from video_classifier.services import catalog, folder_imports, recording_times, uploads
from video_classifier.services.errors import Refused
from video_classifier.services.folder_imports import Fate

SUMMED = (Fate.TAKEN, Fate.KNOWN, Fate.REFUSED)
WAIT_SECONDS = 1.0  # for a file that may still grow, and for room in the queue

EXAMPLE = """
example, for a recorder that writes into a folder a day:
  manage.py import_folder /mnt/nvr --watch --store Main --camera "Till 3" --user ada \\
      --pattern "%Y-%m-%d/*%H.%M.%S"
"""


class Command(CommandWithExamples):
    help = (
        "Takes in the videos of a folder and its folders, and queues their analyses: one line a "
        "file. What the store has already, by its bytes, is left out, and a file that still grows "
        "is waited for. The files stay where they are. Exit code 1: some were refused; 2: nothing "
        "could be taken at all."
    )

    requires_system_checks = ()

    examples = EXAMPLE

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--user", required=True, help="whose uploads they are")
        parser.add_argument("--store", help="its name; needed if there are several")
        parser.add_argument("--camera", help="its name, one of the store's")
        parser.add_argument("--model", help="a folder in models_storage")
        parser.add_argument(
            "--pattern", default="", help="of times in names, as in strptime; * fits anything"
        )
        parser.add_argument("--watch", action="store_true", help="go on until it is stopped")
        parser.add_argument(
            "--every",
            type=float,
            default=10.0,
            metavar="SECONDS",
            help="between two looks (default: 10)",
        )
        parser.add_argument(
            "--settle",
            type=float,
            default=5.0,
            metavar="SECONDS",
            help="for which a file has to be unchanged (default: 5)",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        run = self._prepare(options)
        fates, said = Counter[Fate](), ""
        while True:
            for line in run.run():
                fates[line.fate] += 1
                text = f"{line.path}: {line.fate}. {line.more}"
                if text != said:  # what has to wait is tried again and again
                    self.stdout.write(text)
                said = text
            if run.is_done and not options["watch"]:
                break
            time.sleep(options["every"] if run.is_done else min(options["every"], WAIT_SECONDS))
        counts = ", ".join(f"{fates[fate]} {fate}" for fate in SUMMED)
        self.stdout.write(f"{counts}.")
        if fates[Fate.REFUSED]:
            msg = "Some files were refused; their lines say why."
            raise CommandError(msg, returncode=1)

    def _prepare(self, options: dict[str, Any]) -> folder_imports.FolderImport:
        try:
            return _import(options)
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal


def _import(options: dict[str, Any]) -> folder_imports.FolderImport:
    """Raises Refused where the options make no sense."""
    folder, pattern = options["folder"], options["pattern"]
    if not folder.is_dir():
        msg = f"There is no folder {folder}."
        raise Refused(msg)
    user = User.objects.filter(username=options["user"], is_active=True).first()
    if user is None:
        msg = f"There is no user “{options['user']}”."
        raise Refused(msg)
    store = _store(options["store"], user)
    if pattern:
        recording_times.compiled(pattern)
    model = options["model"] or catalog.default_name()
    catalog.usable(model)
    camera = _camera(options["camera"], store) if options["camera"] else None
    return folder_imports.FolderImport(
        folder=folder,
        user=user,
        choices=uploads.Choices(model=model, store=store, camera=camera, pattern=pattern),
        settle_seconds=options["settle"],
    )


def _store(name: str | None, user: User) -> Store:
    stores = list(Store.objects.open_to(user))
    found = [each for each in stores if name in {None, each.name}]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"“{each}”" for each in stores) or "none"
    msg = f"Say with --store which one, of those to which {user} may upload: {names}."
    raise Refused(msg)


def _camera(name: str, store: Store) -> Camera:
    found = Camera.objects.filter(store=store, name=name).first()
    if found is None:
        msg = f"There is no camera “{name}” in the store “{store}”. Choose one of its cameras."
        raise Refused(msg)
    return found
