"""Looks for what is wrong with the site itself: cameras that give no pictures, a disk that is full.

Each process that sends alerts looks; that one of them tells it is seen to by services.alerts.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import OuterRef, Subquery

from video_classifier.models import Alert, Feed
from video_classifier.querysets import FeedQuerySet
from video_classifier.services import alerts, database, disk, feeds
from video_classifier.services.jobs import Pace
from video_classifier.states import AlertKind, FeedState

LOOK_SECONDS = 15.0
SILENT = timedelta(minutes=5)  # without pictures, after which a camera is offline
FRESH = timedelta(seconds=30)  # the age of a picture of a camera that is back
LOST = timedelta(minutes=1)  # between two looks: the machine slept, and the cameras' watcher, too


class Lookout:
    """Remembers since when cameras are to give pictures.

    A camera that was just enabled, or whose hours just began, has given none for a long time.
    """

    def __init__(self) -> None:
        self._is_due = Pace(LOOK_SECONDS)
        self._wanted_since: dict[int, datetime] = {}
        self._looked_at: datetime | None = None

    def look_if_due(self) -> None:
        if self._is_due():
            self.look()

    def look(self) -> None:
        now = database.now()
        if self._looked_at is None or now - self._looked_at > LOST:
            self._wanted_since.clear()
        self._looked_at = now
        watched = [each for each in _watched() if feeds.is_open_at(each, now)]
        since = self._wanted_since
        self._wanted_since = {each.pk: since.get(each.pk, now) for each in watched}
        for each in watched:
            self._look_at(each, now)
        if disk.is_nearly_full() or (watched and disk.is_low()):
            alerts.of_disk(disk.free())

    def _look_at(self, feed: Feed, now: datetime) -> None:
        wanted: datetime = self._wanted_since[feed.pk]
        silent_since = max(wanted, feed.last_picture_at or wanted)
        told: str | None = feed.told  # type: ignore[attr-defined]  # by `_watched`
        if told == AlertKind.OFFLINE:
            if _is_back(feed, now):
                alerts.of_camera(feed, AlertKind.BACK, now)
        elif now - silent_since >= SILENT:
            alerts.of_camera(feed, AlertKind.OFFLINE, silent_since, details={"fault": feed.fault})


def _watched() -> FeedQuerySet:
    """Those that are to give pictures, with what was told of them last."""
    kinds = (AlertKind.OFFLINE, AlertKind.BACK)
    told = Alert.objects.filter(camera=OuterRef("pk"), kind__in=kinds).order_by("-created_at")
    found = Feed.objects.enabled().filter(alerts=True).select_related("camera__store")
    return found.annotate(told=Subquery(told.values("kind")[:1]))


def _is_back(feed: Feed, now: datetime) -> bool:
    last: datetime | None = feed.last_picture_at
    return feed.state == FeedState.ONLINE and last is not None and now - last <= FRESH
