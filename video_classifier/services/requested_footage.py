"""What there is of a camera from one moment to another, for who was in front of it then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from video_classifier.models import (
    Alert,
    Camera,
    CandidateScore,
    Clip,
    LiveEvent,
    PlantedAct,
    ScoredTime,
)
from video_classifier.querysets import (
    HINTS,
    AlertQuerySet,
    CandidateScoreQuerySet,
    ClipQuerySet,
    LiveEventQuerySet,
    PlantedActQuerySet,
)
from video_classifier.services.errors import Refused

BACKWARDS = "The end has to be after the beginning."
TO_COME = "The end lies ahead. Wait until it is over: what is recorded until then belongs to it."


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedFootage:
    """From `start` until `end`, in front of a camera. Raises Refused if that is no time gone by."""

    camera: Camera
    start: datetime  # aware
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise Refused(BACKWARDS)
        if self.end > timezone.now():
            raise Refused(TO_COME)

    def overlap(self, start: datetime, end: datetime) -> float:
        """Seconds that it shares with another."""
        return max(0.0, (min(self.end, end) - max(self.start, start)).total_seconds())


def clips(asked: RequestedFootage) -> ClipQuerySet:
    """Those that show any of it, in the trash or not."""
    of_camera = Clip.objects.filter(camera=asked.camera)
    began = of_camera.filter(recorded_at__lt=asked.end)
    rows = began.values_list("pk", "recorded_at", "duration").order_by()
    # Their lengths differ, and databases add seconds to a moment each in its own way.
    found = [
        key
        for key, at, seconds in rows.iterator()
        if at and (at >= asked.start or (asked.start - at).total_seconds() < seconds)
    ]
    live = LiveEvent.objects.filter(_overlaps(asked), camera=asked.camera)
    return of_camera.filter(Q(pk__in=found) | Q(live_event__in=live)).order_by("recorded_at", "pk")


def clips_of_unknown_time(asked: RequestedFootage) -> ClipQuerySet:
    """Those that may show it, as they were uploaded after it began."""
    unknown = Clip.objects.filter(camera=asked.camera, recorded_at=None)
    return unknown.filter(uploaded_at__gte=asked.start).order_by("uploaded_at", "pk")


def live_events(asked: RequestedFootage) -> LiveEventQuerySet:
    return LiveEvent.objects.filter(_overlaps(asked), camera=asked.camera)


def candidates(asked: RequestedFootage) -> CandidateScoreQuerySet:
    """Of recordings that are there or deleted, and of what was watched live."""
    return CandidateScore.objects.filter(_overlaps(asked), camera=asked.camera)


def acts(asked: RequestedFootage) -> PlantedActQuerySet:
    return PlantedAct.objects.filter(_overlaps(asked), camera=asked.camera)


def alerts(asked: RequestedFootage) -> AlertQuerySet:
    """Those about people, and not about faults."""
    return Alert.objects.filter(
        camera=asked.camera,
        kind__in=HINTS,
        happened_at__gte=asked.start,
        happened_at__lt=asked.end,
    )


def scored_times(asked: RequestedFootage) -> list[tuple[ScoredTime, float]]:
    """With the seconds of each that may lie in it."""
    began = ScoredTime.objects.filter(camera=asked.camera, start__lt=asked.end)
    found = (
        (row, min(row.seconds, asked.overlap(row.start, _end(row))))
        for row in began.order_by("pk").iterator()
    )
    return [(row, seconds) for row, seconds in found if seconds > 0]


def _end(row: ScoredTime) -> datetime:
    """Of an hour nobody knows which part was watched."""
    began: datetime = row.start
    return began + (timedelta(hours=1) if row.is_live else timedelta(seconds=row.seconds))


def _overlaps(asked: RequestedFootage) -> Q:
    return Q(started_at__lt=asked.end, ended_at__gte=asked.start)
