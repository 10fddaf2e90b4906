"""Clips on their way out: into the trash, back again, or gone for good."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from video_classifier.models import Analysis, BrowserCopy, Clip, HeatMap, Segment, SegmentCopy
from video_classifier.querysets import ClipQuerySet
from video_classifier.services import audit, cases, clips, jobs, queue, reviews
from video_classifier.states import Action, Status

logger = logging.getLogger(__name__)


def has(**clip: object) -> bool:
    """Whether such a clip is in the trash, of anybody's: no answer for people."""
    return Clip.objects.in_trash().filter(**clip).exists()


def put(clip: Clip, *, by: User) -> bool:
    """Hides the clip and cancels its jobs; False if it is in the trash already, or gone.

    A run of it loses its lease, as the row that it holds is no longer running. Raises Refused if it
    is in a case.
    """
    with transaction.atomic():
        kept = Clip.objects.kept().filter(pk=clip.pk)
        if not kept.update(trashed_at=timezone.now(), trashed_by=by):
            return False
        cases.refuse_if_held(clip, by)  # now that its row is locked, nobody puts it in one
        analyses = Analysis.objects.filter(clip=clip)
        analyses.active().update(status=Status.CANCELLED, stage="")  # a paused one stays so
        # No join: PostgreSQL looks once more at a row that it had to wait for, but not behind one.
        jobs.cancel(Segment.objects.filter(analysis__in=analyses))
        jobs.cancel(HeatMap.objects.filter(analysis__in=analyses))
        jobs.cancel(BrowserCopy.objects.filter(clip=clip))
        jobs.cancel(SegmentCopy.objects.filter(clip=clip))
        reviews.refresh(clip)
        audit.record(Action.TRASHED, by, audit.CLIP, clip.pk, store=clip.store_id)
    return True


def restore(clip: Clip, *, by: User) -> bool:
    """Shows the clip again with all its results, and goes on with what was cancelled.

    False if it is not in the trash.
    """
    with transaction.atomic():
        trashed = Clip.objects.in_trash().filter(pk=clip.pk)
        if not trashed.update(trashed_at=None, trashed_by=None):
            return False
        # Those with a reason were cancelled by somebody, who did not want them.
        analyses = Analysis.objects.filter(clip=clip)
        cancelled = analyses.filter(status=Status.CANCELLED, error="")
        jobs.restore(Segment.objects.filter(analysis__in=cancelled))
        cancelled.update(status=Status.QUEUED, started_at=None)
        paused = Segment.objects.filter(analysis__in=analyses.paused())
        jobs.restore(paused, status=Status.PAUSED)
        jobs.restore(HeatMap.objects.filter(analysis__in=analyses))
        jobs.restore(BrowserCopy.objects.filter(clip=clip))
        jobs.restore(SegmentCopy.objects.filter(clip=clip))
        reviews.refresh(clip)
        audit.record(Action.RESTORED, by, audit.CLIP, clip.pk, store=clip.store_id)
        for kind in ("segments", "heat_maps", "copies"):
            queue.announce(kind)
    return True


def purge(clip: Clip, *, by: User | None) -> bool:
    """Deletes a clip that is in the trash, with all that was made of it; False if it is not."""
    with transaction.atomic():
        if not Clip.objects.in_trash().select_for_update().filter(pk=clip.pk).exists():
            return False
        clips.delete(clip)
        audit.record(Action.PURGED, by, audit.CLIP, clip.pk, store=clip.store_id)
    return True


def due(*, now: datetime) -> ClipQuerySet:
    """The clips that have been in the trash for long enough."""
    return Clip.objects.trashed_before(now - settings.TRASH_KEEP)


def purge_due(*, now: datetime) -> int:
    """Deletes them, each in a transaction of its own; says how many."""
    purged = sum(purge(clip, by=None) for clip in due(now=now))
    if purged:
        logger.info("deleted %d clips for good that had been in the trash for long enough", purged)
    return purged
