"""Makes the copies that browsers play, of clips that they don't."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files import File
from django.db import transaction

from video_classifier.models import BrowserCopy, Clip
from video_classifier.services import disk, files, jobs, queue, sandbox
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import GaveWayError, LeaseLostError
from video_classifier.states import Playback, Status

logger = logging.getLogger(__name__)

PAUSES = (timedelta(minutes=1), timedelta(minutes=10))  # after a failed attempt
ATTEMPTS = len(PAUSES) + 1
NO_ROOM_PAUSE = timedelta(minutes=1)
TOO_LONG = "It takes too long to make a copy of this clip. Download it to watch it."
BROKE = "Something broke on our side. The server's log has the cause."
GIVEN_UP = "Making the copy stopped {attempts} times without an answer, so it was given up."


def want(clip: Clip) -> None:
    """Queues the first copy of a clip that was just taken in."""
    BrowserCopy.objects.create(clip=clip, requested_by=clip.uploaded_by)
    queue.announce()


def ask(clip: Clip, *, user: User | None) -> None:
    """Has the copy made that there is none of, after all."""
    with transaction.atomic():
        given_up = Clip.objects.kept().filter(pk=clip.pk, playback=Playback.NONE)
        if given_up.update(playback=Playback.WANTED):
            BrowserCopy.objects.update_or_create(clip=clip, defaults=jobs.again(user))
            queue.announce()


def put_back(*, worker: str) -> int:
    """Releases the jobs of `worker`, which shuts down."""
    return jobs.put_back(BrowserCopy.objects.all(), worker=worker)


def make_next(*, worker: str, proceed: Callable[[], bool] = lambda: True) -> bool:
    """Makes the next copy; returns whether there was one.

    `proceed` is asked often whether to go on; a copy that is interrupted goes back to its place.
    One that fails is tried again after a pause.
    """
    if disk.is_nearly_full():  # what is left is for results
        return False
    return jobs.run_next(
        BrowserCopy.objects.all(),
        worker=worker,
        related="clip",
        run=partial(_run, proceed=proceed),
        give_up=_give_up,
    )


def _run(copy: BrowserCopy, proceed: Callable[[], bool]) -> None:
    try:
        with jobs.holding(copy, proceed=proceed, too_long=TOO_LONG) as watch:
            _make(copy, watch)
    except LeaseLostError:
        raise
    except GaveWayError:
        jobs.give_way(copy)
    except Exception as error:
        if disk.ran_full(error) or disk.is_nearly_full():
            logger.warning("there is no room for a copy of clip %s", copy.pk)
            jobs.give_way(copy, pause=NO_ROOM_PAUSE)
        else:
            logger.exception("no copy for browsers could be made of clip %s", copy.pk)
            _try_later(copy, str(error) if isinstance(error, Refused) else BROKE)


def _make(copy: BrowserCopy, watch: Callable[[], None]) -> None:
    clip = copy.clip
    with TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        made = Path(folder) / "copy.mp4"
        with files.local_path(clip.file) as video:
            sandbox.copy(video, made, watch=watch)
        with made.open("rb") as file:
            clip.playable.save(f"{clip.pk}.mp4", File(file), save=False)
    try:
        with transaction.atomic():
            jobs.change(copy, status=Status.DONE, error="")
            Clip.objects.filter(pk=clip.pk).update(
                playable=clip.playable.name, playback=Playback.COPY
            )
    except BaseException:
        clip.playable.delete(save=False)
        raise


def _try_later(copy: BrowserCopy, reason: str) -> None:
    if copy.attempts < ATTEMPTS:
        jobs.try_later(copy, pause=PAUSES[copy.attempts - 1])
    else:
        _fail(copy, reason)


def _give_up(copy: BrowserCopy) -> None:
    _fail(copy, GIVEN_UP.format(attempts=copy.attempts))


def _fail(copy: BrowserCopy, reason: str) -> None:
    with transaction.atomic():
        jobs.change(copy, status=Status.FAILED, error=reason)
        Clip.objects.filter(pk=copy.pk, playback=Playback.WANTED).update(playback=Playback.NONE)
