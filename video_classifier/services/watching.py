"""Live cameras and their watchers: who holds which, how each fares, and how it fared by the hour.

Only here are a feed's state and hours written. What managers choose of it is services.feeds'.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from video_classifier.models import Feed, FeedHour
from video_classifier.services import database
from video_classifier.states import Fault, FeedState

LEASE = timedelta(seconds=20)  # without a heartbeat, after which another watcher takes a camera
HEARTBEAT_SECONDS = 4.0
WRITE_SECONDS = 1.0  # at the least, from write to write of a camera's state
PICTURE_SECONDS = 5.0  # from write to write of that there still are pictures
KEEP_HOURS = timedelta(days=30)

_OFF: dict[str, object] = {
    "state": FeedState.OFF,
    "fault": "",
    "score": None,
    "stride": None,
    "frame_rate": None,
}
_FREE: dict[str, object] = {"worker": "", "heartbeat_at": None, **_OFF}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a camera fares, as its row says it."""

    state: FeedState
    fault: Fault | None = None
    codec: str = ""
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None  # rounded: what changes by little isn't written
    stride: float | None = None
    score: float | None = None
    last_picture_at: datetime | None = None

    @property
    def fields(self) -> dict[str, object]:
        found = asdict(self) | {"fault": self.fault or ""}
        for known in ("codec", "width", "height", "last_picture_at"):
            if not found[known]:  # what was known of the camera stays known
                del found[known]
        return found


@dataclass(slots=True, kw_only=True)
class Tally:
    """What has happened since the hours were last written."""

    seconds_online: float = 0.0
    seconds_faulty: dict[str, float] = field(default_factory=dict)  # by the fault
    reconnects: int = 0
    scorings: int = 0
    seconds_scored: float = 0.0  # of pictures; services.candidate_scores keeps them
    longest_stride: float = 0.0
    events: int = 0


def claim(*, worker: str, most: int, wanted: Callable[[Feed], bool] = lambda _: True) -> list[int]:
    """Takes cameras that are to be watched and that nobody alive watches; says which.

    Of watchers that see the same row, the database lets one UPDATE find it free.
    """
    if most <= 0:
        return []
    now = database.now()
    free = Feed.objects.enabled().free(now=now, lease=LEASE)
    found = filter(wanted, free.select_related("camera__store").order_by("pk"))
    taken = (
        feed.pk
        for feed in found
        if free.filter(pk=feed.pk).update(**_FREE | {"worker": worker, "heartbeat_at": now})
    )
    return list(islice(taken, most))


def beat(*, worker: str) -> None:
    Feed.objects.held_by(worker).update(heartbeat_at=database.now())


def held(*, worker: str) -> list[Feed]:
    """The cameras of a watcher that are still to be watched, with their stores.

    Not those that others have taken, that were disabled or that are gone.
    """
    found = Feed.objects.enabled().held_by(worker).select_related("camera__store")
    return list(found.order_by("pk"))


def release(*, worker: str, but: Collection[int] = ()) -> int:
    """Hands all cameras back but some; says how many."""
    others = Feed.objects.held_by(worker).exclude(pk__in=but)
    if not others.exists():  # the usual case writes nothing
        return 0
    return others.update(**_FREE, since=database.now())


def turn_off_abandoned() -> int:
    """Those whose watcher died are off, as nobody knows how they fare; says how many."""
    dead = Feed.objects.abandoned(now=database.now(), lease=LEASE)
    return dead.update(**_FREE, since=database.now())


class Reports:
    """Writes how the cameras of a watcher fare: what has changed, and seldom enough."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._written: dict[int, tuple[Report, float]] = {}  # and when, by the monotonic clock

    def write(self, camera: int, report: Report) -> bool:
        """Whether the row is still this watcher's; without a write it isn't asked."""
        now = time.monotonic()
        before, at = self._written.get(camera, (None, float("-inf")))
        if not self._is_due(before, report, now - at):
            return True
        changes = report.fields
        if before is None or (before.state, before.fault) != (report.state, report.fault):
            changes["since"] = database.now()
        if not Feed.objects.held_by(self._worker).filter(pk=camera).update(**changes):
            return False
        self._written[camera] = report, now
        return True

    def forget(self, camera: int) -> None:
        self._written.pop(camera, None)

    @staticmethod
    def _is_due(before: Report | None, report: Report, seconds: float) -> bool:
        if before is None:
            return True
        if seconds < WRITE_SECONDS or before == report:
            return False
        without_pictures = [{**each.fields, "last_picture_at": None} for each in (before, report)]
        return without_pictures[0] != without_pictures[1] or seconds >= PICTURE_SECONDS


def count(camera: int, tally: Tally, *, at: datetime) -> None:
    """Adds to the hour in which `at` is. A camera that is gone has none any more."""
    start = at.replace(minute=0, second=0, microsecond=0)
    with transaction.atomic():
        if not Feed.objects.select_for_update(no_key=True).filter(pk=camera).first():
            return
        hour, _ = FeedHour.objects.get_or_create(camera_id=camera, start=start)
        faulty = _added(hour.seconds_faulty, tally.seconds_faulty)
        FeedHour.objects.filter(pk=hour.pk).update(
            seconds_online=F("seconds_online") + tally.seconds_online,
            seconds_faulty=faulty,
            reconnects=F("reconnects") + tally.reconnects,
            scorings=F("scorings") + tally.scorings,
            longest_stride=Greatest(F("longest_stride"), tally.longest_stride),
            events=F("events") + tally.events,
        )


def _added(before: dict[str, float], more: dict[str, float]) -> dict[str, float]:
    return {
        fault: round(before.get(fault, 0.0) + more.get(fault, 0.0), 1)
        for fault in sorted({*before, *more})
    }


def purge_hours() -> int:
    """Deletes hours that are too long ago; says how many."""
    return FeedHour.objects.filter(start__lt=database.now() - KEEP_HOURS).delete()[0]


def is_wanted() -> bool:
    """Whether a watcher has anything to watch."""
    return Feed.objects.enabled().exists()
