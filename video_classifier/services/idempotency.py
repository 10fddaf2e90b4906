"""Requests that are sent again after a lost answer, and must not be done twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from video_classifier.models import RepeatableRequest
from video_classifier.services import database
from video_classifier.services.errors import Refused

KEEP = timedelta(hours=24)
STALE = timedelta(minutes=10)  # after which one that never ended counts as lost

OTHER = "This idempotency key came with another request. Make a new key for each request."
RUNNING = "The request with this idempotency key is still being worked on. Ask again in a moment."


class OtherRequestError(Refused):
    """The key was used for something else."""


class StillRunningError(Refused):
    """The first of the two has not been answered yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the first request was told."""

    status: int
    body: Any  # of JSON
    location: str = ""


def begin(user: User, key: str, fingerprint: str) -> Answer | None:
    """The answer to the same request of before; None if this is the first.

    Then `finish` or `forget` has to follow. Raises OtherRequestError and StillRunningError.
    """
    try:
        with transaction.atomic():
            RepeatableRequest.objects.create(user=user, key=key, fingerprint=fingerprint)
    except IntegrityError:
        return _earlier(user, key, fingerprint)
    return None


def finish(user: User, key: str, answer: Answer) -> None:
    mine = RepeatableRequest.objects.filter(user=user, key=key)
    mine.update(status=answer.status, body=answer.body, location=answer.location)


def forget(user: User, key: str) -> None:
    """The request came to nothing, so that it may be sent again."""
    RepeatableRequest.objects.filter(user=user, key=key, status=None).delete()


def purge() -> int:
    """Those that are old enough; returns how many."""
    return RepeatableRequest.objects.filter(created_at__lt=database.now() - KEEP).delete()[0]


@transaction.atomic
def _earlier(user: User, key: str, fingerprint: str) -> Answer | None:
    rows = RepeatableRequest.objects.select_for_update().filter(user=user, key=key)
    found = rows.first()
    now = database.now()
    limit = KEEP if found is not None and found.status else STALE
    if found is None or found.created_at < now - limit:
        rows.delete()
        RepeatableRequest.objects.create(user=user, key=key, fingerprint=fingerprint)
        return None
    if found.fingerprint != fingerprint:
        raise OtherRequestError(OTHER)
    if found.status is None:
        raise StillRunningError(RUNNING)
    return Answer(status=found.status, body=found.body, location=found.location)
