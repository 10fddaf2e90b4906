"""Which alert goes to which channel, at once, later or not at all, and that nothing is lost."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import MakeAnalysis, MakeClip, MakeStore
from tests.databases import plan, together
from tests.makers.deliveries import NOON, Clock, make_channel, make_event, make_watched, new_event
from video_classifier.models import (
    Alert,
    Analysis,
    AuditEntry,
    Channel,
    Delivery,
    Event,
    Feed,
    LiveEvent,
)
from video_classifier.services import alerts, database, deliveries
from video_classifier.states import (
    Action,
    AlertKind,
    Gathering,
    Origin,
    Status,
    Suppression,
)

NIGHT: dict[str, Any] = {"quiet_from": time(22), "quiet_until": time(7)}
LATE = datetime.fromisoformat("2026-11-26T23:00:00+00:00")
MORNING = datetime.fromisoformat("2026-11-27T07:00:00+00:00")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(database, "now", clock)
    return clock


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    return make_watched(store=make_store())


def tell(feed: Feed, **fields: object) -> Alert:
    alert = alerts.of_live_event(make_event(feed, database.now(), **fields))
    assert alert is not None
    return alert


def only() -> Delivery:
    return Delivery.objects.get()


def newest() -> Delivery:
    """Of an alert."""
    return Delivery.objects.filter(gathers="").latest("created_at")


def kinds() -> Counter[str]:
    """How many deliveries of alerts wait, or why they don't."""
    rows = Delivery.objects.filter(gathers="").values_list("suppression", flat=True)
    return Counter(each or "waits" for each in rows)


# What is told


def test_an_event_is_told_once_it_opens(feed: Feed) -> None:
    channel = make_channel()
    event = make_event(feed)

    alert = alerts.of_live_event(event)

    assert alert == Alert.objects.get()
    assert (alert.kind, alert.live_event, alert.happened_at) == ("live", event, NOON)
    assert (alert.camera, alert.store) == (feed.camera, feed.camera.store)
    assert (alert.score, alert.threshold) == (0.9, 0.5)
    assert (only().alert, only().channel, only().status) == (alert, channel, Status.QUEUED)
    assert (only().channel_name, only().channel_kind) == ("Office", "email")
    assert only().not_before == NOON


def test_a_camera_that_only_measures_tells_nothing(feed: Feed) -> None:
    make_channel()
    Feed.objects.update(alerts=False)

    assert alerts.of_live_event(make_event(feed)) is None
    assert alerts.of_camera(feed, AlertKind.OFFLINE, NOON) is None
    assert not Alert.objects.exists()


def test_without_a_channel_there_is_an_alert_for_pages(feed: Feed) -> None:
    assert tell(feed) == Alert.objects.hints().get()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("fields", "is_told"),
    [
        ({}, True),
        ({"is_enabled": False}, False),
        ({"tells_live": False}, False),
        ({"least_score": 0.9}, True),
        ({"least_score": 0.91}, False),
        ({"all_stores": False}, False),
    ],
)
def test_a_channel_hears_what_it_wants(
    feed: Feed, fields: dict[str, Any], *, is_told: bool
) -> None:
    make_channel(**fields)

    tell(feed)

    assert Delivery.objects.exists() == is_told


def test_a_channel_hears_of_its_stores_and_cameras(feed: Feed, make_store: MakeStore) -> None:
    store, other = make_store(), make_store("Corner")
    second = make_watched("Back door", store=store)
    far = make_watched("Till", store=other)
    make_channel("both", stores=(store, other))
    make_channel("other", stores=(other,))
    make_channel("second", stores=(store,)).cameras.set([second.camera])

    tell(feed)
    tell(second)
    tell(far)

    told = Delivery.objects.order_by("channel_name", "created_at")
    assert Counter(told.values_list("channel_name", "alert__camera")) == Counter(
        {
            ("both", feed.pk): 1,
            ("both", second.pk): 1,
            ("both", far.pk): 1,
            ("other", far.pk): 1,
            ("second", second.pk): 1,
        }
    )


# Recordings


def analyzed(analysis: Analysis) -> Analysis:
    """With its event."""
    segment = analysis.segments.get()
    Event.objects.create(
        analysis=analysis, segment=segment, number=1, start=60.0, end=70.0, peak=65.0, score=0.9
    )
    return analysis


