"""Attempts to make a copy that browsers play: of a clip, or of a segment of a long one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from video_classifier.models import BrowserCopy, SegmentCopy
from video_classifier.querysets import JobQuerySet
from video_classifier.services import disk, jobs
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import GaveWayError, LeaseLostError

logger = logging.getLogger(__name__)

PAUSES = (timedelta(minutes=1), timedelta(minutes=10))  # after a failed attempt
ATTEMPTS = len(PAUSES) + 1
NO_ROOM_PAUSE = timedelta(minutes=1)
TOO_LONG = "It takes too long to make a copy of this clip. Download it to watch it."
BROKE = "Something broke on our side. The server's log has the cause."
GIVEN_UP = "Making the copy stopped {attempts} times without an answer, so it was given up."

Copy = TypeVar("Copy", BrowserCopy, SegmentCopy)

Proceed = Callable[[], bool]
Watch = Callable[[], None]


class Kind(NamedTuple, Generic[Copy]):
    """What differs from copies of clips to those of segments."""

    make: Callable[[Copy, Watch], None]
    fail: Callable[[Copy, str], None]  # with a sentence; raises LeaseLostError


def make_next(
    copies: JobQuerySet[Copy], kind: Kind[Copy], *, worker: str, proceed: Proceed
) -> bool:
    """Makes the next of these; returns whether there was one.

    One that is interrupted goes back to its place, and one that fails is tried again after a pause.
    """
    return jobs.run_next(
        copies,
        worker=worker,
        related="clip",
        run=partial(_run, kind=kind, proceed=proceed),
        give_up=lambda copy: kind.fail(copy, GIVEN_UP.format(attempts=copy.attempts)),
    )


def _run(copy: Copy, kind: Kind[Copy], proceed: Proceed) -> None:
    try:
        with _held(copy, proceed) as watch:
            kind.make(copy, watch)
    except LeaseLostError:
        raise
    except GaveWayError:
        jobs.give_way(copy)
    except Exception as error:
        if disk.is_away(error):
            logger.warning("a copy of clip %s waits for the storage: %s", copy.clip_id, error)
            jobs.give_way(copy, pause=disk.PAUSE)
        elif disk.ran_full(error) or disk.is_nearly_full():
            logger.warning("there is no room for a copy of clip %s", copy.clip_id)
            jobs.give_way(copy, pause=NO_ROOM_PAUSE)
        else:
            logger.exception("no copy for browsers could be made of clip %s", copy.clip_id)
            _try_later(copy, kind, str(error) if isinstance(error, Refused) else BROKE)


def _held(copy: Copy, proceed: Proceed) -> AbstractContextManager[Watch]:
    return jobs.holding(copy, proceed=proceed, too_long=TOO_LONG)


def _try_later(copy: Copy, kind: Kind[Copy], reason: str) -> None:
    if copy.attempts < ATTEMPTS:
        jobs.try_later(copy, pause=PAUSES[copy.attempts - 1])
    else:
        kind.fail(copy, reason)
