"""Acts for a test: staff act a theft at a known time, so that what is noticed can be counted."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction
from django.utils import timezone

from video_classifier.models import Camera, PlantedAct
from video_classifier.services import audit
from video_classifier.services.errors import Refused
from video_classifier.states import Action

LONGEST = 600.0  # seconds
USUAL = 30
MOST_NOTE = 200
UNDO_WITHIN = timedelta(hours=1)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # no clock was meant
SLACK = timedelta(seconds=30)  # an act is noted by a watch, not by the camera's clock

WRONG_LENGTH = f"Say how long it took: 1 to {LONGEST:.0f} seconds."
IN_THE_FUTURE = "This time is still to come. Note an act when it is over."
LONG_AGO = "This time is too long ago. Check the year."
LONG_NOTE = f"A note may have {MOST_NOTE} characters. Shorten it; nothing is saved."
NOTED = "An act is noted at that time already. Delete it first if it is wrong."
GONE = "This act is no longer there: somebody has deleted it meanwhile."
TOO_LATE = "It is too late to undo this. Note the act again."

_SALT = "planted act"


def plant(
    camera: Camera, start: datetime, by: User | None, *, seconds: float = USUAL, note: str = ""
) -> PlantedAct:
    """Notes that staff acted a theft. Raises Refused."""
    note = " ".join(note.split())
    if not (math.isfinite(seconds) and 1 <= seconds <= LONGEST):
        raise Refused(WRONG_LENGTH)
    if start > timezone.now():
        raise Refused(IN_THE_FUTURE)
    if start < EARLIEST:
        raise Refused(LONG_AGO)
    if len(note) > MOST_NOTE:
        raise Refused(LONG_NOTE)
    end = start + timedelta(seconds=seconds)
    with transaction.atomic():
        # Who noted the same act at the same moment comes first or after.
        Camera.objects.select_for_update(no_key=True).get(pk=camera.pk)
        of_camera = PlantedAct.objects.filter(camera=camera)
        if of_camera.filter(started_at__lt=end, ended_at__gt=start).exists():
            raise Refused(NOTED)
        act = PlantedAct.objects.create(
            camera=camera, started_at=start, ended_at=end, note=note, noted_by=by
        )
        _note(Action.ACT_PLANTED, act, by)
    return act


def remove(act: PlantedAct, by: User) -> str:
    """Deletes it; returns what `restore` takes to undo that. Raises Refused."""
    with transaction.atomic():
        if not PlantedAct.objects.filter(pk=act.pk).delete()[0]:
            raise Refused(GONE)
        _note(Action.ACT_REMOVED, act, by)
    seconds = (act.ended_at - act.started_at).total_seconds()
    kept = [act.camera_id, act.started_at.isoformat(), seconds, act.note]
    return signing.dumps(kept, salt=_SALT, compress=True)


def restore(camera: Camera, token: str, by: User) -> PlantedAct:
    """What `remove` deleted, if that was of this camera and not long ago. Raises Refused."""
    try:
        kept = signing.loads(token, salt=_SALT, max_age=UNDO_WITHIN)
    except signing.BadSignature:
        raise Refused(TOO_LATE) from None
    of_camera, start, seconds, note = kept
    if of_camera != camera.pk:
        raise Refused(TOO_LATE)
    return plant(camera, datetime.fromisoformat(start), by, seconds=seconds, note=note)


def by_camera(acts: Iterable[PlantedAct]) -> defaultdict[int | None, list[PlantedAct]]:
    found = defaultdict[int | None, list[PlantedAct]](list)
    for act in acts:
        found[act.camera_id].append(act)
    return found


def meets(acts: Iterable[PlantedAct], start: datetime, end: datetime) -> PlantedAct | None:
    """The act that is about when something was seen; None if there is none."""
    return next((act for act in acts if is_near(act, start, end)), None)


def is_acted(
    acts: Iterable[PlantedAct], recorded_at: datetime | None, start: datetime, seconds: float
) -> bool:
    """Of an event; of footage whose time nobody knows, it isn't known and so not said."""
    if recorded_at is None:
        return False
    return meets(acts, start, start + timedelta(seconds=seconds)) is not None


def is_near(act: PlantedAct, start: datetime, end: datetime) -> bool:
    began: datetime = act.started_at
    return start <= act.ended_at + SLACK and end >= began - SLACK


def _note(action: Action, act: PlantedAct, by: User | None) -> None:
    at = act.started_at.isoformat(timespec="seconds")
    audit.record(action, by, audit.CAMERA, act.camera_id, store=act.camera.store_id, at=at)
