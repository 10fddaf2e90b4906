"""Ten ordinary seconds are drawn evenly from the hours, and the same again after a restart."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
import pytest
from pytest_django import Settings

from tests.conftest import MakeClip, MakeStore
from tests.services.test_watching import make_feed
from video_classifier.models import Feed
from video_classifier.services import live_samples
from video_classifier.states import Origin, RecordedFrom

DAY = date(2026, 11, 26)


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    store = make_store("Corner", time_zone="Europe/Berlin")
    return make_feed(make_store, store=store, opens_at=time(9), closes_at=time(20))


def test_there_are_five_a_day_within_the_hours(feed: Feed) -> None:
    found = live_samples.drawn(feed, DAY)

    assert len(found) == 5
    assert min(found) >= datetime(2026, 11, 26, 8, tzinfo=UTC)
    assert max(found) <= datetime(2026, 11, 26, 19, tzinfo=UTC) - timedelta(seconds=10)
    assert all(other - one >= timedelta(seconds=40) for one, other in pairwise(found))


def test_the_draw_is_repeated_after_a_restart_and_another_one_each_day(feed: Feed) -> None:
    assert live_samples.drawn(feed, DAY) == live_samples.drawn(feed, DAY)
    assert live_samples.drawn(feed, DAY) != live_samples.drawn(feed, DAY + timedelta(days=1))


def test_every_part_of_the_day_is_equally_likely(feed: Feed) -> None:
    days = [DAY + timedelta(days=number) for number in range(400)]

    seconds = [
        (moment - live_samples.hours(feed, day)[0]).total_seconds()
        for day in days
        for moment in live_samples.drawn(feed, day)
    ]

    counts, _ = np.histogram(seconds, bins=11, range=(0, 11 * 3600))
    assert counts.sum() == 2000
    assert counts.min() > 130  # of 182; the standard deviation is 13
    assert counts.max() < 235


def test_hours_may_end_after_midnight(feed: Feed) -> None:
    feed.opens_at, feed.closes_at = time(18), time(2)

    begin, end = live_samples.hours(feed, DAY)

    assert (begin.hour, end.hour, end.day) == (17, 1, 27)


def test_without_hours_it_is_the_whole_day_of_the_store(feed: Feed) -> None:
    feed.opens_at = feed.closes_at = None

    begin, end = live_samples.hours(feed, date(2026, 10, 25))  # clocks are set back

    assert end - begin == timedelta(hours=25)


def test_hours_that_are_too_short_for_five_clips_have_none(feed: Feed) -> None:
    feed.opens_at, feed.closes_at = time(9), time(9, 2)

    assert live_samples.drawn(feed, DAY) == []


def test_due_is_what_was_seen_as_a_whole_and_is_not_kept_yet(
    feed: Feed, make_clip: MakeClip
) -> None:
    first, second, *_ = live_samples.drawn(feed, DAY)
    long_before = first - timedelta(minutes=1)

    assert live_samples.due(feed, long_before, first + timedelta(seconds=9)) == []
    assert live_samples.due(feed, long_before, first + timedelta(seconds=10)) == [first]
    assert live_samples.due(feed, first + timedelta(seconds=1), second) == []

    make_clip(
        camera=feed.camera,
        store=feed.camera.store,
        origin=Origin.SAMPLE,
        recorded_at=first - timedelta(seconds=2),
        recorded_from=RecordedFrom.LIVE,
    )

    assert live_samples.due(feed, long_before, first + timedelta(seconds=10)) == []


def test_the_draw_can_not_be_told_without_the_key(feed: Feed, settings: Settings) -> None:
    before = live_samples.drawn(feed, DAY)
    settings.SECRET_KEY = "another"

    assert live_samples.drawn(feed, DAY) != before
