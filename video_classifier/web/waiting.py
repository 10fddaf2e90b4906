"""Presenters of what waits in the review queue: an event a row, which leads to the desk."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists
from django.utils.functional import cached_property

from video_classifier.models import Event
from video_classifier.querysets import EventQuerySet, Visitor
from video_classifier.services import evidence, review_queue
from video_classifier.services.evidence import Still
from video_classifier.states import Turn
from video_classifier.web.results import ScoreReading, reading
from video_classifier.web.review import EVENT, address
from video_classifier.web.times import ClockTime, clock_time


def events(user: Visitor) -> EventQuerySet:
    """With all that a row shows of them, and nothing else that takes room."""
    found = Event.objects.visible_to(user).select_related(
        "analysis__clip__store", "analysis__clip__camera", "segment", "track__segment"
    )
    unseen = ("windows", "warnings", "shadows")
    return found.defer(
        *(f"analysis__{name}" for name in ("windows", "warnings", "frame_times")),
        *(f"segment__{name}" for name in unseen),
        *(f"track__segment__{name}" for name in (*unseen, "frame_times")),
        *(f"track__{name}" for name in ("times", "boxes", "windows")),
        "analysis__clip__segment_spans",
    ).annotate(is_taken=Exists(review_queue.visits_of_others(user)))


@dataclass(frozen=True, kw_only=True)  # not slotted: what is worked out once is kept beside
class Row:
    event: Event
    query: str = ""  # the filters, as a part of an address

    @cached_property
    def still(self) -> Still | None:
        return evidence.still_of(self.event)

    @property
    def desk(self) -> str:
        """Its address, where it opens with this event."""
        return address(self.query, **{EVENT: str(self.event.pk)})

    @property
    def at(self) -> ClockTime | None:
        return clock_time(self.event.analysis.clip, self.event.start)

    @property
    def reading(self) -> ScoreReading | None:
        analysis = self.event.analysis
        return reading(self.event.score, analysis.threshold, analysis.low)

    @property
    def is_second(self) -> bool:
        return self.event.waits_for == Turn.SECOND
