"""Requests that are sent again after a lost answer, and must not be done twice."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import Error, IntegrityError, connection, transaction

from video_classifier.models import RepeatableRequest
from video_classifier.services import database
from video_classifier.services.errors import Refused

logger = logging.getLogger(__name__)

KEEP = timedelta(hours=24)
LEASE = timedelta(seconds=30)  # without a heartbeat: whose process died
BEAT_SECONDS = 5.0  # from heartbeat to heartbeat

OTHER = "This idempotency key came with another request. Make a new key for each request."
RUNNING = "The request with this idempotency key is still being worked on. Ask again in a moment."

LOST = "The server was interrupted over this request. Ask again with the same key in a moment."


class OtherRequestError(Refused):
    """The key was used for something else."""


class StillRunningError(Refused):
    """The first of the two has not been answered yet."""


class LostError(Refused):
    """The process showed no life for too long, and another one may have begun the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the first request was told."""

    status: int
    body: Any  # of JSON
    location: str = ""


def begin(user: User, key: str, fingerprint: str) -> Answer | RepeatableRequest:
    """The answer to the same request of before, or the row of one that begins.

    Then it has to be worked on within `alive`, and `finish` or `forget` has to follow. Raises
    OtherRequestError and StillRunningError.
    """
    try:
        with transaction.atomic():
            return _begun(user, key, fingerprint)
    except IntegrityError:
        return _earlier(user, key, fingerprint)


@contextmanager
def alive(begun: RepeatableRequest) -> Iterator[None]:
    """Sends heartbeats meanwhile, from a thread: what is done may take minutes."""
    ended = threading.Event()
    beating = (_beat, begun.pk, ended)
    threading.Thread(target=copy_context().run, args=beating, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def finish(begun: RepeatableRequest, answer: Answer) -> None:
    """Raises LostError: in a transaction, so that what was done in it is undone."""
    mine = RepeatableRequest.objects.filter(pk=begun.pk)
    if not mine.update(status=answer.status, body=answer.body, location=answer.location):
        raise LostError(LOST)


def forget(begun: RepeatableRequest) -> None:
    """The request came to nothing, so that it may be sent again."""
    RepeatableRequest.objects.filter(pk=begun.pk, status=None).delete()


def purge() -> int:
    """Those that are old enough; returns how many."""
    return RepeatableRequest.objects.filter(created_at__lt=database.now() - KEEP).delete()[0]


def _begun(user: User, key: str, fingerprint: str) -> RepeatableRequest:
    return RepeatableRequest.objects.create(
        user=user, key=key, fingerprint=fingerprint, heartbeat_at=database.now()
    )


def _beat(begun: int, ended: threading.Event) -> None:
    mine = RepeatableRequest.objects.filter(pk=begun, status=None)
    while not ended.wait(BEAT_SECONDS):
        try:
            mine.update(heartbeat_at=database.now())
        except Error:  # the lease outlasts some
            logger.warning("a heartbeat of a keyed request could not be written", exc_info=True)
        finally:
            connection.close()


@transaction.atomic
def _earlier(user: User, key: str, fingerprint: str) -> Answer | RepeatableRequest:
    rows = RepeatableRequest.objects.select_for_update().filter(user=user, key=key)
    found = rows.first()
    if found is None or _is_over(found):
        rows.delete()
        return _begun(user, key, fingerprint)
    if found.fingerprint != fingerprint:
        raise OtherRequestError(OTHER)
    if found.status is None:
        raise StillRunningError(RUNNING)
    return Answer(status=found.status, body=found.body, location=found.location)


def _is_over(found: RepeatableRequest) -> bool:
    """Answered long ago, or its process is dead. The clock may have been set back since."""
    now = database.now()
    if found.status is not None:
        return found.created_at < now - KEEP
    return abs(now - found.heartbeat_at) > LEASE
