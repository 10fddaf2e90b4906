"""Figures of hints and answers by store, camera, model, and day or week of the store's calendar.

A clip counts where its recording begins, or its upload if nobody knows that; a hint where it
begins. Each question is asked once a time zone, and its answer is one row a cell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.functional import cached_property

from video_classifier.models import (
    Analysis,
    CandidateScore,
    Clip,
    Event,
    PlantedAct,
    Review,
    ScoredTime,
    Store,
)
from video_classifier.querysets import ReviewQuerySet, Visitor
from video_classifier.services import agreement, event_counts, periods, planted_acts, scored_footage
from video_classifier.services.agreement import Kappa
from video_classifier.services.event_counts import Known, Stretch
from video_classifier.services.figures import Figures, Proportion, total
from video_classifier.services.periods import Span
from video_classifier.services.scored_footage import TIMES, Recordings
from video_classifier.states import Answer, Status, Verdict

MOST_ANSWERS = 20_000  # whose times are looked at, of the newest hints
_FEW_DAYS = timedelta(days=7)  # of which the events themselves are asked
_RECORDED = Coalesce("clip__recorded_at", "clip__uploaded_at")
_HOURS = ("camera__feed__opens_at", "camera__feed__closes_at")
_OF_EVENTS = ("happened_at", "analysis__clip__", "analysis__model")  # moment, way to clip, model
# The cell of an event, and of what a camera scored.
_OF_EVENT = ("place", "store", "analysis__clip__camera", "analysis__model")
_OF_CAMERA = ("place", "camera__store", "camera", "model")

Group = TypeVar("Group")
_Source = tuple[int, str]  # a camera, and the model that scored it
Rows = Iterator[tuple[Any, ...]]


class Cell(NamedTuple):
    """Whose figures they are."""

    start: date
    store: int
    camera: int | None
    model: str  # "" of what was missed where no result is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """None: all."""

    store: int | None = None
    camera: int | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    starts: Sequence[date]  # of its days or weeks, the oldest first
    cells: dict[Cell, Figures] = field(default_factory=dict)

    def by(self, group: Callable[[Cell], Group]) -> dict[Group, Figures]:
        found: defaultdict[Group, list[Figures]] = defaultdict(list)
        for cell, figures in self.cells.items():
            found[group(cell)].append(figures)
        return {key: total(parts) for key, parts in found.items()}

    @property
    def total(self) -> Figures:
        return total(self.cells.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What answers say of people and of the model; None: nothing yet."""

    kappa: Kappa | None
    misses: Proportion | None


