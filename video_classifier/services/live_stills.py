"""The pictures that show live events: made while these happen, and never at the cost of watching.

A storage on another machine may be silent for a minute, and the thread that scores can't wait for
it: then an event has no picture for now, and services.waiting_clips stores it with the clip.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from video_classifier.integrations.remote import StorageError
from video_classifier.services import disk, evidence, files
from video_classifier.services.live_hints import Hint

logger = logging.getLogger(__name__)

QUALITY = 85  # of the JPEG
PATIENCE = 5.0  # seconds that a storage on another machine may take


def made(hint: Hint) -> bytes:
    """A JPEG; b"" if there is no picture."""
    return b"" if hint.shown.preview is None else evidence.jpeg(hint.shown.preview, QUALITY)


def save(content: bytes) -> str:
    """Its name in storage, however long that takes. Raises OSError."""
    return default_storage.save(f"{files.LIVE}/{uuid.uuid4()}.jpg", ContentFile(content))


class Stills:
    """Stores pictures while events happen; one that was away isn't asked for a minute."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="stills")
        self._not_before = 0.0  # monotonic seconds

    def store(self, content: bytes) -> str:
        """Its name in storage; "" if it can't be kept, or not within the PATIENCE."""
        try:
            return self._stored(content) if content else ""
        except OSError:  # a full disk, or away; the event is told all the same
            logger.warning("the picture of a live event could not be kept", exc_info=True)
            return ""

    def _stored(self, content: bytes) -> str:
        if files.remote() is None:
            return save(content)
        if time.monotonic() < self._not_before:
            return ""
        saving = self._pool.submit(save, content)
        try:
            return saving.result(PATIENCE)
        except (StorageError, TimeoutError):
            self._not_before = time.monotonic() + disk.PAUSE.total_seconds()
            if not saving.cancel():
                saving.add_done_callback(_discard)
            raise

    def discard(self, names: Iterable[str]) -> None:
        if files.remote() is None:
            files.discard(names)
        else:
            self._pool.submit(files.discard, list(names))


def _discard(late: Future[str]) -> None:
    if late.exception() is None:
        files.discard([late.result()])


stills = Stills()
