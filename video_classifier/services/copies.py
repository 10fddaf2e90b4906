"""Makes the copies that browsers play, of clips that they don't."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files import File
from django.db import transaction

from video_classifier.ml.contracts import MP4_CODECS
from video_classifier.models import BrowserCopy, Clip, SegmentCopy
from video_classifier.querysets import JobQuerySet
from video_classifier.services import copy_runs, disk, files, jobs, queue, sandbox, segment_copies
from video_classifier.services.copy_runs import Kind, Watch
from video_classifier.states import Playback, Status


def want(clip: Clip) -> None:
    """Queues the first copy of a clip that was just taken in.

    Of a long recording whose pictures have to be encoded, it is one of each segment.
    """
    if clip.segment_spans and clip.codec not in MP4_CODECS:
        segment_copies.want(clip, user=clip.uploaded_by)
        return
    BrowserCopy.objects.create(clip=clip, requested_by=clip.uploaded_by)
    queue.announce("copies")


def ask(clip: Clip, *, user: User | None) -> None:
    """Has the copy made that there is none of, after all."""
    with transaction.atomic():
        kept = Clip.objects.kept().filter(pk=clip.pk)
        if kept.filter(playback=Playback.NONE).update(playback=Playback.WANTED):
            BrowserCopy.objects.update_or_create(clip=clip, defaults=jobs.again(user))
            queue.announce("copies")
        elif kept.filter(playback=Playback.SEGMENTS).exists():
            segment_copies.ask(clip, user=user)


def put_back(*, worker: str) -> int:
    """Releases the jobs of `worker`, which shuts down."""
    of_segments = jobs.put_back(SegmentCopy.objects.all(), worker=worker)
    return of_segments + jobs.put_back(BrowserCopy.objects.all(), worker=worker)


def make_next(*, worker: str, proceed: Callable[[], bool] = lambda: True) -> bool:
    """Makes the next copy; returns whether there was one.

    `proceed` is asked often whether to go on; a copy that is interrupted goes back to its place.
    One that fails is tried again after a pause. Segments that somebody waits for go first, then
    whole clips, of which there are few long ones.
    """
    if disk.is_nearly_full():  # what is left is for results
        return False
    segments = SegmentCopy.objects.all()

    def of_segments(some: JobQuerySet[SegmentCopy]) -> bool:
        return copy_runs.make_next(some, segment_copies.KIND, worker=worker, proceed=proceed)

    def of_clips() -> bool:
        return copy_runs.make_next(BrowserCopy.objects.all(), KIND, worker=worker, proceed=proceed)

    return of_segments(segments.looked_at()) or of_clips() or of_segments(segments)


def _make(copy: BrowserCopy, watch: Watch) -> None:
    clip = copy.clip
    with TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        made = Path(folder) / "copy.mp4"
        with files.local_path(clip.file) as video:
            if not clip.segment_spans:
                sandbox.copy(video, made, watch=watch)
            elif not sandbox.remux(video, made, watch=watch):
                _split(copy)
                return
        with made.open("rb") as file:
            # Of two runs, the one that lost its lease must not remove what the other has made.
            clip.playable.save(f"{uuid.uuid4()}.mp4", File(file), save=False)
    with files.going_with_rows(str(clip.playable.name)):
        jobs.change(copy, status=Status.DONE, error="")
        Clip.objects.filter(pk=clip.pk).update(playable=clip.playable.name, playback=Playback.COPY)


def _split(copy: BrowserCopy) -> None:
    """Has a long recording copied segment by segment, as its pictures have to be encoded."""
    with transaction.atomic():
        jobs.change(copy, status=Status.DONE, error="")
        segment_copies.want(copy.clip, user=copy.requested_by)


def _fail(copy: BrowserCopy, reason: str) -> None:
    with transaction.atomic():
        jobs.change(copy, status=Status.FAILED, error=reason)
        Clip.objects.filter(pk=copy.pk, playback=Playback.WANTED).update(playback=Playback.NONE)


KIND = Kind(make=_make, fail=_fail)