def test_a_recording_is_told_as_of_when_it_was_recorded(
    feed: Feed, make_analysis: MakeAnalysis, make_clip: MakeClip
) -> None:
    make_channel()
    clip = make_clip(camera=feed.camera, recorded_at=NOON, recorded_from="given")
    analysis = analyzed(make_analysis(clip=clip, status=Status.DONE))

    alert = alerts.of_analysis(analysis)

    assert alert is not None
    assert (alert.kind, alert.analysis, alert.score) == ("recording", analysis, 0.9)
    assert alert.happened_at == NOON + timedelta(minutes=1)
    assert (alert.camera, only().alert) == (feed.camera, alert)


def test_a_recording_is_told_only_where_somebody_wants_it(make_analysis: MakeAnalysis) -> None:
    make_channel(tells_recordings=False)
    analysis = analyzed(make_analysis(status=Status.DONE))

    assert alerts.of_analysis(analysis) is None
    assert not Alert.objects.exists()


def test_without_an_event_nothing_is_told(make_analysis: MakeAnalysis) -> None:
    make_channel()

    assert alerts.of_analysis(make_analysis(status=Status.DONE)) is None


@pytest.mark.parametrize("origin", [Origin.EVENT, Origin.SAMPLE])
def test_clips_of_live_cameras_are_not_told_again(
    make_analysis: MakeAnalysis, make_clip: MakeClip, origin: Origin
) -> None:
    make_channel()
    analysis = analyzed(make_analysis(clip=make_clip(origin=origin), status=Status.DONE))

    assert alerts.of_analysis(analysis) is None


# Cool-downs


def test_a_cameras_cool_down_holds_back_its_next_hints(feed: Feed, clock: Clock) -> None:
    make_channel(camera_pause=60)
    other = make_watched("Back door")
    tell(feed)

    clock.go_on(seconds=59)
    tell(feed)
    tell(other)
    assert kinds() == {"waits": 2, Suppression.CAMERA: 1}

    clock.go_on(seconds=1)  # from the last that was told on
    tell(feed)
    assert kinds() == {"waits": 3, Suppression.CAMERA: 1}


def test_a_channels_cool_down_holds_back_those_of_all_cameras(feed: Feed, clock: Clock) -> None:
    make_channel(pause=60)
    tell(feed)

    clock.go_on(seconds=30)
    tell(make_watched("Back door"))

    assert newest().suppression == Suppression.CHANNEL
    assert newest().status == Status.CANCELLED


def test_cool_downs_are_for_hints_of_one_kind(
    feed: Feed, make_analysis: MakeAnalysis, make_clip: MakeClip
) -> None:
    """A recording that was uploaded just now keeps no live event back."""
    make_channel(camera_pause=60, pause=60)
    clip = make_clip(camera=feed.camera)
    alerts.of_analysis(analyzed(make_analysis(clip=clip, status=Status.DONE)))

    tell(feed)
    alerts.of_camera(feed, AlertKind.OFFLINE, NOON)

    assert kinds() == {"waits": 3}


def test_a_clock_that_was_set_back_holds_nothing_back(feed: Feed, clock: Clock) -> None:
    make_channel(camera_pause=60)
    tell(feed)

    clock.go_on(hours=-1)
    tell(feed)

    assert kinds() == {"waits": 2}


# Quiet hours


def test_quiet_hours_gather_a_digest_for_their_end(feed: Feed, clock: Clock) -> None:
    make_channel(**NIGHT)
    clock.now = LATE

    tell(feed)
    clock.go_on(hours=2)
    tell(feed)

    digest = Delivery.objects.digests().get()
    assert (digest.gathers, digest.status) == (Gathering.QUIET, Status.QUEUED)
    assert digest.not_before == MORNING
    assert digest.members.count() == 2
    assert kinds() == {Suppression.DIGEST: 2}
    clock.now = MORNING
    tell(feed)
    assert newest().status == Status.QUEUED


def test_quiet_hours_are_those_of_the_alerts_store(
    feed: Feed, make_store: MakeStore, clock: Clock
) -> None:
    make_channel(**NIGHT)
    far = make_watched("Till", store=make_store("Far", time_zone="Asia/Tokyo"))
    clock.now = LATE - timedelta(hours=3)  # 5:00 in Tokyo

    tell(feed)
    tell(far)

    (held,) = Delivery.objects.digests()
    assert held.not_before == LATE - timedelta(hours=1)
    assert Alert.objects.get(deliveries__digest=held).camera == far.camera


