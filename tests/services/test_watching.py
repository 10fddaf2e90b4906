"""Who watches a camera, and what is written of how it fares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from django.utils import timezone

from tests.conftest import MakeStore
from tests.databases import together
from video_classifier.models import Camera, Feed, FeedHour, Store
from video_classifier.services import watching
from video_classifier.services.watching import Report, Reports, Tally
from video_classifier.states import Fault, FeedState

HOUR = datetime(2026, 11, 26, 14, tzinfo=UTC)
LONG_AGO = timedelta(minutes=5)


def make_feed(
    make_store: MakeStore, name: str = "Till", *, store: Store | None = None, **fields: object
) -> Feed:
    camera = Camera.objects.create(store=store or make_store(), name=name)
    return Feed.objects.create(camera=camera, **{"model": "standard", "is_enabled": True} | fields)


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    return make_feed(make_store)


def row(feed: Feed) -> Feed:
    return Feed.objects.get(pk=feed.pk)


# The lease


def test_a_camera_is_claimed_by_one(feed: Feed) -> None:
    assert watching.claim(worker="one", most=5) == [feed.pk]
    assert watching.claim(worker="two", most=5) == []
    assert [each.pk for each in watching.held(worker="one")] == [feed.pk]
    assert watching.held(worker="two") == []


def test_no_more_cameras_are_claimed_than_there_is_room_for(make_store: MakeStore) -> None:
    feeds = [make_feed(make_store, name) for name in "abc"]

    assert watching.claim(worker="one", most=2) == [feeds[0].pk, feeds[1].pk]
    assert watching.claim(worker="one", most=0) == []
    assert watching.claim(worker="two", most=2) == [feeds[2].pk]


def test_what_is_not_to_be_watched_is_not_claimed(make_store: MakeStore) -> None:
    make_feed(make_store, is_enabled=False)

    assert watching.claim(worker="one", most=5) == []
    assert not watching.is_wanted()


@pytest.mark.django_db(transaction=True)
def test_two_watchers_never_share_a_camera(make_store: MakeStore) -> None:
    feeds = [make_feed(make_store, str(number)) for number in range(4)]
    names = iter(("one", "two", "three", "four"))

    def claim() -> list[int]:
        return watching.claim(worker=next(names), most=9)

    claimed = list(chain.from_iterable(together(claim, times=4)))

    assert sorted(claimed) == [each.pk for each in feeds]


def test_a_camera_whose_watcher_died_is_claimed_by_another(feed: Feed) -> None:
    watching.claim(worker="dead", most=1)
    Reports("dead").write(feed.pk, Report(state=FeedState.ONLINE))
    Feed.objects.update(heartbeat_at=timezone.now() - LONG_AGO)

    assert watching.claim(worker="one", most=1) == [feed.pk]
    assert row(feed).state == FeedState.OFF
    assert not Reports("dead").write(feed.pk, Report(state=FeedState.ONLINE))
    assert row(feed).worker == "one"


def test_a_clock_that_was_set_back_keeps_no_dead_watcher_alive(feed: Feed) -> None:
    watching.claim(worker="dead", most=1)
    Feed.objects.update(heartbeat_at=timezone.now() + timedelta(hours=5))

    assert watching.turn_off_abandoned() == 1
    Feed.objects.update(worker="dead", heartbeat_at=timezone.now() + timedelta(hours=5))
    assert watching.claim(worker="one", most=1) == [feed.pk]


def test_a_heartbeat_keeps_a_camera(feed: Feed) -> None:
    watching.claim(worker="one", most=1)
    Feed.objects.update(heartbeat_at=timezone.now() - LONG_AGO)

    watching.beat(worker="one")

    assert watching.claim(worker="two", most=1) == []


def test_what_was_disabled_is_no_longer_held(feed: Feed) -> None:
    watching.claim(worker="one", most=1)
    Feed.objects.update(is_enabled=False)

    assert watching.held(worker="one") == []


def test_cameras_are_handed_back(feed: Feed) -> None:
    watching.claim(worker="one", most=1)
    Reports("one").write(feed.pk, Report(state=FeedState.FAULTY, fault=Fault.STALLED, score=0.5))

    assert watching.release(worker="one", but=[feed.pk]) == 0
    assert watching.release(worker="one") == 1

    found = row(feed)
    assert (found.worker, found.state, found.fault, found.score) == ("", FeedState.OFF, "", None)


def test_of_a_dead_watcher_nobody_believes_the_state(feed: Feed) -> None:
    watching.claim(worker="dead", most=1)
    Reports("dead").write(feed.pk, Report(state=FeedState.ONLINE))
    Feed.objects.update(heartbeat_at=timezone.now() - LONG_AGO)

    assert watching.turn_off_abandoned() == 1

    assert (row(feed).state, row(feed).worker) == (FeedState.OFF, "")


# The state


def test_a_state_is_written_with_its_beginning(feed: Feed) -> None:
    watching.claim(worker="one", most=1)
    before = timezone.now()
    report = Report(state=FeedState.ONLINE, codec="h264", width=640, height=360, stride=2.0)

    assert Reports("one").write(feed.pk, report)

    found = row(feed)
    assert (found.state, found.codec, found.width, found.stride) == ("online", "h264", 640, 2.0)
    assert found.since >= before


def test_what_does_not_change_is_not_written(feed: Feed) -> None:
    watching.claim(worker="one", most=1)
    reports, report = Reports("one"), Report(state=FeedState.ONLINE, score=0.5)
    reports.write(feed.pk, report)
    Feed.objects.update(score=0.1)

    reports.write(feed.pk, report)
    reports.write(feed.pk, Report(state=FeedState.ONLINE, score=0.9))  # sooner than a second later

    assert row(feed).score == 0.1


def test_changes_are_written_a_second_later(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    watching.claim(worker="one", most=1)
    reports = Reports("one")
    reports.write(feed.pk, Report(state=FeedState.ONLINE))
    since = row(feed).since
    monkeypatch.setattr(watching, "WRITE_SECONDS", 0.0)

    reports.write(feed.pk, Report(state=FeedState.ONLINE, score=0.9))

    assert (row(feed).score, row(feed).since) == (0.9, since)


def test_that_pictures_go_on_is_written_seldom(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    watching.claim(worker="one", most=1)
    monkeypatch.setattr(watching, "WRITE_SECONDS", 0.0)
    reports = Reports("one")
    reports.write(feed.pk, Report(state=FeedState.ONLINE, last_picture_at=HOUR))

    later = Report(state=FeedState.ONLINE, last_picture_at=HOUR + timedelta(seconds=1))
    reports.write(feed.pk, later)
    assert row(feed).last_picture_at == HOUR

    monkeypatch.setattr(watching, "PICTURE_SECONDS", 0.0)
    reports.write(feed.pk, later)
    assert row(feed).last_picture_at == later.last_picture_at


def test_what_is_known_of_a_camera_stays_known(feed: Feed) -> None:
    watching.claim(worker="one", most=1)
    Reports("one").write(feed.pk, Report(state=FeedState.ONLINE, codec="h264", width=640))

    Reports("one").write(feed.pk, Report(state=FeedState.FAULTY, fault=Fault.REFUSED))

    assert (row(feed).codec, row(feed).width, row(feed).fault) == ("h264", 640, Fault.REFUSED)


# The hours


def test_hours_add_up(feed: Feed) -> None:
    first = Tally(
        seconds_online=10.0, seconds_faulty={"stalled": 5.0}, scorings=4, longest_stride=3.0
    )
    second = Tally(
        seconds_online=20.0,
        seconds_faulty={"stalled": 1.0, "name": 2.0},
        reconnects=1,
        scorings=6,
        longest_stride=2.0,
        events=1,
    )

    for tally in (first, second):
        watching.count(feed.pk, tally, at=HOUR + timedelta(minutes=59))

    hour = FeedHour.objects.get()
    assert (hour.start, hour.seconds_online, hour.scorings) == (HOUR, 30.0, 10)
    assert hour.seconds_faulty == {"name": 2.0, "stalled": 6.0}
    assert (hour.longest_stride, hour.reconnects, hour.events) == (3.0, 1, 1)


def test_a_camera_that_is_gone_has_no_hours(feed: Feed) -> None:
    pk = feed.pk
    feed.delete()

    watching.count(pk, Tally(seconds_online=1.0), at=HOUR)

    assert not FeedHour.objects.exists()


def test_hours_are_kept_for_thirty_days(feed: Feed) -> None:
    for days in (0, 29, 31):
        FeedHour.objects.create(camera=feed.camera, start=timezone.now() - timedelta(days=days))

    assert watching.purge_hours() == 1
