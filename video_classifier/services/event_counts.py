"""Keeps how many events each store had a day, so that a year of them isn't counted anew.

A count holds until one of its events changes: `services.event_changes` notes that beside the
change, the dashboard asks the events of such days, and housekeeping counts them again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, Q, Sum

from video_classifier.models import ChangedEvents, CountedStore, Event, EventCount, Store
from video_classifier.services import periods

KEPT = timedelta(weeks=54)  # somewhat longer than the dashboard looks back
AHEAD = timedelta(days=31)  # by which clocks of recorders may be ahead
AT_ONCE = timedelta(days=31)
BUDGET = 2.0  # seconds of going back: others want to write, too
MOST_STRETCHES = 20  # of one query
_CHANGES = 5000  # that are looked at in one transaction
_DAY = timedelta(days=1)
_CELL = ("camera", "model", "verdict", "is_hint")
_OF_EVENTS = ("analysis__clip__camera", "analysis__model", "verdict", "is_hint")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days from the first up to before the end."""

    first: date
    end: date

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        return periods.midnight(self.first, zone), periods.midnight(self.end, zone)


class Known(NamedTuple):
    """What is known of a store: a row for each change that is noted. The columns OF_STORES."""

    store: int
    time_zone: str | None  # of its counts; None: it has none yet
    since: date | None
    first: datetime | None  # of a change
    last: datetime | None


OF_STORES = (
    "pk",
    *("counted__time_zone", "counted__since"),
    *("changed_events__first", "changed_events__last"),
)


def uncounted(known: Iterable[Known], zone: ZoneInfo, whole: Stretch) -> list[Stretch]:
    """The days of which a count is missing or doesn't hold, for any of the stores of a zone."""
    since = whole.first
    changed: set[date] = set()
    for each in known:
        if each.since is None or each.time_zone != zone.key:
            return [whole]
        since = max(since, min(each.since, whole.end))
        if each.first is not None and each.last is not None:
            changed.update(_days(_stretch(each.first, each.last, zone), whole))
    found = list(_stretches(changed.union(_days(Stretch(whole.first, since), whole))))
    if len(found) > MOST_STRETCHES:
        return [Stretch(found[0].first, found[-1].end)]
    return found


def sums(
    stores: Sequence[int], whole: Stretch, without: Sequence[Stretch], starts: Sequence[date]
) -> Any:
    """Rows of place among `starts`, store, camera, model, verdict, whether hints, and how many."""
    rows = EventCount.objects.filter(store__in=stores, day__gte=whole.first, day__lt=whole.end)
    for each in without:
        rows = rows.exclude(day__gte=each.first, day__lt=each.end)
    placed = rows.annotate(place=periods.place("day", [*starts, whole.end])).order_by()
    return placed.values_list("place", "store", *_CELL).annotate(events=Sum("events"))


def happened_in(stretches: Iterable[Stretch], zone: ZoneInfo) -> Q:
    found = Q(pk__in=())
    for each in stretches:
        first, end = each.bounds(zone)
        found |= Q(happened_at__gte=first, happened_at__lt=end)
    return found


def catch_up(*, now: datetime, budget: float = BUDGET) -> None:
    """Counts anew what has changed, then goes back in time as far as the budget of seconds goes."""
    until = time.monotonic() + budget
    stores = list(Store.objects.order_by("pk").values_list("pk", flat=True))
    for store in stores:
        while _recount_changes(store, now=now) == _CHANGES:
            pass
    for store in stores:
        while _go_back(store, now=now):
            if time.monotonic() > until:
                return


def purge(*, now: datetime) -> None:
    """Forgets what is longer ago than anybody looks."""
    for counted in CountedStore.objects.all():
        oldest = _oldest(ZoneInfo(counted.time_zone), now)
        with transaction.atomic():
            before = CountedStore.objects.filter(pk=counted.pk, since__lt=oldest)
            if before.update(since=oldest):
                EventCount.objects.filter(store=counted.pk, day__lt=oldest).delete()