@pytest.mark.parametrize("breaks", [True, False])
def test_faults_obey_quiet_hours_unless_they_break_them(
    feed: Feed, clock: Clock, *, breaks: bool
) -> None:
    make_channel(**NIGHT, faults_break_quiet=breaks)
    clock.now = LATE

    alerts.of_camera(feed, AlertKind.OFFLINE, LATE)
    tell(feed)

    assert kinds() == ({"waits": 1, "digest": 1} if breaks else {"digest": 2})


def test_a_digest_that_was_claimed_takes_no_more(feed: Feed, clock: Clock) -> None:
    channel = make_channel(**NIGHT)
    clock.now = LATE
    tell(feed)
    clock.now = MORNING
    sent = deliveries.claim_next(worker="one")

    clock.now = MORNING - timedelta(seconds=1)  # who counts looked before
    tell(feed)

    assert sent is not None
    assert sent.members.count() == 1
    assert channel.deliveries.digests().count() == 2


# Floods


def flood(feed: Feed, clock: Clock, *, alerts: int, seconds: float) -> None:
    for _ in range(alerts):
        tell(feed)
        clock.go_on(seconds=seconds)


def test_more_than_five_in_ten_minutes_become_a_digest(feed: Feed, clock: Clock) -> None:
    make_channel()

    flood(feed, clock, alerts=8, seconds=10)

    digest = Delivery.objects.digests().get()
    assert kinds() == {"waits": 5, Suppression.DIGEST: 3}
    assert (digest.gathers, digest.members.count()) == (Gathering.FLOOD, 3)
    assert digest.not_before == NOON + timedelta(seconds=50) + alerts.GATHERED_FOR


def test_as_long_as_the_rate_stays_there_is_a_digest_every_ten_minutes(
    feed: Feed, clock: Clock
) -> None:
    make_channel()

    flood(feed, clock, alerts=60, seconds=60)

    assert kinds() == {"waits": 5, Suppression.DIGEST: 55}
    assert [each.members.count() for each in Delivery.objects.digests()] == [11] * 5


def test_after_ten_quiet_minutes_alerts_are_sent_one_by_one_again(feed: Feed, clock: Clock) -> None:
    make_channel()
    flood(feed, clock, alerts=8, seconds=1)

    clock.go_on(minutes=10)
    tell(feed)

    assert newest().status == Status.QUEUED


def test_what_a_cool_down_suppressed_makes_no_flood(feed: Feed, clock: Clock) -> None:
    make_channel(camera_pause=60)

    flood(feed, clock, alerts=60, seconds=5)

    assert kinds() == {"waits": 5, Suppression.CAMERA: 55}


def test_what_was_held_in_quiet_hours_makes_no_flood(feed: Feed, clock: Clock) -> None:
    """It came as one message."""
    make_channel(**NIGHT)
    clock.now = MORNING - timedelta(minutes=1)
    flood(feed, clock, alerts=8, seconds=1)

    clock.now = MORNING
    tell(feed)

    assert newest().status == Status.QUEUED


def test_a_floods_digest_is_not_sent_in_quiet_hours(feed: Feed, clock: Clock) -> None:
    make_channel(**NIGHT)
    clock.now = LATE - timedelta(hours=1, minutes=5)

    flood(feed, clock, alerts=6, seconds=1)

    assert Delivery.objects.digests().get().not_before == MORNING


def test_ten_thousand_events_in_an_hour_are_few_messages_and_all_in_the_log(
    feed: Feed, clock: Clock
) -> None:
    """Of which the last hundred are told here, the others were gathered before."""
    channel = make_channel()
    every = [NOON + timedelta(seconds=0.36 * number) for number in range(10_000)]
    gathered(channel, every[:9_900])
    events = LiveEvent.objects.bulk_create([new_event(feed, at) for at in every[9_900:]])

    for event in events:
        clock.now = event.started_at
        alerts.of_live_event(event)

    assert kinds() == {Suppression.DIGEST: 10_000}
    newest, before = Delivery.objects.digests()
    assert (before.members.count(), newest.members.count()) == (9_900, 100)


