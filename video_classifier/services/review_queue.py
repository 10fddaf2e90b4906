"""The review queue of one person: what waits for their answer, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from video_classifier.models import Analysis, Event, Review, Visit
from video_classifier.querysets import EventQuerySet, ReviewQuerySet, Visitor
from video_classifier.services import blind_items, database, review_items
from video_classifier.services.review_items import Item
from video_classifier.states import Answer, Status, Turn

MOST_COUNTED = 1000
VISIT = timedelta(minutes=2)
PATIENCE = 1.0  # seconds that the desk waits for others who write

Order = Literal["score", "newest"]
# Each has a partial index. Scores of cameras aren't comparable, so that hints come first.
_COLUMNS = {"score": ("is_hint", "score"), "newest": ("happened_at",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    store: int | None = None
    camera: int | None = None
    order: Order = "score"

    def of(self, way: str = "") -> dict[str, int]:
        """As conditions on a clip, to which `way` leads."""
        wanted = {f"{way}store": self.store, f"{way}camera": self.camera}
        return {name: key for name, key in wanted.items() if key is not None}


def waiting(user: Visitor, filters: Filters) -> EventQuerySet:
    """Events that this person may be asked about, in the order of the queue.

    The second answer to an event is never that of who gave the first, be it to an earlier result.
    """
    found = Event.objects.visible_to(user).waiting()
    if filters.store is not None:
        found = found.filter(store=filters.store)
    if filters.camera is not None:
        found = found.filter(analysis__clip__camera=filters.camera)
    asked = found.exclude(Exists(_own(user)), waits_for=Turn.SECOND)
    return asked.order_by(*(f"-{key}" for key in keys(filters)))


def keys(filters: Filters) -> tuple[str, ...]:
    """By which the queue is in order, each falling."""
    return (*_COLUMNS[filters.order], "store_id", "id")


def left(user: Visitor, filters: Filters) -> int:
    """How many wait; of more than MOST_COUNTED no more are counted."""
    return waiting(user, filters).order_by()[:MOST_COUNTED].count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Clips whose result isn't there yet, so that nobody knows of their hints."""

    running: int = 0
    queued: int = 0
    paused: int = 0

    def __bool__(self) -> bool:
        return any((self.running, self.queued, self.paused))


def coming(user: Visitor, filters: Filters) -> Coming:
    """Of what this person sees."""
    latest = Analysis.objects.visible_to(user).unfinished().latest_of_clips().kept()
    rows = latest.filter(**filters.of("clip__")).order_by().values_list("status")
    count = dict(rows.annotate(count=Count("pk")))
    return Coming(
        running=count.get(Status.RUNNING, 0),
        queued=count.get(Status.QUEUED, 0),
        paused=count.get(Status.PAUSED, 0),
    )


def next_one(user: User, filters: Filters, after: Item | None = None) -> Item | None:
    """What comes first, or behind `after`; None if nothing waits there.

    Events that somebody else has before them come last. Among them are blind items, by
    REVIEW_BLIND, as long as anything waits at all.
    """
    now = timezone.now()
    place = after.place if after else None
    rest = _beyond(waiting(user, filters), filters, place)
    shown = rest.select_related("analysis__clip__store", "analysis__clip__camera", "track")
    event = shown.filter(~Exists(visits_of_others(user))).first() or shown.first()
    if event is None:
        return None
    draw = after.draw + 1 if after else _answered(user, now)
    blind = blind_items.drawn(
        user,
        day=now.date(),
        draw=draw,
        place=place,
        narrow=filters.of,
        but=after.clip if after else None,
    )
    return blind or review_items.of_event(event, user, draw=draw)


def one(user: User, number: int) -> Item | None:
    """That event; None if it doesn't wait for this person's answer."""
    related = ("analysis__clip__store", "analysis__clip__camera", "track")
    event = waiting(user, Filters()).select_related(*related).filter(pk=number).first()
    return (
        review_items.of_event(event, user, draw=_answered(user, timezone.now())) if event else None
    )


def previous(user: User, filters: Filters, before: Item) -> Item | None:
    """The event of the queue before that one; None at its head."""
    if before.place is None:
        return None
    events = waiting(user, filters)
    if before.is_blind:  # which stands behind the event of its place
        found = events.filter(pk=before.place)
    else:
        found = _beyond(events, filters, before.place, back=True).reverse()
    related = ("analysis__clip__store", "analysis__clip__camera", "track")
    event = found.select_related(*related).first()
    return review_items.of_event(event, user, draw=before.draw) if event else None


def visits_of_others(user: Visitor) -> QuerySet[Visit]:
    """To an event, for a subquery: that somebody else has it before them just now."""
    return Visit.objects.filter(event=OuterRef("pk"), until__gt=timezone.now()).exclude(by=user.pk)


def visit(event: Event, user: User) -> None:
    """Notes that the person has the event before them, so that others get another one first.

    Where others write all the time the desk opens all the same.
    """
    database.unless_busy(partial(_visit, event, user), patience=PATIENCE)


def _visit(event: Event, user: User) -> None:
    now = timezone.now()
    Visit.objects.filter(by=user, until__lte=now).exclude(event=event).delete()
    Visit.objects.bulk_create(
        [Visit(event=event, by=user, until=now + VISIT)],
        update_conflicts=True,
        unique_fields=("event", "by"),
        update_fields=("until",),
    )


def _own(user: Visitor) -> ReviewQuerySet:
    """Answers of the person to an event, or to the same stretch in another result."""
    in_another = ~Q(analysis=OuterRef("analysis"))
    overlaps = Q(start__lt=OuterRef("end"), end__gt=OuterRef("start"))
    about = Q(event=OuterRef("pk")) | overlaps & in_another
    of_clip = Review.objects.standing().filter(by=user.pk, clip=OuterRef("analysis__clip"))
    return of_clip.filter(about)


def _answered(user: User, now: datetime) -> int:
    """How many the person has answered today. To withdraw one doesn't take it back."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Review.objects.filter(by=user, at__gte=today).exclude(answer=Answer.WITHDRAWN).count()


def _beyond(
    events: EventQuerySet, filters: Filters, place: int | None, *, back: bool = False
) -> EventQuerySet:
    """Those after that event in the queue, or before it; all, if it is gone."""
    names = keys(filters)
    here = Event.objects.filter(pk=place or 0).values_list(*names).first()
    if here is None:
        return events
    side = "gt" if back else "lt"
    beyond = Q()
    for at, (key, value) in enumerate(zip(names, here, strict=True)):
        beyond |= Q(**dict(zip(names[:at], here[:at], strict=True)), **{f"{key}__{side}": value})
    return events.filter(
        beyond,
        **{f"{names[0]}__{side}e": here[0]},  # said once more: an index can begin there
    )
