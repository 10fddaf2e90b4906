"""Adds analyses to the queue, and takes them out of it. Their segments are the jobs."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from video_classifier.models import Analysis, Clip, Segment
from video_classifier.services import catalog, clips, jobs, queue, segments
from video_classifier.states import Status

CANCELLED = (
    "This analysis was cancelled before it came to a result. Choose “Analyze again” to start anew."
)


def check_room(user: User | None) -> None:
    """Raises QueueFullError, so that nobody fills the queue for all others."""
    jobs.check_room(Segment.objects.waiting(), user)


@transaction.atomic
def enqueue(clip: Clip, *, model: str, user: User | None) -> Analysis:
    """Queues an analysis of `clip`; workers hear of it once this is committed.

    Raises QueueFullError, and Refused if the clip is in the trash or gone.
    """
    if user is not None:  # of two requests at once, the later counts what the first has queued
        User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    check_room(user)
    clips.hold(clip)
    analysis = Analysis.objects.create(clip=clip, model=model, requested_by=user)
    Segment.objects.bulk_create(
        Segment(analysis=analysis, number=number, start=start, end=end, requested_by=user)
        for number, (start, end) in enumerate(segments.plan(clip), start=1)
    )
    queue.announce()
    return analysis


def again(analysis: Analysis, *, model: str, user: User) -> Analysis:
    """Another analysis of the same clip; the earlier one stays.

    Raises Refused.
    """
    catalog.usable(model)
    return enqueue(analysis.clip, model=model, user=user)


@transaction.atomic
def cancel(analysis: Analysis) -> bool:
    """Ends an analysis that is not finished; False if it is. Its runs lose their leases."""
    unfinished = Analysis.objects.unfinished().filter(pk=analysis.pk)
    now = timezone.now()
    if not unfinished.update(status=Status.CANCELLED, error=CANCELLED, stage="", finished_at=now):
        return False
    jobs.cancel(Segment.objects.filter(analysis=analysis))
    return True


def place_in_queue(analysis: Analysis) -> int:
    """Of its first waiting segment; 1 is next."""
    return jobs.place(Segment.objects.all(), analysis=analysis.pk)
