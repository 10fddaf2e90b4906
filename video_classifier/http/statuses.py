"""The status of an answer to a request that a service refuses."""

from __future__ import annotations

from video_classifier.services import disk, idempotency, resumable, uploads
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import QueueFullError
from video_classifier.services.sandbox import BusyError

_STATUSES: tuple[tuple[type[Refused], int], ...] = (
    (resumable.GoneError, 410),
    (resumable.ClosedError, 403),
    (resumable.OffsetError, 409),
    (resumable.ChecksumError, 460),  # of the tus protocol
    (uploads.TooLargeError, 413),
    (disk.AwayError, 503),
    (disk.DiskFullError, 507),
    (resumable.FullError, 429),
    (QueueFullError, 429),
    (idempotency.StillRunningError, 409),
    (idempotency.LostError, 409),
    (BusyError, 503),
    (Refused, 422),
)


def of(refusal: Refused) -> int:
    """That of the first class it is of."""
    return next(status for kind, status in _STATUSES if isinstance(refusal, kind))
