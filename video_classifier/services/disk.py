"""Where the site writes: whether there is room, whether it answers, and what to say if not."""

from __future__ import annotations

import errno
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError

from video_classifier.integrations.remote import StorageError
from video_classifier.services import database
from video_classifier.services.errors import Refused

logger = logging.getLogger(__name__)

FULL = "The server's disk is full. Tell your administrator; nothing of your file was kept."
AWAY = (
    "The storage that clips are kept in does not answer. Nothing is lost: wait a few minutes and "
    "try again; if it stays like this, tell your administrator."
)
LOW = "Less than {share:.0%} of the server's disk is free, so no clip was kept."
PAUSE = timedelta(minutes=1)  # of a job whose storage is away, or full
LIVE_SHARE = 0.05  # of the disk, below which live cameras keep no more clips


class DiskFullError(Refused):
    """Nothing is wrong with the clip."""


class AwayError(DiskFullError):
    """There may be room, but nobody gets at it now."""


ABSENCE = (StorageError, AwayError)
# Of a disk that the kernel has write-protected, and of one in a network that lost its server. Not
# EIO: that may be one file's.
_AWAY = {errno.EROFS, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT}


def free() -> int:
    """Bytes."""
    return shutil.disk_usage(settings.DATA_DIR).free


def is_nearly_full(wanted: int = 0) -> bool:
    """Less is free than the database and the results of what waits may still need.

    With `wanted`: once so many more bytes are taken.
    """
    return free() - wanted < settings.DISK_FLOOR_BYTES


def is_low() -> bool:
    """Live cameras, which never end, keep no more clips: what is left is for people's uploads."""
    usage = shutil.disk_usage(settings.DATA_DIR)
    return usage.free < LIVE_SHARE * usage.total


def refuse_when_low() -> None:
    """Raises DiskFullError."""
    if is_low():
        raise DiskFullError(LOW.format(share=LIVE_SHARE))


def lacks_for_live() -> int:
    """Bytes that have to go before live cameras may keep another clip; 0 if there is room."""
    usage = shutil.disk_usage(settings.DATA_DIR)
    floor = max(settings.DISK_FLOOR_BYTES, int(LIVE_SHARE * usage.total))
    return max(0, floor - usage.free)


def ran_full(error: BaseException | None) -> bool:
    """Whether `error` says that there was no room left, on the disk or in a quota."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return database.is_full(error)


def is_away(error: BaseException | None) -> bool:
    """Whether the storage, here or on another machine, does not do its work."""
    if isinstance(error, OSError) and error.errno in _AWAY:
        return True
    return isinstance(error, ABSENCE)


@contextmanager
def refusing_when_full() -> Iterator[None]:
    """Raises DiskFullError, whose sentence is for the uploader, where the disk runs full.

    And AwayError, where the storage does not answer.
    """
    try:
        yield
    except (OSError, DatabaseError) as error:
        if is_away(error):
            logger.warning("%s", error)
            raise AwayError(AWAY) from error
        if ran_full(error):
            raise DiskFullError(FULL) from error
        raise
