"""The events of live cameras: opened while they happen, then closed, each with its clip."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from django.db import transaction

from video_classifier.models import Camera, LiveEvent
from video_classifier.services import alerts, database, files, live_stills
from video_classifier.services.live_hints import Hint, Yardstick
from video_classifier.services.live_stills import stills
from video_classifier.services.thresholds import Thresholds
from video_classifier.states import Closing

BROKE = "Something broke on our side while the clip was made; the server's log says what."
TOO_LATE = (
    "The beginning of the event was no longer in memory when it ended. Give the camera a lower "
    "bit rate, or a keyframe every 2 seconds."
)
NO_PICTURES = "The camera's pictures were no longer in memory when the event ended."
BEING_MADE = "Its clip is being made."
ON_ITS_WAY = (
    "Its clip is on its way: it is kept on the machine that watches the camera, and appears here "
    "by itself as soon as the storage has it."
)
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
    # Before the row, so that who hears of it can see it.
    event.still = stills.store(live_stills.made(told.hint))
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
        fields["still"] = stills.store(live_stills.made(told.hint))
    with transaction.atomic():
        rows = LiveEvent.objects.open().filter(pk=event.pk)
        is_there = bool(rows.update(**fields))
        if is_there and told.is_hint and not event.is_hint:
            alerts.beside(alerts.of_live_event, rows.get())
    if not is_there:  # deleted meanwhile
        stills.discard([str(fields.get("still", ""))])
        return
    event.is_hint = told.is_hint
    if is_better:
        event.still = str(fields["still"])
        stills.discard([old])


def close(event: LiveEvent, told: Told, why: Closing) -> bool:
    """False if it is closed already, or gone."""
    rows = LiveEvent.objects.open().filter(pk=event.pk)
    closed = {"closed_at": database.now(), "closing": why, "no_clip": BEING_MADE}
    return bool(rows.update(**closed, **told.fields))


def is_there(event: LiveEvent) -> bool:
    """Or was deleted."""
    return LiveEvent.objects.filter(pk=event.pk).exists()


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
