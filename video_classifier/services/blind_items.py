"""Draws what is reviewed without score, box or hint: by it misses and people are measured.

The draw depends on the person, the day and how many they have answered, so that the item that a
browser loads beforehand is the one that comes; nobody who doesn't know SECRET_KEY can foresee it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django.utils.crypto import salted_hmac

from video_classifier.models import Analysis, Clip, Event, Review
from video_classifier.querysets import ClipQuerySet, EventQuerySet
from video_classifier.services.review_items import Item
from video_classifier.states import Origin, Status

SALT = "blind items"
LENGTH = 10.0  # seconds of every stretch, so that none shows what it is; live cameras keep as many
AROUND = 2.0  # seconds before and after a peak, of which half is shown in any case
ANSWERED = 0.5  # of the blind items are events that others have answered
A_FEW = 5000  # answers, among which one is looked for
TRIES = 5  # of clips on either side of the lot

Narrow = Callable[[str], dict[str, int]]  # filters by store and camera, of a way to the clip


def drawn(  # noqa: PLR0913
    user: User,
    *,
    day: date,
    draw: int,
    place: int | None,
    narrow: Narrow,
    but: Clip | None = None,
) -> Item | None:
    """The blind item that comes as that person's `draw`th of the day; None if it is none.

    None of the clip `but`, which they have before them and are about to answer.
    """
    lots = _lots(f"{user.pk} {day.isoformat()} {draw}")
    if lots.random() >= settings.REVIEW_BLIND:
        return None
    found = _first(user, day, lots, narrow, but)
    if found is None:
        return None
    clip, event, start, end = found
    return Item(
        user=user.pk,
        clip=clip,
        event=event,
        start=start,
        end=end,
        is_blind=True,
        place=place,
        draw=draw,
    )


def _lots(text: str) -> random.Random:
    return random.Random(salted_hmac(SALT, text).digest())  # noqa: S311  (to be repeated)


_Found = tuple[Clip, Event | None, float, float]


def _first(
    user: User, day: date, lots: random.Random, narrow: Narrow, but: Clip | None
) -> _Found | None:
    """Of either kind, whichever the lot falls on; if there is none, of the other."""
    is_answered, of_answered, of_ordinary = (lots.random() for _ in range(3))
    if is_answered < ANSWERED:
        found = _answered(user, day, of_answered, narrow, but)
        return found or _ordinary(user, _lots(str(of_ordinary)), narrow, but)
    found = _ordinary(user, _lots(str(of_ordinary)), narrow, but)
    return found or _answered(user, day, of_answered, narrow, but)


def _answered(user: User, day: date, lot: float, narrow: Narrow, but: Clip | None) -> _Found | None:
    """An event of which others have said all that was asked, before that day."""
    known = Review.objects.filter(by=user, clip=OuterRef("analysis__clip"))
    events: EventQuerySet = Event.objects.visible_to(user).current().exclude(verdict="")
    events = events.filter(~Exists(known), waits_for="", **narrow("analysis__clip__"))
    if but is not None:
        events = events.exclude(analysis__clip=but)
    before = Review.objects.filter(at__lt=datetime.combine(day, time(), UTC)).order_by("at", "pk")
    first, last = before.first(), before.last()
    if first is None or last is None:
        return None
    pivot = first.pk + int(lot * (last.pk + 1 - first.pk))
    # Looked up review by review: a list of all such events would take seconds where there are many.
    among = before.exclude(by=user).filter(Exists(events.filter(pk=OuterRef("event"))))
    among = among.order_by("pk").select_related("event__analysis__clip")
    after = among.filter(pk__gte=pivot, pk__lt=pivot + A_FEW).first()
    review = after or among.filter(pk__lt=first.pk + A_FEW).first()
    if review is None or review.event is None:
        return None
    event = review.event
    return event.analysis.clip, event, *_around(event, _lots(f"{lot} {event.pk}"))


def _around(event: Event, lots: random.Random) -> tuple[float, float]:
    """A stretch as of ordinary footage, with what is around the event's peak somewhere in it.

    Not all of the event: that would begin with the clip too often for chance.
    """
    clip = event.analysis.clip
    length = min(LENGTH, clip.duration)
    first, last = (
        event.peak + max(-AROUND, min(edge - event.peak, AROUND)) / 2
        for edge in (event.start, event.end)
    )
    latest = max(0.0, min(first, clip.duration - length))
    start = lots.uniform(min(max(last - length, 0.0), latest), latest)
    return start, start + length


def _ordinary(user: User, lots: random.Random, narrow: Narrow, but: Clip | None) -> _Found | None:
    """A stretch of a recording, or of what a live camera keeps at random, without an event."""
    known = Review.objects.filter(by=user, clip=OuterRef("pk"))
    done = Analysis.objects.filter(clip=OuterRef("pk"), status=Status.DONE)
    # Row by row, in the order of the keys: all clips of a store would be looked at and sorted.
    mine = Clip.objects.visible_to(user).filter(pk=OuterRef("pk"), **narrow(""))
    clips: ClipQuerySet = Clip.objects.kept().filter(
        Exists(mine),
        ~Exists(known),
        Exists(done),
        origin__in=(Origin.UPLOAD, Origin.SAMPLE),
        duration__gt=0,
    )
    if but is not None:
        clips = clips.exclude(pk=but.pk)
    pivot = UUID(int=lots.getrandbits(128))  # keys are random, so each clip is as likely
    ordered = clips.order_by("pk")
    found = [*ordered.filter(pk__gte=pivot)[:TRIES], *ordered.filter(pk__lt=pivot)[:TRIES]]
    for clip in found:
        if (stretch := _stretch(clip, lots)) is not None:
            return clip, None, *stretch
    return None


def _stretch(clip: Clip, lots: random.Random) -> tuple[float, float] | None:
    """In which the latest result has no event, each as likely; None if there is none."""
    events = Event.objects.current().filter(analysis__clip=clip).values_list("start", "end")
    length = min(LENGTH, clip.duration)
    starts = _starts(events.order_by("start"), length=length, latest=clip.duration - length)
    if not starts:
        return None
    sizes = [last - first for first, last in starts]
    [(first, last)] = lots.choices(starts, sizes if any(sizes) else None)
    start = lots.uniform(first, last)
    return start, start + length


def _starts(
    events: Iterable[tuple[float, float]], *, length: float, latest: float
) -> list[tuple[float, float]]:
    """From when until when stretches may begin that meet none of the events, sorted by start."""
    found: list[tuple[float, float]] = []
    free_from = 0.0
    for start, end in events:
        if free_from <= (last := min(start - length, latest)):
            found.append((free_from, last))
        free_from = max(free_from, end)
    return [*found, (free_from, latest)] if free_from <= latest else found
