"""The camera and the time that a command is to do something with, and who answers for it."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from video_classifier.management import cameras
from video_classifier.services.errors import Refused
from video_classifier.services.requested_footage import RequestedFootage

NO_USER = "There is no account “{}”."
NO_MOMENT = "“{}” is no moment. Write it as 2026-11-26T14:30."
UNKNOWN = (
    "Of {count} more nobody knows when they were recorded; they were uploaded since then. Look at "
    "them, and add --unknown-too if they are to be taken along."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--store", required=True, help="its name")
    parser.add_argument("--camera", required=True, help="its name, one of the store's")
    zone = "in the time zone of the store, as 2026-11-26T14:30"
    parser.add_argument(
        "--from", dest="start", type=moment, required=True, metavar="MOMENT", help=zone
    )
    parser.add_argument("--to", dest="end", type=moment, required=True, metavar="MOMENT")
    parser.add_argument(
        "--user", required=True, help="the account that answers for it in the audit log"
    )
    parser.add_argument(
        "--unknown-too",
        action="store_true",
        help="also clips of unknown recording time that were uploaded since then",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what there is")


def moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(NO_MOMENT.format(text)) from None


def counted(count: int, word: str) -> str:
    """As "1 clip" and "2 clips"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def read(options: dict[str, Any]) -> tuple[RequestedFootage, User]:
    """Raises CommandError."""
    camera = cameras.named(options["store"], options["camera"])
    user = User.objects.filter(username=options["user"]).first()
    if user is None:
        raise CommandError(NO_USER.format(options["user"]))
    zone = ZoneInfo(camera.store.time_zone)
    start, end = (_aware(options[name], zone) for name in ("start", "end"))
    try:
        return RequestedFootage(camera=camera, start=start, end=end), user
    except Refused as refusal:
        raise CommandError(str(refusal)) from refusal


def _aware(when: datetime, zone: ZoneInfo) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=zone)
