"""What has to be done once a day: the trash is emptied of what is due, and files are swept."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from django.utils import timezone

from video_classifier.services import files, trash

EVERY = timedelta(days=1)

_lock = threading.Lock()
_next = 0.0  # by the monotonic clock of this process, so that a start comes first


def tidy_if_due() -> None:
    """Tidies up if this process has not for a day.

    Should another process do the same at the same time, no harm comes of it.
    """
    global _next  # noqa: PLW0603
    with _lock:
        if time.monotonic() < _next:
            return
        _next = time.monotonic() + EVERY.total_seconds()
    trash.purge_due(now=timezone.now())
    files.sweep()
