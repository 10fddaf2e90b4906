"""The events of live cameras: opened while they happen, then closed, each with its clip."""

from __future__ import annotations

import logging
import uuid
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, transaction

from video_classifier.models import Camera, LiveEvent
from video_classifier.services import alerts, database, evidence, files, live_clips, live_hints
from video_classifier.services.errors import Refused
from video_classifier.services.live_clips import Cut
from video_classifier.services.live_hints import Hint, Yardstick
from video_classifier.services.thresholds import Thresholds
from video_classifier.states import Closing

logger = logging.getLogger(__name__)

QUALITY = 85  # of the still
BROKE = "Something broke on our side while the clip was made; the server's log says what."
TOO_LATE = (
    "The beginning of the event was no longer in memory when it ended. Give the camera a lower "
    "bit rate, or a keyframe every 2 seconds."
)
NO_PICTURES = "The camera's pictures were no longer in memory when the event ended."
BEING_MADE = "Its clip is being made."
KEEP = timedelta(days=30)  # of an event without a clip, as of the hours of cameras
ABANDONED = "The watcher ended before the clip was made, and with it the pictures in its memory."


class CameraGoneError(Exception):
    """The camera was deleted while it was watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is written of an event."""

    camera: int
    hint: Hint
    until: float  # the end of its last window so far, in seconds of the stretch
    began: datetime  # aware: the first picture of the stretch
    yardstick: Yardstick
    judged_by: Thresholds

    def at(self, seconds: float) -> datetime:
        return self.began + timedelta(seconds=seconds)

    @property
    def is_hint(self) -> bool:
        return self.hint.score >= self.judged_by.high

    @property
    def fields(self) -> dict[str, object]:
        candidate, box = self.hint.candidate, self.hint.box
        return {
            "started_at": self.at(candidate.start),
            "ended_at": self.at(max(self.until, candidate.end)),
            "peak_at": self.at(candidate.peak),
            "score": candidate.score,
            "is_hint": self.is_hint,
            "box": [round(side, 4) for side in astuple(box)] if box else [],
        }


def open_one(told: Told) -> LiveEvent:
    """Raises CameraGoneError."""
    event = LiveEvent(
        camera_id=told.camera,
        opened_at=database.now(),
        model=told.yardstick.model,
        model_sha256=told.yardstick.model_sha256,
        threshold=told.judged_by.high,
        low=told.judged_by.low,
        **told.fields,
    )
    event.still = _picture(told.hint)  # before the row, so that who hears of it can see it
    with files.going_with_rows(event.still):
        _hold(told.camera)
        event.save(force_insert=True)
        alerts.beside(alerts.of_live_event, event)
    return event


def update(event: LiveEvent, told: Told, *, is_better: bool) -> None:
    """Another window; `is_better` says that the score has risen: then another picture shows it.

    What was uncertain may have become a hint, which is told as one that opens is.
    """
    fields = told.fields
    old = event.still
    if is_better:
        fields["still"] = _picture(told.hint)
    with transaction.atomic():
        rows = LiveEvent.objects.open().filter(pk=event.pk)
        is_there = bool(rows.update(**fields))
        if is_there and told.is_hint and not event.is_hint:
            alerts.beside(alerts.of_live_event, rows.get())
    if not is_there:  # deleted meanwhile
        files.discard([str(fields.get("still", ""))])
        return
    event.is_hint = told.is_hint
    if is_better:
        event.still = str(fields["still"])
        files.discard([old])


def close(event: LiveEvent, told: Told, why: Closing) -> bool:
    """False if it is closed already, or gone."""
    rows = LiveEvent.objects.open().filter(pk=event.pk)
    closed = {"closed_at": database.now(), "closing": why, "no_clip": BEING_MADE}
    return bool(rows.update(**closed, **told.fields))


def is_there(event: LiveEvent) -> bool:
    """Or was deleted."""
    return LiveEvent.objects.filter(pk=event.pk).exists()


def keep_clip(  # noqa: PLR0913
    event: LiveEvent, told: Told, cut: Cut, *, start: float, length: float, worker: str
) -> bool:
    """Makes the clip of a closed event of the file, which begins at that second of the stretch.

    If it can't be made, the event says why. Raises OperationalError and InterfaceError where the
    database is busy or away, and the same may be tried again.
    """
    if not is_there(event):
        return False
    try:
        outcome = live_hints.outcome(told.hint, told.yardstick, start=start, length=length)
        live_clips.keep_event(
            cut,
            outcome,
            event=event,
            model=told.yardstick.model,
            judged_by=told.judged_by,
            worker=worker,
        )
    except Refused as refusal:
        say_no_clip(event, str(refusal))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("the clip of live event %s could not be made", event.pk)
        say_no_clip(event, BROKE)
    else:
        return True
    return False


def say_no_clip(event: LiveEvent, why: str) -> None:
    LiveEvent.objects.filter(pk=event.pk).update(no_clip=why)


def close_abandoned(camera: int) -> int:
    """Ends what an earlier watcher of the camera left open, or without its clip; says how many."""
    of_it = LiveEvent.objects.filter(camera=camera)
    cut_off = of_it.filter(no_clip=BEING_MADE, clip=None).update(no_clip=ABANDONED)
    left = of_it.open()
    return cut_off + left.update(
        closed_at=database.now(), closing=Closing.CUT_OFF, no_clip=ABANDONED
    )


def purge(*, now: datetime) -> int:
    """Deletes closed events that have no clip and are too long ago, and so their pictures."""
    return LiveEvent.objects.filter(clip=None, closed_at__lt=now - KEEP).delete()[0]


def _hold(camera: int) -> None:
    """Until the transaction ends. Raises CameraGoneError."""
    if not Camera.objects.select_for_update(no_key=True).filter(pk=camera).exists():
        raise CameraGoneError


def _picture(hint: Hint) -> str:
    """The name in storage of the picture that shows it; "" if it can't be kept."""
    if hint.shown.preview is None:
        return ""
    content = evidence.jpeg(hint.shown.preview, QUALITY)
    wanted = f"{files.LIVE}/{uuid.uuid4()}.jpg"
    try:
        return default_storage.save(wanted, ContentFile(content))
    except OSError:  # a full disk; the event is told all the same
        logger.warning("the picture of a live event could not be kept", exc_info=True)
        return ""