class Dashboard:
    """What `user` sees as of `now`. Its stores are looked up once, whatever is asked of them."""

    def __init__(self, user: Visitor, *, now: datetime) -> None:
        self._user = user
        self._now = now

    def measured(self, filters: Filters, span: Span) -> Measured:
        """By the answers that were given in that time, by the clocks of each store."""
        found = self._given(filters, span)
        pairs = agreement.pairs(found)
        return Measured(kappa=agreement.kappa(pairs), misses=agreement.misses(found))

    def _given(self, filters: Filters, span: Span) -> ReviewQuerySet:
        """Review by review, and not clip by clip: of clips there are many without any."""
        within = Q(pk__in=())
        for zone, known in self._stores(filters):
            clips = Clip.objects.visible_to(self._user).kept().filter(pk=OuterRef("clip"))
            clips = clips.filter(store__in={each.store for each in known})
            if filters.camera is not None:
                clips = clips.filter(camera=filters.camera)
            within |= Q(Exists(clips), at__gte=span.bounds(self._now, zone)[0])
        found = Review.objects.filter(within)
        return found if filters.model is None else found.filter(model=filters.model)

    def read(self, filters: Filters, span: Span, *, has_answers: bool = True) -> Board:
        """Perhaps without what was missed and how soon hints were answered."""
        starts: set[date] = set()
        cells: defaultdict[Cell, Figures] = defaultdict(Figures)
        for zone, known in self._stores(filters):
            asked = _Asked(
                user=self._user,
                filters=filters,
                stores=sorted({each.store for each in known}),
                known=known,
                zone=zone,
                starts=span.starts(self._now, zone),
                days=span.days,
                bounds=span.bounds(self._now, zone),
            )
            asked.count(cells)
            if has_answers:
                asked.add_answers(cells)
            starts.update(asked.starts)
        return Board(starts=sorted(starts), cells=dict(cells))

    def _stores(self, filters: Filters) -> Iterator[tuple[ZoneInfo, list[Known]]]:
        """What is known of those that count, by time zone."""
        for name, some in groupby(self._known, lambda each: each[0]):
            known = [each for _, each in some if filters.store in (None, each.store)]
            if known:
                yield ZoneInfo(name), known

    @cached_property
    def _known(self) -> list[tuple[str, Known]]:
        """With the time zone of each store, and sorted by that."""
        found = Store.objects.visible_to(self._user).order_by("time_zone", "pk").distinct()
        rows = found.values_list("time_zone", *event_counts.OF_STORES)
        return [(zone, Known(*known)) for zone, *known in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Of the stores of one time zone."""

    user: Visitor
    filters: Filters
    stores: Sequence[int]
    known: Sequence[Known]
    zone: ZoneInfo
    starts: Sequence[date]
    days: int  # from one of them to the next
    bounds: Sequence[datetime]

    def count(self, cells: defaultdict[Cell, Figures]) -> None:
        for *cell, clips, seconds in self._clips():
            figures = cells[self._cell(*cell)]
            figures.clips += clips
            figures.seconds += seconds
        for *cell, verdict, is_hint, events in self._events():
            figures = cells[self._cell(*cell)]
            if is_hint:
                figures.count(verdict, events)
            else:
                figures.uncertain += events

    def add_answers(self, cells: defaultdict[Cell, Figures]) -> None:
        ways = defaultdict[_Source, set[bool]](set)
        rated: set[Cell] = set()  # in which anything was scored
        for *cell, is_live, opens, closes, seconds, recordings in self._scored():
            rated.add(self._cell(*cell))
            figures = cells[self._cell(*cell)]
            figures.camera_days += seconds / scored_footage.length_of_day(opens, closes)
            figures.recordings += recordings
            figures.rated, figures.rated_open = figures.false_alarms, figures.open
            ways[_source(cell)].add(is_live)
        for *cell, deleted in self._deleted():
            figures = cells[self._cell(*cell)]
            figures.rated += deleted if figures.camera_days else 0
        twins = self._leave_out_twins(cells, {of for of, each in ways.items() if len(each) > 1})
        self._leave_out_false_alarms(cells, rated, twins)
        for marked in self._missed():
            cells[marked].missed += 1
        for *cell, shown, answered in self._answers():
            # Other answers were to an earlier result.
            if shown is not None and answered is not None and answered >= shown:
                cells[self._cell(*cell)].waits.append((answered - shown).total_seconds())

    def _leave_out_twins(
        self, cells: defaultdict[Cell, Figures], sources: Collection[_Source]
    ) -> dict[_Source, Recordings]:
        """Each hour counts once: as it was watched live, and not as a recording shows it."""
        found: dict[_Source, Recordings] = {}
        times = self._times_of(sources) if sources else ()
        for of, rows in groupby(times, key=lambda row: _source(row[0])):
            places, days, recorded = zip(*rows, strict=True)
            found[of] = parts = Recordings(recorded)
            for cell, day, every, counted in zip(
                places, days, parts.every, parts.counted, strict=True
            ):
                if every.seconds > counted.seconds:
                    figures = cells[self._cell(*cell)]
                    figures.recordings -= not counted.seconds
                    figures.camera_days -= (every.seconds - counted.seconds) / day
                    if not figures.recordings:
                        figures.camera_days = 0.0  # without what rounding leaves
        return found

    def _leave_out_false_alarms(
        self,
        cells: defaultdict[Cell, Figures],
        rated: Collection[Cell],
        twins: Mapping[_Source, Recordings],
    ) -> None:
        """From the rate: those of hours that were watched as well, and those that staff acted."""
        acts = self._acts()
        cameras = {camera for camera, _ in twins} | acts.keys()
        for cell, clip, file, start, end in self._false_alarms(cameras) if cameras else ():
            of, own = _source(cell), self._cell(*cell)
            is_twin = of in twins and _is_twin(twins[of], clip, file, start)
            if own in rated and (is_twin or planted_acts.meets(acts[of[0]], start, end)):
                cells[own].rated -= 1

    def _acts(self) -> defaultdict[int | None, list[PlantedAct]]:
        """By camera."""
        acts = PlantedAct.objects.visible_to(self.user).filter(camera__store__in=self.stores)
        slack = planted_acts.SLACK
        first, last = self.bounds[0] - slack, self.bounds[-1] + slack
        return planted_acts.by_camera(acts.filter(ended_at__gte=first, started_at__lt=last))

    def _cell(self, place: int, store: int, camera: int | None, model: str) -> Cell:
        return Cell(self.starts[place], store, camera, model)

    def _within(self, rows: Any, moment: str, way: str, model: str) -> Any:
        """Those of the stores, the time and the filters, and their `place`."""
        first, last = self.bounds[0], self.bounds[-1]
        within = rows.filter(**{f"{moment}__gte": first, f"{moment}__lt": last})
        found = self._chosen(within, way, model)
        return found.annotate(place=periods.place(moment, self.bounds)).order_by()

    def _chosen(self, rows: Any, way: str, model: str) -> Any:
        """Those of the filters."""
        if self.filters.camera is not None:
            rows = rows.filter(**{f"{way}camera": self.filters.camera})
        if self.filters.model is not None:
            rows = rows.filter(**{model: self.filters.model})
        return rows

    def _clips(self) -> Rows:
        rows = Analysis.objects.visible_to(self.user).kept()
        rows = rows.filter(store__in=self.stores, is_latest=True, status=Status.DONE)
        # Nothing is analyzed before it is recorded: an index says what comes into question.
        rows = rows.filter(queued_at__gte=self.bounds[0]).annotate(at=_RECORDED)
        found = self._within(rows, "at", "clip__", "model")
        cells = found.values_list("place", "store", "clip__camera", "model")
        yield from cells.annotate(clips=Count("pk"), seconds=Sum("clip__duration"))

    def _events(self) -> Rows:
        """Of most days they are counted already; the others ask the events themselves."""
        whole = Stretch(self.starts[0], self.starts[-1] + timedelta(days=self.days))
        uncounted = [whole]
        if whole.end - whole.first > _FEW_DAYS:
            uncounted = event_counts.uncounted(self.known, self.zone, whole)
        if uncounted != [whole]:
            rows = event_counts.sums(self.stores, whole, uncounted, self.starts)
            yield from self._chosen(rows, "", "model")
        if uncounted:
            yield from self._happened(uncounted)

    def _happened(self, stretches: Sequence[Stretch]) -> Rows:
        rows = Event.objects.visible_to(self.user).current().filter(store__in=self.stores)
        rows = rows.filter(event_counts.happened_in(stretches, self.zone))
        found = self._within(rows, *_OF_EVENTS)
        yield from found.values_list(*_OF_EVENT, "verdict", "is_hint").annotate(events=Count("pk"))

    def _scored(self) -> Rows:
        """How much of each camera."""
        cells = self._times().values_list(*_OF_CAMERA, "is_live", *_HOURS)
        yield from cells.annotate(seconds=Sum("seconds"), recordings=Count("pk"))

    def _times(self) -> Any:
        """Of a recording by the latest result alone, as of its events."""
        latest = Analysis.objects.filter(
            clip=OuterRef("clip"),
            is_latest=True,
            model_sha256=OuterRef("model_sha256"),
            detector_sha256=OuterRef("detector_sha256"),
        )
        rows = ScoredTime.objects.visible_to(self.user).filter(camera__store__in=self.stores)
        rows = rows.filter(Q(clip=None) | Q(Exists(latest), clip__trashed_at=None), is_shadow=False)
        return self._within(rows, "start", "", "model")

    def _times_of(self, sources: Collection[_Source]) -> Iterator[tuple[Any, float, Any]]:
        """Cell, length of a day, and time: of each source in a row."""
        rows = self._times().filter(camera__in={camera for camera, _ in sources})
        found = rows.order_by("camera", "model", "start")
        for place, store, camera, model, opens, closes, *row in found.values_list(
            *_OF_CAMERA, *_HOURS, *TIMES
        ):
            cell = (place, store, camera, model)
            yield cell, scored_footage.length_of_day(opens, closes), row

    def _deleted(self) -> Rows:
        """False hints whose clips are deleted: how soon that happens must not change a rate."""
        cells = self._deleted_false_alarms().values_list(*_OF_CAMERA)
        yield from cells.annotate(hints=Count("pk"))

    def _deleted_false_alarms(self) -> Any:
        rows = CandidateScore.objects.visible_to(self.user).filter(
            camera__store__in=self.stores,
            verdict=Verdict.FALSE_ALARM,
            is_hint=True,
            is_shadow=False,
        )
        return self._within(rows, "started_at", "", "model")

    def _false_alarms(self, cameras: Collection[int | None]) -> Iterator[tuple[Any, ...]]:
        """Cell, clip or file, and from when to when: of these cameras, of what is deleted, too."""
        rows = Event.objects.visible_to(self.user).current().hints()
        rows = rows.filter(
            store__in=self.stores,
            verdict=Verdict.FALSE_ALARM,
            analysis__clip__camera__in=cameras,
        )
        found = self._within(rows, *_OF_EVENTS)
        columns = (*_OF_EVENT, "analysis__clip", "happened_at", "start", "end")
        for *cell, clip, at, start, end in found.values_list(*columns):
            yield cell, clip, "", at, at + timedelta(seconds=end - start)
        deleted = self._deleted_false_alarms().filter(camera__in=cameras)
        for *cell, file, at, end in deleted.values_list(
            *_OF_CAMERA, "file", "started_at", "ended_at"
        ):
            yield cell, None, file, at, end

    def _missed(self) -> Iterator[Cell]:
        """One a stretch, however many people marked it."""
        marks = Review.objects.filter(answer=Answer.MISSED, at__gte=self.bounds[0])  # by an index
        rows = Review.objects.visible_to(self.user).standing().filter(pk__in=marks.values("pk"))
        rows = rows.filter(clip__store__in=self.stores, clip__trashed_at=None)
        rows = rows.annotate(recorded=_RECORDED)
        found = self._within(rows, "recorded", "clip__", "model").order_by("clip", "start")
        cell = ("place", "clip__store", "clip__camera", "model")
        before, until = None, 0.0
        for clip, start, end, *of in found.values_list("clip", "start", "end", *cell):
            if clip != before or start >= until:
                before, until = clip, end
                yield self._cell(*of)
            until = max(until, end)

    def _answers(self) -> Rows:
        """When the result was there, and the first answer to each hint, if it was answered."""
        answers = Review.objects.standing().filter(event=OuterRef("pk"), is_blind=False)
        first = Subquery(answers.order_by("at").values("at")[:1])
        rows = Event.objects.visible_to(self.user).current().hints()
        rows = rows.filter(store__in=self.stores)
        found = self._within(rows.exclude(verdict=""), *_OF_EVENTS).annotate(first=first)
        newest = found.order_by("-happened_at")[:MOST_ANSWERS]
        yield from newest.values_list(*_OF_EVENT, "analysis__finished_at", "first")


def _is_twin(parts: Recordings, clip: Any, file: str, start: datetime) -> bool:
    """Of an hour that was watched live as well."""
    return parts.has(clip, file) and parts.number(clip, file, start) is None


def _source(cell: Sequence[Any]) -> _Source:
    *_, camera, model = cell
    return camera, model
