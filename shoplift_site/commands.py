"""Runs a command. Where the machine can't do what it takes, that is said in a sentence."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from django.core.management import execute_from_command_line

from video_classifier.services import database, disk

TRACEBACK = "--traceback"  # Django's own, for all commands
FULL = "There is no room left for what this command writes. Make room, then run it again. ({error})"
AWAY = "The storage that files are kept in does not answer. Run it again when it does. ({error})"
BUSY = "Others kept the database for too long. Run it again. ({error})"
NO_DATABASE = "The database can't be reached. Run it again when it answers. ({error})"


def run(argv: Sequence[str]) -> None:
    try:
        execute_from_command_line(list(argv))
    except Exception as error:
        sentence = _sentence(error)
        if not sentence or TRACEBACK in argv:
            raise
        sys.exit(sentence.format(error=" ".join(str(error).split())))


def _sentence(error: Exception) -> str:
    """ "" for what nobody at the machine can do anything about."""
    if disk.ran_full(error):
        return FULL
    if disk.is_away(error):
        return AWAY
    if database.is_busy(error):
        return BUSY
    return NO_DATABASE if database.is_away(error) else ""
