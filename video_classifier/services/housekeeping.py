"""What has to be done from time to time: trash emptied, files swept, log sealed, and so on."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from django.utils import timezone

from video_classifier.services import (
    alerts,
    audit_seals,
    candidate_scores,
    case_exports,
    database,
    disk_sweeps,
    event_counts,
    files,
    idempotency,
    improvements,
    limits,
    live_events,
    measures,
    resumable,
    retention,
    trash,
    waiting_clips,
    watching,
)

EVERY = timedelta(days=1)
EXPIRY_EVERY = timedelta(hours=1)
UPLOADS_EVERY = timedelta(minutes=1)  # seals of the audit log, too

_lock = threading.Lock()
# By the monotonic clock of this process, so that a start comes first.
_next = 0.0
_next_expiry = 0.0
_next_uploads = 0.0


def tidy_if_due() -> None:
    """Tidies up if this process has not for a day; uploads and seals, if it has not for a minute.

    Footage whose time is over goes within the hour.

    Should another process do the same at the same time, no harm comes of it.
    """
    global _next, _next_expiry, _next_uploads  # noqa: PLW0603
    now = time.monotonic()
    with _lock:
        day, hour, minute = now >= _next, now >= _next_expiry, now >= _next_uploads
        _next = now + EVERY.total_seconds() if day else _next
        _next_expiry = now + EXPIRY_EVERY.total_seconds() if hour else _next_expiry
        _next_uploads = now + UPLOADS_EVERY.total_seconds() if minute else _next_uploads
    if minute:
        resumable.finish_left()
        resumable.tidy()
        waiting_clips.tidy()
        watching.turn_off_abandoned()
        audit_seals.seal()
        event_counts.catch_up(now=database.now())
    if hour:
        # By the shared clock: a worker whose own is ahead must not delete what nobody can restore.
        retention.delete_expired(now=database.now())
    if day:
        trash.purge_due(now=timezone.now())
        idempotency.purge()
        limits.purge()
        watching.purge_hours()
        live_events.purge(now=timezone.now())
        candidate_scores.purge(now=timezone.now())
        event_counts.purge(now=timezone.now())
        alerts.purge()
        audit_seals.expire(now=timezone.now())
        case_exports.expire(now=timezone.now())
        measures.check_due(now=database.now())
        files.sweep()
        disk_sweeps.sweep()
        improvements.sweep()
