"""Notes who looks at footage: one entry a view of a page, and none for what the page loads."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone

from video_classifier.models import AuditEntry, Clip
from video_classifier.services import audit, database
from video_classifier.states import Action

ONE_DOWNLOAD = timedelta(hours=1)  # that comes in parts, as of one that was broken off

logger = logging.getLogger(__name__)


def note(user: User, kind: str, key: object = "", *, store: int | None, **details: int) -> None:
    """An entry that somebody sees it now.

    Where the disk is full, or others write all the time, footage can be looked at all the same,
    and the server's log says who did: a shop must not go blind for that.
    """
    try:
        audit.record(Action.VIEWED, user, kind, key, store=store, **details)
    except DatabaseError as error:
        if not (database.is_busy(error) or database.is_full(error)):
            raise
        logger.exception("user %d looked at %s %s, which could not be noted", user.pk, kind, key)


def note_download(user: User, clip: Clip, *, in_parts: bool) -> None:
    """An entry that somebody takes the clip away: one, if they fetch it part by part."""
    if in_parts and _is_going_on(user, clip):
        return
    audit.record(Action.DOWNLOADED, user, audit.CLIP, clip.pk, store=clip.store_id)


def _is_going_on(user: User, clip: Clip) -> bool:
    noted = AuditEntry.objects.filter(object_type=audit.CLIP, object_id=str(clip.pk))
    since = timezone.now() - ONE_DOWNLOAD
    return noted.filter(action=Action.DOWNLOADED, actor=user.pk, at__gt=since).exists()