def _recount_changes(key: int, *, now: datetime) -> int:
    """How many changes were noted. A change that isn't committed yet has its note still to come."""
    with transaction.atomic():
        # Two processes must not count the same days at once.
        store = Store.objects.select_for_update(no_key=True).filter(pk=key).first()
        if store is None:
            return 0
        zone = ZoneInfo(store.time_zone)
        changes = ChangedEvents.objects.filter(store=store).order_by("pk")
        found = list(changes.values_list("pk", "first", "last")[:_CHANGES])
        counted = CountedStore.objects.filter(store=store).first()
        if counted is None or counted.time_zone != zone.key:
            _begin(store, zone, now)
        elif found:
            since = Stretch(counted.since, date.max)
            stretches = (_stretch(first, last, zone) for _, first, last in found)
            for each in _stretches({day for one in stretches for day in _days(one, since)}):
                _count(key, each, zone)
        ChangedEvents.objects.filter(pk__in=[pk for pk, *_ in found]).delete()
    return len(found)


def _begin(store: Store, zone: ZoneInfo, now: datetime) -> None:
    """With what is to come; a store that moved to another zone has other days."""
    tomorrow = now.astimezone(zone).date() + _DAY
    EventCount.objects.filter(store=store).delete()
    _count(store.pk, Stretch(tomorrow, tomorrow + AHEAD), zone)
    facts = {"time_zone": zone.key, "since": tomorrow}
    CountedStore.objects.update_or_create(store=store, defaults=facts)


def _go_back(store: int, *, now: datetime) -> bool:
    """Counts some more days; False if all are."""
    with transaction.atomic():
        Store.objects.select_for_update(no_key=True).filter(pk=store).first()
        counted = CountedStore.objects.filter(store=store).first()
        if counted is None:
            return False
        zone = ZoneInfo(counted.time_zone)
        oldest = _oldest(zone, now)
        if counted.since <= oldest:
            return False
        earlier = Event.objects.current().filter(
            store=store, happened_at__lt=periods.midnight(counted.since, zone)
        )
        first = max(counted.since - AT_ONCE, oldest) if earlier.exists() else oldest
        if earlier.exists():
            _count(store, Stretch(first, counted.since), zone)
        CountedStore.objects.filter(store=store).update(since=first)
    return True


def _count(store: int, stretch: Stretch, zone: ZoneInfo) -> None:
    for each in _parts(stretch):
        days = list(_days(each, each))
        bounds = [periods.midnight(day, zone) for day in (*days, each.end)]
        EventCount.objects.filter(store=store, day__gte=each.first, day__lt=each.end).delete()
        rows: Any = Event.objects.current().filter(
            store=store, happened_at__gte=bounds[0], happened_at__lt=bounds[-1]
        )
        placed = rows.annotate(place=periods.place("happened_at", bounds)).order_by()
        cells = placed.values_list("place", *_OF_EVENTS).annotate(events=Count("pk"))
        EventCount.objects.bulk_create(
            EventCount(
                store_id=store,
                day=days[place],
                camera_id=camera,
                model=model,
                verdict=verdict,
                is_hint=is_hint,
                events=events,
            )
            for place, camera, model, verdict, is_hint, events in cells
        )


def _oldest(zone: ZoneInfo, now: datetime) -> date:
    return now.astimezone(zone).date() - KEPT


def _stretch(first: datetime, last: datetime, zone: ZoneInfo) -> Stretch:
    return Stretch(first.astimezone(zone).date(), last.astimezone(zone).date() + _DAY)


def _days(stretch: Stretch, within: Stretch) -> Iterator[date]:
    day, end = max(stretch.first, within.first), min(stretch.end, within.end)
    while day < end:
        yield day
        day += _DAY


def _stretches(days: Iterable[date]) -> Iterator[Stretch]:
    """Of days in a row one each."""
    first: date | None = None
    end = date.min
    for day in sorted(days):
        if first is not None and day != end:
            yield Stretch(first, end)
            first = None
        first, end = first or day, day + _DAY
    if first is not None:
        yield Stretch(first, end)


def _parts(stretch: Stretch) -> Iterator[Stretch]:
    first = stretch.first
    while first < stretch.end:
        end = min(first + AT_ONCE, stretch.end)
        yield Stretch(first, end)
        first = end
