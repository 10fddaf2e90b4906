"""What happens to a clip after its upload: a copy that browsers play, and its deletion."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from video_classifier.models import Clip
from video_classifier.querysets import ClipQuerySet
from video_classifier.services import disk, files, queue, sandbox
from video_classifier.services.jobs import LOOK_SECONDS, Pace
from video_classifier.states import Playback

logger = logging.getLogger(__name__)

COPY_PAUSES = (timedelta(minutes=1), timedelta(minutes=10))  # after a failed attempt
COPY_ATTEMPTS = len(COPY_PAUSES) + 1
NO_ROOM_PAUSE = timedelta(minutes=1)
COPY_TOO_LONG = "It takes too long to make a copy of this clip. Download it to watch it."


class _InterruptedError(Exception):
    """There is something better to do now than this copy."""


def delete(clip: Clip) -> None:
    """For good: the rows at once, the files after the commit. A run of it loses its lease.

    People go by services.trash.
    """
    with transaction.atomic():
        # As it is now: a worker may have added files since `clip` was loaded.
        for current in Clip.objects.select_for_update().filter(pk=clip.pk):
            current.delete()


def ask_for_copy(clip: Clip) -> None:
    """Has the copy made that there is none of, after all; workers hear of it."""
    with transaction.atomic():
        given_up = Clip.objects.kept().filter(pk=clip.pk, playback=Playback.NONE)
        if given_up.update(playback=Playback.WANTED, copy_attempts=0, copy_due_at=timezone.now()):
            queue.announce()


def make_next_copy(*, proceed: Callable[[], bool] = lambda: True) -> bool:
    """Makes one copy for browsers, if one is wanted; says if there was any to make.

    `proceed` is asked often whether to go on; a copy that is interrupted goes to the end of the
    queue. One that fails is tried again after a pause.
    """
    if disk.is_nearly_full():  # what is left is for results
        return False
    # A clip that kills the process is not tried for ever.
    _due().filter(copy_attempts__gte=COPY_ATTEMPTS).update(playback=Playback.NONE)
    clip = _claim()
    if clip is None:
        return False
    try:
        _make_copy(clip, proceed)
    except _InterruptedError:
        _put_back(clip, pause=timedelta())
    except Exception as error:
        if disk.ran_full(error) or disk.is_nearly_full():
            logger.warning("there is no room for a copy of clip %s", clip.pk)
            _put_back(clip, pause=NO_ROOM_PAUSE)
        else:
            logger.exception("no copy for browsers could be made of clip %s", clip.pk)
            _try_later(clip)
    return True


def _due() -> ClipQuerySet:
    return Clip.objects.wanting_a_copy().filter(copy_due_at__lte=timezone.now())


def _claim() -> Clip | None:
    """The clip whose copy is due the longest, ours until its lease ends.

    Of processes that see the same row, the database lets one UPDATE find it unclaimed.
    """
    while clip := _due().first():
        if (
            _held(clip)
            .filter(copy_due_at=clip.copy_due_at)
            .update(copy_attempts=F("copy_attempts") + 1, copy_due_at=_lease_end())
        ):
            clip.copy_attempts += 1
            return clip
    return None


def _held(clip: Clip) -> ClipQuerySet:
    """The row of `clip`, while this attempt at its copy is the latest."""
    return Clip.objects.wanting_a_copy().filter(pk=clip.pk, copy_attempts=clip.copy_attempts)


def _lease_end() -> datetime:
    return timezone.now() + settings.ANALYSIS_LEASE


def _put_back(clip: Clip, *, pause: timedelta) -> None:
    """That was no failed attempt."""
    _held(clip).update(copy_attempts=F("copy_attempts") - 1, copy_due_at=timezone.now() + pause)


def _try_later(clip: Clip) -> None:
    if clip.copy_attempts < COPY_ATTEMPTS:
        pause = COPY_PAUSES[clip.copy_attempts - 1]
        _held(clip).update(copy_due_at=timezone.now() + pause)
    else:
        _held(clip).update(playback=Playback.NONE)


def _make_copy(clip: Clip, proceed: Callable[[], bool]) -> None:
    with TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        made = Path(folder) / "copy.mp4"
        with files.local_path(clip.file) as video:
            sandbox.copy(video, made, watch=_watch(clip, proceed))
        with made.open("rb") as file:
            clip.playable.save(f"{clip.pk}.mp4", File(file), save=False)
    if not _held(clip).update(playable=clip.playable.name, playback=Playback.COPY):
        clip.playable.delete(save=False)  # the clip was deleted, or the lease had ended


def _watch(clip: Clip, proceed: Callable[[], bool]) -> Callable[[], None]:
    in_time = sandbox.Deadline(settings.ANALYSIS_DEADLINE_MOST.total_seconds(), COPY_TOO_LONG)
    due = Pace(min(LOOK_SECONDS * 2, settings.ANALYSIS_HEARTBEAT.total_seconds()))

    def watch() -> None:
        in_time()
        if not proceed():
            raise _InterruptedError
        if due() and not _held(clip).update(copy_due_at=_lease_end()):
            raise _InterruptedError

    return watch
