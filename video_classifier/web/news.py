"""Presenters of alerts on the site: new hints in words, and where the link to an alert leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import dateformat

from video_classifier.models import Alert, Analysis, Clip, Feed
from video_classifier.querysets import Visitor
from video_classifier.services import news
from video_classifier.states import AlertKind
from video_classifier.web.live_cameras import results_of
from video_classifier.web.results import ScoreReading, reading
from video_classifier.web.times import ClockTime

MOST = 99  # hints that are listed and counted
NOTHING = "none"  # the mark of no news


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A hint as the bar and the list show it."""

    alert: Alert  # with its store, camera and the clip of its analysis
    now: datetime

    @property
    def place(self) -> str:
        """Where it was seen: the camera, otherwise the recording or the store."""
        if self.alert.camera is not None:
            return self.alert.camera.name
        if self.alert.analysis is not None:
            return self.alert.analysis.clip.name
        return self.store

    @property
    def store(self) -> str:
        return str(self.alert.store or "")

    @property
    def is_live(self) -> bool:
        return self.alert.kind == AlertKind.LIVE

    @property
    def at(self) -> ClockTime:
        """By the clock of the store."""
        zone = self.alert.store.time_zone if self.alert.store else settings.TIME_ZONE
        return ClockTime(at=self.alert.happened_at.astimezone(ZoneInfo(zone)))

    @property
    def clock(self) -> str:
        """The same, of today without the day."""
        local = self.at.at
        is_today = local.date() == self.now.astimezone(local.tzinfo).date()
        return dateformat.format(local, "H:i:s T") if is_today else str(self.at)

    @property
    def reading(self) -> ScoreReading | None:
        return reading(self.alert.score, self.alert.threshold)

    @property
    def address(self) -> str:
        return reverse("web:alert", args=[self.alert.pk])


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """The new hints of a user, the newest first."""

    hints: Sequence[Hint]
    has_more: bool = False

    @classmethod
    def of(cls, user: User, *, now: datetime) -> News:
        """By one query."""
        rows = news.unread(user, now=now).select_related("store", "camera", "analysis__clip")
        found = [Hint(alert=alert, now=now) for alert in rows[: MOST + 1]]
        return cls(hints=found[:MOST], has_more=len(found) > MOST)

    @property
    def newest(self) -> Hint | None:
        return self.hints[0] if self.hints else None

    @property
    def count(self) -> str:
        """ "1 new hint", "12 new hints", "More than 99 new hints"."""
        number = len(self.hints)
        words = f"{number} new hint{'s' if number != 1 else ''}"
        return f"More than {words}" if self.has_more else words

    @property
    def sentence(self) -> str:
        """What a screen reader says, and a notification."""
        if self.newest is None:
            return "No new hints."
        newest = f"{self.newest.place}, {self.newest.clock}"
        if len(self.hints) == 1:
            return f"Possible shoplifting: {newest}."
        return f"Possible shoplifting: {newest}. {self.count}."

    @property
    def mark(self) -> str:
        """Differs where the bar does."""
        if self.newest is None:
            return NOTHING
        return f"{self.newest.alert.pk.hex}-{len(self.hints)}"

    @property
    def until(self) -> str:
        """What dismissing them sends."""
        return self.newest.alert.created_at.isoformat() if self.newest else ""

    @property
    def microseconds(self) -> int:
        """When the newest became known, for scripts that tell each hint once."""
        return round(self.newest.alert.created_at.timestamp() * 1e6) if self.newest else 0


def trashed_clip(alert: Alert, user: Visitor) -> Clip | None:
    """The clip of what it tells of, if that is in the trash."""
    clip = _clip_of(alert)
    if clip is None:
        return None
    return Clip.objects.visible_to(user).in_trash().filter(pk=clip.pk).first()


def address_of(alert: Alert, user: Visitor) -> str:
    """The page that shows what the alert tells of; "" where that is deleted."""
    if alert.kind == AlertKind.DISK:
        return reverse("web:trash")  # deleting makes room
    if alert.kind == AlertKind.TEST:
        return reverse("web:news")
    if alert.kind == AlertKind.RECORDING:
        return _of_recording(alert.analysis)
    results = results_of(user, [alert.live_event]) if alert.live_event else {}
    return next(iter(results.values()), "") or _of_camera(alert, user)


def _clip_of(alert: Alert) -> Clip | None:
    if alert.analysis is not None:
        return alert.analysis.clip
    return alert.live_event.clip if alert.live_event is not None else None


def _of_recording(analysis: Analysis | None) -> str:
    """The strongest event's page."""
    if analysis is None:
        return ""
    strongest = analysis.events.strongest_first().values_list("number", flat=True).first()
    if strongest is None:
        return reverse("web:result", args=[analysis.pk])
    return reverse("web:event", args=[analysis.pk, strongest])


def _of_camera(alert: Alert, user: Visitor) -> str:
    """Its page lists the event until there is a clip, and says why there is none."""
    is_there = Feed.objects.visible_to(user).filter(pk=alert.camera_id).exists()
    return reverse("web:camera", args=[alert.camera_id]) if is_there else ""
