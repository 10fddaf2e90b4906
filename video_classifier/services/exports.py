"""The history, and the events in it, as tables: which columns there are and what stands in them.

docs/exports.md says what each column means.
"""

from __future__ import annotations

import zoneinfo
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Aggregate, Count, Max, Min, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.functional import cached_property

from video_classifier.models import Analysis, Clip, Event
from video_classifier.querysets import TO_BE_LOOKED_AT, AnalysisQuerySet
from video_classifier.services import confidence
from video_classifier.services.confidence import Share
from video_classifier.services.spreadsheets import Cell, Table
from video_classifier.states import Prediction, Status, View

AT_ONCE = 500  # analyses in memory, if the keys come so
WITH_EVENTS_AT_ONCE = 50  # analyses whose events are in memory: a long recording has hundreds

Keys = Iterable[Sequence[UUID]]  # of analyses, some at a time
Link = Callable[[str], str]  # makes an address of a path on this site
Item = TypeVar("Item")


@dataclass(frozen=True)
class _Line:
    """An analysis, and what several columns need of it."""

    analysis: Any  # an Analysis, with what `_with_events` adds

    @property
    def clip(self) -> Clip:
        clip: Clip = self.analysis.clip
        return clip

    @cached_property
    def share(self) -> Share | None:
        return confidence.of(self.analysis)

    def end(self, name: str) -> Cell:
        return None if self.share is None else round(float(getattr(self.share, name)), 4)

    def meaning(self) -> str:
        is_hint = self.analysis.prediction == Prediction.HINT
        return "" if self.share is None else confidence.sentence(self.share, hint=is_hint)

    def moment(self, when: datetime | None) -> str:
        return moment(when, self.clip)

    def events(self) -> Cell:
        """None where nobody knows: results of old versions are kept without their events."""
        known = self.analysis.event_count > 0 or self.analysis.prediction != Prediction.HINT
        return self.analysis.event_count if known and self.analysis.status == Status.DONE else None


ANALYSES: dict[str, Callable[[_Line], Cell]] = {
    "analysis": lambda line: str(line.analysis.pk),
    "clip": lambda line: line.clip.name,
    "store": lambda line: line.clip.store.name,
    "camera": lambda line: _camera(line.clip),
    "sha256": lambda line: line.clip.sha256,
    "size_bytes": lambda line: line.clip.size_bytes,
    "container": lambda line: line.clip.container,
    "codec": lambda line: line.clip.codec,
    "width": lambda line: line.clip.width,
    "height": lambda line: line.clip.height,
    "frame_rate": lambda line: line.clip.frame_rate,
    "duration_s": lambda line: line.clip.duration,
    "recorded_at": lambda line: line.moment(line.clip.recorded_at),
    "recorded_from": lambda line: line.clip.recorded_from,
    "uploaded_by": lambda line: _name(line.clip.uploaded_by),
    "uploaded_at": lambda line: line.moment(line.clip.uploaded_at),
    "requested_by": lambda line: _name(line.analysis.requested_by),
    "queued_at": lambda line: line.moment(line.analysis.queued_at),
    "finished_at": lambda line: line.moment(line.analysis.finished_at),
    "status": lambda line: line.analysis.status,
    "prediction": lambda line: line.analysis.get_prediction_display(),
    "reason": lambda line: line.analysis.reason,
    "events": _Line.events,
    "strongest_event": lambda line: line.analysis.strongest_event,
    "first_event_s": lambda line: line.analysis.first_event,
    "confidence": lambda line: line.end("value"),
    "confidence_low": lambda line: line.end("low"),
    "confidence_high": lambda line: line.end("high"),
    "confidence_means": _Line.meaning,
    "score": lambda line: line.analysis.score,
    "threshold": lambda line: line.analysis.threshold,
    "low_threshold": lambda line: line.analysis.low,
    "threshold_origin": lambda line: (
        None if line.analysis.threshold is None else line.analysis.threshold_origin
    ),
    "model": lambda line: line.analysis.model,
    "model_sha256": lambda line: line.analysis.model_sha256,
    "detector_sha256": lambda line: line.analysis.detector_sha256,
    "view": lambda line: line.analysis.view,
    "tracks_found": lambda line: (
        line.analysis.tracks_found if line.analysis.view == View.PERSON else None
    ),
    "highest_score_track": lambda line: line.analysis.decided_by,
    "warnings": lambda line: " ".join(line.analysis.warnings),
    "error": lambda line: line.analysis.error,
    "seconds_reading": lambda line: line.analysis.seconds_reading,
    "seconds_finding": lambda line: line.analysis.seconds_finding,
    "seconds_classifying": lambda line: line.analysis.seconds_classifying,
}


class _EventRow(NamedTuple):
    """What of an event is exported, without what its track was."""

    analysis: Any
    number: int
    start: float
    end: float
    peak: float
    score: float
    is_hint: bool
    track: int | None


@dataclass(frozen=True)
class _EventLine:
    analysis: Analysis
    event: _EventRow
    link: Link

    @property
    def clip(self) -> Clip:
        return self.analysis.clip

    def at(self, seconds: float) -> str:
        return clock_time(seconds, self.clip)


