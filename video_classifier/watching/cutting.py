"""Cuts clips out of what is in memory of a camera's stream, and has them kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from video_classifier.models import Camera, LiveEvent
from video_classifier.services import live_clips, live_events, waiting_clips
from video_classifier.services.errors import Refused
from video_classifier.services.live_clips import Cut
from video_classifier.services.live_events import Told
from video_classifier.services.live_samples import LENGTH
from video_classifier.states import Origin
from video_classifier.watching import remuxing
from video_classifier.watching.remuxing import RemuxError
from video_classifier.watching.ring import Excerpt, Ring

logger = logging.getLogger(__name__)

_SLACK = timedelta(seconds=0.5)  # by which two streams of a camera may be apart
_STRETCHES = 20  # that are looked through


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The clip of an event that has closed."""

    event: LiveEvent
    told: Told
    begin: datetime  # with what comes before
    end: datetime  # … and after
    stretch: int | None  # None: it was seen in another stream than the one that is cut
    give_up_waiting: float  # monotonic seconds, after which what is there has to do


def newest_of(ring: Ring) -> tuple[datetime, datetime] | None:
    """From when to when there are pictures of the newest stretch."""
    found = ring.newest(float("inf"))
    if found is None:
        return None
    return _at(found, found.start), _at(found, found.end)


def excerpt(
    ring: Ring, begin: datetime, end: datetime, *, stretch: int | None = None
) -> Excerpt | None:
    """Of that stretch, or of the newest one that has pictures of then."""
    newest = ring.stretch
    wanted = range(newest, max(0, newest - _STRETCHES), -1) if stretch is None else (stretch,)
    for number in wanted:
        known = ring.between(0.0, float("inf"), number)
        if known is not None and _at(known, known.start) < end:
            zero = known.started_at
            return ring.between(
                max(0.0, (begin - zero).total_seconds()), (end - zero).total_seconds(), number
            )
    return None


def keep_event(ring: Ring, wanted: Wanted, camera: Camera) -> bool:
    """Whether there is a clip, which waits for the storage then; if not, the event says why.

    Raises what `waiting_clips.keep` does.
    """
    if not live_events.is_there(wanted.event):  # asked first, as the rest is work
        return False
    told = wanted.told
    found = excerpt(ring, wanted.begin, wanted.end, stretch=wanted.stretch)
    if found is None:
        live_events.say_no_clip(wanted.event, live_events.NO_PICTURES)
        return False
    first = _at(found, found.start)
    if first > told.at(told.hint.candidate.start) + _SLACK:
        live_events.say_no_clip(wanted.event, live_events.TOO_LATE)
        return False
    try:
        with _file(found) as path:
            return waiting_clips.keep(
                wanted.event,
                told,
                Cut(path=path, camera=camera, origin=Origin.EVENT, recorded_at=first),
                start=(first - told.began).total_seconds(),
                length=found.end - found.start,
            )
    except RemuxError as error:
        live_events.say_no_clip(wanted.event, str(error))
    except OSError as error:
        logger.exception("the clip of live event %s could not be cut", wanted.event.pk)
        live_events.say_no_clip(wanted.event, waiting_clips.why_not_written(error))
    return False


def keep_sample(ring: Ring, moment: datetime, camera: Camera, *, model: str) -> bool:
    """Ten ordinary seconds, if they can be kept."""
    found = excerpt(ring, moment, moment + timedelta(seconds=LENGTH))
    if found is None or _at(found, found.start) > moment:
        return False
    try:
        with _file(found) as path:
            first = _at(found, found.start)
            cut = Cut(path=path, camera=camera, origin=Origin.SAMPLE, recorded_at=first)
            live_clips.keep_sample(cut, model=model)
    except (Refused, RemuxError, OSError) as error:
        logger.warning("an ordinary clip of camera %d could not be kept: %s", camera.pk, error)
        return False
    return True


@contextmanager
def _file(found: Excerpt) -> Iterator[Path]:
    """On the disk of the storage, which moves it."""
    with TemporaryDirectory(prefix="live-", dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        path = Path(folder) / f"clip{remuxing.suffix(found.facts)}"
        remuxing.write(found, path)
        yield path


def _at(found: Excerpt, seconds: float) -> datetime:
    return found.started_at + timedelta(seconds=seconds)