def gathered(channel: Channel, moments: list[datetime]) -> None:
    """The rows of alerts that a digest was sent of."""
    usual = {"channel": channel, "channel_name": channel.name, "channel_kind": channel.kind}
    sent = {"status": Status.DONE, "sent_at": NOON, "created_at": NOON}
    digest = Delivery.objects.create(gathers=Gathering.FLOOD, **usual, **sent)
    told = [Alert(kind=AlertKind.LIVE, happened_at=at, created_at=at) for at in moments]
    Alert.objects.bulk_create(told)
    held = {"status": Status.CANCELLED, "suppression": Suppression.DIGEST, "digest": digest}
    Delivery.objects.bulk_create(
        Delivery(alert=each, created_at=each.created_at, **usual, **held) for each in told
    )


# Faults


def test_a_camera_is_offline_once_and_back_once(feed: Feed, clock: Clock) -> None:
    make_channel()
    told = []

    for kind in (AlertKind.BACK, *[AlertKind.OFFLINE] * 2, *[AlertKind.BACK] * 2):
        told.append(alerts.of_camera(feed, kind, NOON))
        clock.go_on(seconds=15)

    assert [each and each.kind for each in told] == [None, "offline", None, "back", None]


def test_a_disk_is_told_once_a_day_to_whoever_hears_of_faults(
    make_store: MakeStore, clock: Clock
) -> None:
    make_channel("deaf", tells_faults=False)
    make_channel(stores=(make_store(),))

    first = alerts.of_disk(5)
    clock.go_on(hours=23)
    again = alerts.of_disk(4)
    clock.go_on(hours=1)
    later = alerts.of_disk(3)

    assert first is not None
    assert first.details == {"free_bytes": 5}
    assert (again, later is not None) == (None, True)
    assert kinds() == {"waits": 2}


@pytest.mark.django_db(transaction=True)
def test_two_processes_tell_a_fault_once(make_store: MakeStore) -> None:
    feed = make_watched(store=make_store())
    make_channel()

    offline = together(lambda: alerts.of_camera(feed, AlertKind.OFFLINE, NOON), times=4)
    full = together(lambda: alerts.of_disk(5), times=4)

    assert [len([each for each in told if each]) for told in (offline, full)] == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_two_watchers_do_not_count_past_each_other(make_store: MakeStore) -> None:
    feeds = iter([make_watched(str(number), store=make_store()) for number in range(8)])
    make_channel()

    together(lambda: tell(next(feeds)), times=8)

    assert kinds() == {"waits": 5, Suppression.DIGEST: 3}
    assert Delivery.objects.digests().get().members.count() == 3


# Tests


def test_a_test_is_sent_at_once_whatever_the_channel_is_set_to(user: User, clock: Clock) -> None:
    channel = make_channel(**NIGHT, is_enabled=False)
    clock.now = LATE

    delivery = alerts.test(channel, user)

    assert Alert.objects.get().kind == "test"
    assert (delivery.status, delivery.not_before) == ("queued", LATE)
    entry = AuditEntry.objects.get(action=Action.CHANNEL_TESTED)
    assert (entry.actor, entry.object_id) == (user.pk, str(channel.pk))


def test_tests_make_no_flood(feed: Feed, user: User) -> None:
    channel = make_channel()
    for _ in range(9):
        alerts.test(channel, user)

    tell(feed)

    assert kinds() == {"waits": 10}


# Afterwards


def test_alerts_are_kept_for_ninety_days(feed: Feed, clock: Clock) -> None:
    make_channel()
    flood(feed, clock, alerts=7, seconds=1)

    clock.now = NOON + alerts.KEEP
    assert alerts.purge() == 0
    clock.go_on(seconds=60)
    tell(feed)

    assert alerts.purge() == 7
    assert Alert.objects.get() == newest().alert
    assert not Delivery.objects.digests().exists()


def test_what_came_before_is_found_by_an_index(feed: Feed) -> None:
    channel = make_channel()
    alert = tell(feed)

    found = alerts._told(channel, alert, within=timedelta(minutes=10))

    # Of few rows either is as good.
    assert re.search("delivery_(of_channel|by_time)", plan(found))


def test_a_channel_that_is_deleted_leaves_its_log(feed: Feed) -> None:
    channel = make_channel()
    tell(feed)

    Channel.objects.filter(pk=channel.pk).delete()

    assert (only().channel, only().channel_name) == (None, "Office")
