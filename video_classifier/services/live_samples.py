"""Draws the moments of which a camera keeps ten ordinary seconds a day, whatever they show.

By them it can be told how often a model is right about what a camera usually sees. Every moment of
the hours in which it is watched is equally likely. The draw is the same after each restart, and
nobody who doesn't know SECRET_KEY can tell it beforehand.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.crypto import salted_hmac

from video_classifier.models import Clip, Feed
from video_classifier.states import Origin

SALT = "ordinary seconds"
A_DAY = 5  # clips of a camera
LENGTH = 10.0  # seconds of each
BEFORE = 30.0  # seconds before its moment at which a clip's first keyframe may be


def drawn(feed: Feed, day: date) -> list[datetime]:
    """The first moments of the clips of the day on which watching begins, in order of time.

    No two are so close that the clips, which begin with a keyframe, would overlap.
    """
    begin, end = hours(feed, day)
    taken = LENGTH + BEFORE
    room = (end - begin).total_seconds() - A_DAY * taken
    if room < 0:
        return []
    # To be repeated after a restart, and not to be known beforehand by who stands in view.
    seed = salted_hmac(SALT, f"{feed.pk} {day.isoformat()}").digest()
    lots = random.Random(seed)  # noqa: S311
    # Of the seconds that are free some are drawn, and what clips take is put in between.
    starts = sorted(lots.uniform(0, room) for _ in range(A_DAY))
    return [
        begin + timedelta(seconds=BEFORE + start + number * taken)
        for number, start in enumerate(starts)
    ]


def hours(feed: Feed, day: date) -> tuple[datetime, datetime]:
    """When watching begins on that day, by the clocks of the store, and when it ends."""
    opens, closes = feed.opens_at or time(), feed.closes_at or time()
    zone = ZoneInfo(feed.camera.store.time_zone)
    last = day if closes > opens else day + timedelta(days=1)
    begin, end = (
        datetime.combine(on, clock, zone).astimezone(UTC)
        for on, clock in ((day, opens), (last, closes))
    )
    return begin, end


def due(feed: Feed, since: datetime, until: datetime) -> list[datetime]:
    """The moments of clips of which all was seen between two moments, and that aren't kept yet."""
    zone = ZoneInfo(feed.camera.store.time_zone)
    today = until.astimezone(zone).date()
    found = [
        moment
        for day in (today - timedelta(days=1), today)
        for moment in drawn(feed, day)
        if since <= moment and moment + timedelta(seconds=LENGTH) <= until
    ]
    return [moment for moment in found if not _is_kept(feed, moment)]


def _is_kept(feed: Feed, moment: datetime) -> bool:
    """In the trash, too."""
    same = Clip.objects.filter(camera=feed.pk, origin=Origin.SAMPLE)
    return same.filter(
        recorded_at__gt=moment - timedelta(seconds=BEFORE), recorded_at__lte=moment
    ).exists()
