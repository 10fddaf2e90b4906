"""Adds analyses to the queue, and takes them out of it. Their segments are the jobs."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from video_classifier.models import Analysis, Clip, Segment
from video_classifier.services import clips, jobs, queue, segments, versions
from video_classifier.services.jobs import QueueFullError
from video_classifier.states import Status

TOO_MANY = (
    "As many of your analyses are waiting as one user may have: {count}. Try again when some of "
    "them are done."
)
CANCELLED = (
    "This analysis was cancelled before it came to a result. Choose “Analyze again” to start anew."
)


def check_room(user: User | None) -> None:
    """Raises QueueFullError, so that nobody fills the queue for all others.

    Counts the analyses of which a segment waits, and those that are paused.
    """
    if user is None:
        return
    limit = settings.WAITING_PER_USER
    waiting = Segment.objects.waiting().filter(requested_by=user).values("analysis").distinct()
    paused = Analysis.objects.paused().kept().filter(requested_by=user)
    if waiting.count() + paused.count() >= limit:
        raise QueueFullError(TOO_MANY.format(count=limit))


@transaction.atomic
def enqueue(clip: Clip, *, model: str, user: User | None) -> Analysis:
    """Queues an analysis of `clip`; workers hear of it once this is committed.

    It is given the name of what the clip's store uses of `model` just now. Raises QueueFullError,
    and Refused if the clip is in the trash or gone, or the version is another store's.
    """
    if user is not None:  # of two requests at once, the later counts what the first has queued
        User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    check_room(user)
    clips.hold(clip)
    model = versions.resolve(clip.store_id, model)
    Analysis.objects.filter(clip=clip, is_latest=True).update(is_latest=False)
    analysis = Analysis.objects.create(clip=clip, model=model, requested_by=user)
    planned = segments.planned(clip)
    for segment in planned:
        segment.analysis, segment.requested_by = analysis, user
    Segment.objects.bulk_create(planned)
    queue.announce("segments")
    return analysis


def again(analysis: Analysis, *, model: str, user: User) -> Analysis:
    """Another analysis of the same clip; the earlier one stays.

    Raises Refused.
    """
    versions.check(analysis.store_id, model)
    return enqueue(analysis.clip, model=model, user=user)


@transaction.atomic
def cancel(analysis: Analysis) -> bool:
    """Ends an analysis that is not finished; False if it is. Its runs lose their leases.

    Lists show the clip's result from before it then, if there is one.
    """
    list(Clip.objects.select_for_update(no_key=True).filter(pk=analysis.clip_id).only("pk"))
    unfinished = Analysis.objects.unfinished().filter(pk=analysis.pk)
    now = timezone.now()
    if not unfinished.update(status=Status.CANCELLED, error=CANCELLED, stage="", finished_at=now):
        return False
    jobs.cancel(Segment.objects.filter(analysis=analysis))
    _show_the_one_before(analysis)
    return True


def _show_the_one_before(cancelled: Analysis) -> None:
    """The clip's row is held."""
    others = Analysis.objects.filter(clip=cancelled.clip_id).exclude(status=Status.CANCELLED)
    newest = others.order_by("-queued_at", "-pk").values_list("pk", flat=True).first()
    if newest is not None:
        Analysis.objects.filter(pk=cancelled.pk, is_latest=True).update(is_latest=False)
        Analysis.objects.filter(pk=newest, is_latest=False).update(is_latest=True)


@transaction.atomic
def pause(analysis: Analysis) -> bool:
    """Has its waiting segments wait until it is resumed; False if none waits.

    What runs goes on to its end, so that nothing is analyzed twice.
    """
    active = Analysis.objects.active().filter(pk=analysis.pk)
    if active.select_for_update().first() is None:
        return False
    if not jobs.pause(Segment.objects.filter(analysis=analysis)):
        return False
    return bool(active.update(status=Status.PAUSED, stage=""))


@transaction.atomic
def resume(analysis: Analysis) -> bool:
    """Goes on with a paused analysis from its last finished segment; False if it isn't paused.

    Raises Refused if its clip is in the trash or gone.
    """
    clips.hold(analysis.clip)
    if not Analysis.objects.paused().filter(pk=analysis.pk).update(status=Status.QUEUED):
        return False
    jobs.resume(Segment.objects.filter(analysis=analysis))
    queue.announce("segments")
    return True


def place_in_queue(analysis: Analysis) -> int:
    """Of its first waiting segment; 1 is next."""
    return jobs.place(Segment.objects.all(), analysis=analysis.pk)
