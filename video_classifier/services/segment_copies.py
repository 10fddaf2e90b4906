"""Copies that browsers play of the segments of a long recording, first where somebody looks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files import File
from django.db import transaction
from django.db.models import Case, Q, Value, When

from video_classifier.ml.contracts import Span
from video_classifier.models import Clip, Segment, SegmentCopy
from video_classifier.services import database, disk, files, jobs, queue, sandbox
from video_classifier.services.copy_runs import Kind, Watch
from video_classifier.states import Playback, Status


class Hindrance(Enum):
    """What a copy that is still to be made waits for."""

    FULL = auto()  # the disk
    ANALYSES = auto()


FEW = 5
AHEAD = 5  # copies that go before all others, from the playhead on


def want(clip: Clip, *, user: User | None) -> None:
    """Queues a copy of each segment; of a clip in one piece that is one copy."""
    spans = clip.segment_spans or [[0.0, max(clip.duration, 1.0)]]
    with transaction.atomic():
        SegmentCopy.objects.bulk_create(
            (
                SegmentCopy(clip=clip, number=number, start=start, end=end, requested_by=user)
                for number, (start, end) in enumerate(spans, 1)
            ),
            ignore_conflicts=True,  # two people may ask at once
        )
        Clip.objects.filter(pk=clip.pk).update(playback=Playback.SEGMENTS)
        clip.playback = Playback.SEGMENTS
        queue.announce("copies")


def ask(clip: Clip, *, user: User | None) -> None:
    """Has those made that were given up, after all; of a clip without any, all of them."""
    if not SegmentCopy.objects.filter(clip=clip).exists():
        want(clip, user=user)
        return
    given_up = SegmentCopy.objects.filter(clip=clip, status=Status.FAILED)
    if given_up.update(**jobs.again(user)):
        queue.announce("copies")


def of(clip: Clip) -> list[SegmentCopy]:
    """All, in order of time, by one query."""
    return list(SegmentCopy.objects.filter(clip=clip).order_by("number"))


def at(copies: Sequence[SegmentCopy], second: float) -> SegmentCopy:
    """Which of all of a clip has that second of it; in a break, the one after."""
    return next((each for each in copies if second < each.end), copies[-1])


def look(copies: Sequence[SegmentCopy], second: float) -> None:
    """Has the copies of a clip made first that somebody waits for who looks at that second.

    That is the one at the second, and AHEAD in all from there on. It writes only what changes.
    """
    here = at(copies, second).number
    waiting = [each for each in copies if each.status == Status.QUEUED]
    first = [each.pk for each in waiting if each.number >= here][:AHEAD]
    if {each.pk for each in waiting if each.priority} == set(first):
        return
    rows = SegmentCopy.objects.waiting().filter(clip=copies[0].clip_id)
    rows.filter(Q(pk__in=first) | Q(priority__gt=0)).update(
        priority=Case(When(pk__in=first, then=Value(1)), default=Value(0))
    )
    queue.announce("copies")


def seconds_left(copies: Sequence[SegmentCopy], wanted: SegmentCopy) -> float | None:
    """About how long it takes until one of a clip's is there; None if nothing tells so far.

    Others of the clip tell, or the last of other clips.
    """
    took = [each.seconds_making for each in copies if each.seconds_making is not None]
    if not (took := took or _latest()):
        return None
    now, each_takes = database.now(), fmean(took)
    if wanted.status == Status.RUNNING and wanted.claimed_at is not None:
        return max(each_takes - (now - wanted.claimed_at).total_seconds(), 1.0)
    rest = max((wanted.not_before - now).total_seconds(), 0.0)
    is_second = any(each.status == Status.RUNNING for each in copies)
    return rest + each_takes * (2 if is_second else 1)


def _latest() -> list[float]:
    """How long the last copies took that were queued and made."""
    made = SegmentCopy.objects.filter(seconds_making__isnull=False).order_by("-pk")
    return [
        found for found in made.values_list("seconds_making", flat=True)[:FEW] if found is not None
    ]


def hindrance(wanted: SegmentCopy) -> Hindrance | None:
    """What keeps one from being made, if it isn't just the copies before it."""
    if wanted.status == Status.RUNNING:
        return None
    if disk.is_nearly_full():
        return Hindrance.FULL
    return Hindrance.ANALYSES if jobs.ready(Segment.objects.all()).exists() else None


def _make(copy: SegmentCopy, watch: Watch) -> None:
    with TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        made = Path(folder) / "copy.mp4"
        with files.local_path(copy.clip.file) as video:
            sandbox.copy_span(video, made, Span(copy.start, copy.end), watch=watch)
        with made.open("rb") as file:
            copy.file.save(f"{uuid.uuid4()}.mp4", File(file), save=False)
    since = copy.claimed_at or database.now()
    with files.going_with_rows(str(copy.file.name)):
        jobs.change(
            copy,
            status=Status.DONE,
            error="",
            file=copy.file.name,
            seconds_making=(database.now() - since).total_seconds(),
        )


def _fail(copy: SegmentCopy, reason: str) -> None:
    jobs.change(copy, status=Status.FAILED, error=reason)


KIND = Kind(make=_make, fail=_fail)
