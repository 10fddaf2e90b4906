"""What happens to a clip after its upload: a copy that browsers play, and its deletion."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import F

from video_classifier.ml.clip import InterruptedCopyError
from video_classifier.models import Clip
from video_classifier.services import sandbox
from video_classifier.services.leases import LOOK_SECONDS, Pace
from video_classifier.states import Playback

logger = logging.getLogger(__name__)

COPY_ATTEMPTS = 3
COPY_TOO_LONG = "It takes too long to make a copy of this clip. Download it to watch it."


def delete(clip: Clip) -> None:
    """For good: the rows at once, the files after the commit. A run of it loses its lease.

    People go by services.trash.
    """
    with transaction.atomic():
        # As it is now: the runner may have added files since `clip` was loaded.
        for current in Clip.objects.select_for_update().filter(pk=clip.pk):
            current.delete()


def make_next_copy(*, proceed: Callable[[], bool] = lambda: True) -> bool:
    """Makes one copy for browsers, if one is wanted; says if there was any to make.

    `proceed` is asked often whether to go on; a copy that is interrupted stays wanted.
    """
    wanting = Clip.objects.wanting_a_copy()
    # A clip that kills the process is not tried for ever.
    wanting.filter(copy_attempts__gte=COPY_ATTEMPTS).update(playback=Playback.NONE)
    clip = wanting.first()
    if clip is None:
        return False
    this = Clip.objects.filter(pk=clip.pk)
    this.update(copy_attempts=F("copy_attempts") + 1)
    try:
        _make_copy(clip, proceed)
    except InterruptedCopyError:
        this.update(copy_attempts=F("copy_attempts") - 1)
    except Exception:
        logger.exception("no copy for browsers could be made of clip %s", clip.pk)
        this.update(playback=Playback.NONE)
    return True


def _make_copy(clip: Clip, proceed: Callable[[], bool]) -> None:
    with TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        made = Path(folder) / "copy.mp4"
        sandbox.copy(Path(clip.file.path), made, watch=_watch(clip, proceed))
        with made.open("rb") as file:
            clip.playable.save(f"{clip.pk}.mp4", File(file), save=False)
    kept = Clip.objects.wanting_a_copy().filter(pk=clip.pk)
    if not kept.update(playable=clip.playable.name, playback=Playback.COPY):
        clip.playable.delete(save=False)  # the clip was deleted, or another process was quicker


def _watch(clip: Clip, proceed: Callable[[], bool]) -> Callable[[], None]:
    in_time = sandbox.Deadline(settings.ANALYSIS_DEADLINE_MOST.total_seconds(), COPY_TOO_LONG)
    due = Pace(LOOK_SECONDS)

    def watch() -> None:
        in_time()
        if not proceed():
            raise InterruptedCopyError
        if due() and not Clip.objects.wanting_a_copy().filter(pk=clip.pk).exists():
            raise InterruptedCopyError

    return watch
