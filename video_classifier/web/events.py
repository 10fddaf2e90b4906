"""The events of an analysis as pages list them: picture, time, score in words, what is beside."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.urls import reverse

from video_classifier.ml.contracts import EventCandidate
from video_classifier.models import Analysis, Event, Track
from video_classifier.querysets import Visitor
from video_classifier.services import evidence, second_opinions
from video_classifier.services.evidence import Still
from video_classifier.web.overlays import Drawn, Shown, box_of
from video_classifier.web.results import ScoreReading, reading
from video_classifier.web.times import ClockTime, clock_time, in_words

SORT = "sort"
PAGE = "page"
BY_SCORE, BY_TIME = "score", "time"
PER_PAGE = 25
AROUND = 30.0  # seconds before and after an event that its page shows of the curve
BOXES_AROUND = 1.0  # seconds before and after an event for which boxes are sent
MOST_BOXES = 5.0  # a second, for the player to move between


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """An event, as far as charts and links know it."""

    number: int
    start: float
    end: float
    peak: float
    score: float
    track: int | None

    @property
    def candidate(self) -> EventCandidate:
        return EventCandidate(
            start=self.start, end=self.end, peak=self.peak, score=self.score, track=self.track
        )


def marked(analysis: Analysis) -> list[Marked]:
    """All, in order of time, by one query."""
    fields = ("number", "start", "end", "peak", "score", "track__number")
    return [
        Marked(number=number, start=start, end=end, peak=peak, score=score, track=track)
        for number, start, end, peak, score, track in analysis.events.order_by(
            "number"
        ).values_list(*fields)
    ]


def sorted_by(params: QueryDict) -> str:
    return BY_TIME if params.get(SORT) == BY_TIME else BY_SCORE


def in_order(events: Sequence[Marked], sort: str) -> list[Marked]:
    """As EventQuerySet.strongest_first, or in order of time."""
    if sort == BY_TIME:
        return sorted(events, key=lambda each: each.number)
    return sorted(events, key=lambda each: (-each.score, each.number))


def strongest(events: Sequence[Marked]) -> Marked | None:
    return next(iter(in_order(events, BY_SCORE)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """An event as its page and the list show it."""

    event: Event  # with its analysis, clip, store, segment and track
    still: Still | None
    sort: str  # of the list that it stands in
    verdict_is_withheld: bool = False  # from who looks

    @property
    def name(self) -> str:
        return f"Event {self.event.number}"

    @property
    def address(self) -> str:
        path = reverse("web:event", args=[self.event.analysis_id, self.event.number])
        return path if self.sort == BY_SCORE else f"{path}?{SORT}={self.sort}"

    @property
    def is_by_time(self) -> bool:
        return self.sort == BY_TIME

    @property
    def length(self) -> str:
        return in_words(max(self.event.end - self.event.start, 1.0))

    @property
    def at(self) -> ClockTime | None:
        """When it began, by the clock of the store."""
        return clock_time(self.event.analysis.clip, self.event.start)

    @property
    def reading(self) -> ScoreReading | None:
        analysis = self.event.analysis
        return reading(self.event.score, analysis.threshold, analysis.low)

    @property
    def boxes(self) -> list[Drawn]:
        """Of the person, in the still."""
        track = self.event.track
        if track is None or self.still is None:
            return []
        box = box_of(track, self.still.time, is_hint=self.event.is_hint)
        return [] if box is None else [box]


def view_of(
    event: Event, sort: str = BY_SCORE, *, withheld: Collection[UUID | int] = ()
) -> EventView:
    return EventView(
        event=event,
        still=evidence.still_of(event),
        sort=sort,
        verdict_is_withheld=event.pk in withheld,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventList:
    """The events of an analysis, a page of them at a time."""

    analysis: Analysis
    everything: Sequence[Marked]  # in the order of the list
    page: Page[Marked]
    shown: Sequence[EventView]
    sort: str

    @property
    def is_by_score(self) -> bool:
        return self.sort == BY_SCORE

    @property
    def count(self) -> int:
        return len(self.everything)

    @property
    def tracks(self) -> list[Shown]:
        """For the boxes over the player: of the events shown, and no longer than these are."""
        return [
            around(each.event) for each in self.shown if each.event.track and each.event.track.times
        ]


def listed(
    analysis: Analysis, events: Sequence[Marked], params: QueryDict, *, user: Visitor
) -> EventList:
    """A page of them, as `user` may see it; asks the database twice."""
    sort = sorted_by(params)
    everything = in_order(events, sort)
    page = Paginator(everything, PER_PAGE).get_page(params.get(PAGE, "1"))
    numbers = [each.number for each in page]
    rows = {each.number: each for each in _rows(analysis, numbers)} if numbers else {}
    withheld = second_opinions.withheld(user, [analysis.clip_id]) if rows else ()
    return EventList(
        analysis=analysis,
        everything=everything,
        page=page,
        shown=[
            view_of(rows[number], sort, withheld=withheld) for number in numbers if number in rows
        ],
        sort=sort,
    )


def _rows(analysis: Analysis, numbers: Sequence[int]) -> Sequence[Event]:
    """With all that is shown of them, boxes included, and nothing else that takes room."""
    found = analysis.events.filter(number__in=numbers).select_related("segment", "track__segment")
    unseen = ("windows", "warnings", "reason")
    rows = list(
        found.defer(
            "track__windows",
            *(f"segment__{name}" for name in unseen),
            *(f"track__segment__{name}" for name in (*unseen, "frame_times")),
        )
    )
    for row in rows:
        row.analysis = analysis
    return rows


def one(analysis: Analysis, number: int) -> Event | None:
    return next(iter(_rows(analysis, [number])), None)


def around(event: Event) -> Shown:
    """The track of an event, while it lasts, with no more boxes than it takes to follow it."""
    track = event.track
    if track is None:
        msg = "whole pictures were scored"
        raise ValueError(msg)
    first = bisect_left(track.times, event.start - BOXES_AROUND)
    last = bisect_right(track.times, event.end + BOXES_AROUND)
    kept = _thinned(track.times[first:last])
    return Shown(
        track=track,
        times=[track.times[first + at] for at in kept],
        boxes=[track.boxes[first + at] for at in kept],
        reading=reading(event.score, event.analysis.threshold, event.analysis.low),
        is_highest=track.number == event.analysis.decided_by,
        is_open=False,
    )


def _thinned(times: Sequence[float]) -> list[int]:
    """Which of them are enough; the first and the last always are."""
    kept: list[int] = []
    for at, time in enumerate(times):
        is_last = at == len(times) - 1
        if not kept or is_last or time - times[kept[-1]] >= 1 / MOST_BOXES:
            kept.append(at)
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Where an event stands in the list, and what is beside it."""

    place: int  # from 1
    count: int
    previous: str  # an address; "" at the ends
    following: str


def neighbours(shown: EventView, events: Sequence[Marked]) -> Neighbours:
    numbers = [each.number for each in in_order(events, shown.sort)]
    at = numbers.index(shown.event.number)

    def address(place: int) -> str:
        if not 0 <= place < len(numbers):
            return ""
        path = reverse("web:event", args=[shown.event.analysis_id, numbers[place]])
        return path if shown.sort == BY_SCORE else f"{path}?{SORT}={shown.sort}"

    return Neighbours(
        place=at + 1, count=len(numbers), previous=address(at - 1), following=address(at + 1)
    )


def crop_numbers(event: Event) -> list[tuple[int, float]]:
    """Number and time of each picture of the track that is of this event."""
    track: Track | None = event.track
    times = track.crop_times if track else []
    return [
        (number, time)
        for number, time in enumerate(times)
        if event.start - BOXES_AROUND <= time <= event.end + BOXES_AROUND
    ]