EVENTS: dict[str, Callable[[_EventLine], Cell]] = {
    "analysis": lambda line: str(line.analysis.pk),
    "event": lambda line: line.event.number,
    "clip": lambda line: line.clip.name,
    "store": lambda line: line.clip.store.name,
    "camera": lambda line: _camera(line.clip),
    "sha256": lambda line: line.clip.sha256,
    "start_s": lambda line: line.event.start,
    "end_s": lambda line: line.event.end,
    "peak_s": lambda line: line.event.peak,
    "start_at": lambda line: line.at(line.event.start),
    "end_at": lambda line: line.at(line.event.end),
    "peak_at": lambda line: line.at(line.event.peak),
    "score": lambda line: line.event.score,
    "prediction": lambda line: prediction_of(line.event).label,
    "threshold": lambda line: line.analysis.threshold,
    "low_threshold": lambda line: line.analysis.low,
    "track": lambda line: line.event.track,
    "model": lambda line: line.analysis.model,
    "model_sha256": lambda line: line.analysis.model_sha256,
    "link": lambda line: line.link(path_of(line.analysis, line.event.number)),
}


def analyses_table(visible: AnalysisQuerySet, keys: Keys) -> Table:
    """One row an analysis, of those of the keys that are visible."""
    rows = _with_events(_listed(visible)).select_related("requested_by")
    return Table(
        name="analyses",
        head=tuple(ANALYSES),
        rows=([read(_Line(each)) for read in ANALYSES.values()] for each in _read(rows, keys)),
    )


def events_table(visible: AnalysisQuerySet, keys: Keys, *, link: Link) -> Table:
    """One row an event, in order of time, of the analyses of the keys that are visible."""
    lines = _event_lines(_read(_listed(visible), keys), link)
    return Table(
        name="events",
        head=tuple(EVENTS),
        rows=([read(line) for read in EVENTS.values()] for line in lines),
    )


def with_events(analyses: AnalysisQuerySet) -> AnalysisQuerySet:
    """Those that may have some."""
    return analyses.filter(prediction__in=TO_BE_LOOKED_AT)


def count_events(analyses: AnalysisQuerySet) -> int:
    return Event.objects.filter(analysis__in=with_events(analyses)).count()


def _read(rows: AnalysisQuerySet, keys: Keys) -> Iterator[Analysis]:
    """In the order of the keys, without those that are gone meanwhile."""
    for some in keys:
        found = rows.in_bulk(some)
        yield from (found[key] for key in some if key in found)


def _listed(analyses: AnalysisQuerySet) -> AnalysisQuerySet:
    """With what the columns read, and without what is long."""
    related = ("clip", "clip__store", "clip__camera", "clip__uploaded_by")
    long = ("windows", "frame_times", "clip__segment_spans")
    return analyses.select_related(*related).defer(*long)


def _with_events(analyses: AnalysisQuerySet) -> AnalysisQuerySet:
    events = Event.objects.filter(analysis=OuterRef("pk")).order_by().values("analysis")

    def one(figure: Aggregate) -> Subquery:
        return Subquery(events.annotate(figure=figure).values("figure"))

    return analyses.annotate(
        event_count=Coalesce(one(Count("pk")), 0),
        strongest_event=one(Max("score")),
        first_event=one(Min("start")),
    )


def _event_lines(analyses: Iterable[Analysis], link: Link) -> Iterator[_EventLine]:
    for some in _batches(analyses, WITH_EVENTS_AT_ONCE):
        of_analysis: defaultdict[Any, list[_EventRow]] = defaultdict(list)
        found = Event.objects.filter(analysis__in=some).order_by("analysis", "number")
        fields = (
            *("analysis", "number", "start", "end", "peak", "score", "is_hint"),
            "track__number",
        )
        for row in map(_EventRow._make, found.values_list(*fields)):
            of_analysis[row.analysis].append(row)
        for analysis in some:
            for event in of_analysis[analysis.pk]:
                yield _EventLine(analysis, event, link)


def _batches(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    left = iter(items)
    while some := list(islice(left, most)):
        yield some


def prediction_of(event: Event | _EventRow) -> Prediction:
    return Prediction.HINT if event.is_hint else Prediction.UNCERTAIN


def path_of(analysis: Analysis, number: int) -> str:
    """Of an event's own page."""
    return f"{analysis.get_absolute_url()}events/{number}/"


def clock_time(seconds: float, clip: Clip) -> str:
    """What the clock in the store said then; "" if nobody knows when the clip was recorded."""
    return moment(clip.moment_of(seconds), clip)


def moment(when: datetime | None, clip: Clip) -> str:
    """ISO 8601, in the time zone of the clip's store and with its offset; "" of None.

    Without the offset, the hour that comes twice when a clock is set back would be unclear.
    """
    if when is None:
        return ""
    return when.astimezone(zoneinfo.ZoneInfo(clip.store.time_zone)).isoformat(timespec="seconds")


def _camera(clip: Clip) -> str:
    return clip.camera.name if clip.camera else ""


def _name(user: User | None) -> str:
    return user.get_username() if user else ""
