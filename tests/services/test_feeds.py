"""What managers choose of live cameras: how it is kept, refused, noted and told."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeClip, MakeModel, MakeStore
from tests.makers.deliveries import make_channel
from tests.makers.feeds import ADDRESS, make_feed
from video_classifier.models import AuditEntry, Camera, Channel, Feed, FeedHour, LiveEvent, Store
from video_classifier.services import addresses, feeds
from video_classifier.services.addresses import AddressError
from video_classifier.services.errors import Refused
from video_classifier.services.feeds import Choices
from video_classifier.states import Action, Fault, FeedState

CHOICES = Choices(model="standard", address=ADDRESS)
NIGHT: dict[str, Any] = {"opens_at": time(22), "closes_at": time(6)}


@pytest.fixture(autouse=True)
def _model(make_model: MakeModel, db: None) -> None:
    make_model()


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    return make_store("Harbour", time_zone="Europe/Berlin")


def create(store: Store, user: User, name: str = "Back door", **changes: Any) -> Feed:
    return feeds.create(store, name, replace(CHOICES, **changes), by=user)


def change(feed: Feed, user: User, name: str = "Back door", **changes: Any) -> Feed:
    feeds.change(feed, name, replace(CHOICES, address="", **changes), by=user)
    return Feed.objects.get(pk=feed.pk)


def noted() -> list[tuple[str, int | None, str, str, Any]]:
    found = AuditEntry.objects.filter(object_type="camera").order_by("id")
    return list(found.values_list("action", "actor", "object_type", "object_id", "details"))


# Creating


def test_a_new_camera_is_off_and_alerts_nobody(store: Store, user: User) -> None:
    feed = create(store, user)

    assert (feed.camera.name, feed.camera.store) == ("Back door", store)
    assert (feed.is_enabled, feed.alerts, feed.state, feed.revision) == (False, False, "off", 1)
    assert (feed.pre_roll, feed.post_roll, feed.ignored_zones) == (5, 5, [])
    assert feeds.is_open_at(feed, timezone.now())
    assert noted() == [(Action.FEED_ADDED, user.pk, "camera", str(feed.pk), {})]


def test_its_address_is_sealed_and_comes_back(store: Store, user: User) -> None:
    create(store, user, sub_address=" rtsp://192.168.1.20/small ")

    feed = Feed.objects.get()
    kept = " ".join(str(value) for value in Feed.objects.values_list()[0])
    assert "pa55word" not in kept
    assert "192.168" not in kept
    assert feeds.address_of(feed) == addresses.parse(ADDRESS)
    assert feeds.sub_address_of(feed) == addresses.parse("rtsp://192.168.1.20/small")
    assert feeds.masked(feed) == "rtsp://•••@192.168.1.20/•••"


def test_without_a_smaller_stream_there_is_none(store: Store, user: User) -> None:
    assert feeds.sub_address_of(create(store, user)) is None


def test_a_camera_that_has_clips_can_be_watched_too(
    store: Store, user: User, make_clip: MakeClip
) -> None:
    camera = Camera.objects.create(store=store, name="Back door")
    make_clip(store=store, camera=camera)

    assert create(store, user, "  Back door\u202e ").camera == camera


def test_a_camera_is_watched_once(store: Store, user: User) -> None:
    create(store, user)

    with pytest.raises(Refused) as caught:
        create(store, user)

    assert str(caught.value) == feeds.NAME_TAKEN
    assert Feed.objects.count() == 1


def test_another_store_has_cameras_of_the_same_names(
    store: Store, user: User, make_store: MakeStore
) -> None:
    create(store, user)

    assert create(make_store("North"), user).camera.store.name == "North"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"address": ""}, addresses.NO_ADDRESS),
        ({"address": "  "}, addresses.NO_ADDRESS),
        ({"address": "file:///etc/passwd"}, addresses.WRONG_SCHEME),
        ({"address": "rtsp://127.0.0.1/"}, addresses.NOT_ALLOWED),
        ({"sub_address": "rtsp://ada:pa55word@127.0.0.1/"}, addresses.NOT_ALLOWED),
        ({"sub_address": "http://10.0.0.1/live.m3u8"}, addresses.PLAYLIST),
        ({"model": "nobody's"}, "There is no model “nobody's”. Choose one that is offered."),
        ({"model": "../standard"}, "There is no model “../standard”. Choose one that is offered."),
        ({"opens_at": time(8)}, feeds.HALF_HOURS),
        ({"closes_at": time(8)}, feeds.HALF_HOURS),
        ({"opens_at": time(8), "closes_at": time(8)}, feeds.NO_HOURS),
        ({"pre_roll": 31}, feeds.WRONG_ROLL),
        ({"pre_roll": -1}, feeds.WRONG_ROLL),
        ({"post_roll": 31}, feeds.WRONG_ROLL),
        ({"name": ""}, feeds.NO_NAME),
        ({"name": " \u202e\n"}, feeds.NO_NAME),
        ({"name": "x" * 101}, feeds.LONG_NAME),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_makes_no_sense_is_refused(
    store: Store, user: User, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refused) as caught:
        create(store, user, **changes)

    assert str(caught.value) == sentence
    assert not Camera.objects.filter(store=store).exists()
    assert noted() == []


def test_a_name_that_nobody_can_resolve_is_refused(
    store: Store, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(AddressError) as caught:
        create(store, user, address="rtsp://camera.example/")

    assert caught.value.fault == Fault.NAME


# Changing


def test_a_change_is_noticed_by_the_watcher(store: Store, user: User) -> None:
    feed = create(store, user)

    changed = change(feed, user, pre_roll=9, **NIGHT)

    assert (changed.revision, changed.pre_roll, changed.opens_at) == (2, 9, time(22))
    assert noted()[-1] == (
        *(Action.FEED_CHANGED, user.pk, "camera", str(feed.pk)),
        {"changed": "closes_at, opens_at, pre_roll"},
    )


def test_an_address_stays_unless_another_one_is_typed(store: Store, user: User) -> None:
    feed = create(store, user, sub_address="rtsp://10.0.0.1/small")

    changed = change(feed, user, post_roll=9)
    assert changed.sealed_address == feed.sealed_address
    assert changed.sealed_sub_address == feed.sealed_sub_address

    feeds.change(feed, "Back door", replace(CHOICES, address="rtsp://10.0.0.9/"), by=user)
    changed = Feed.objects.get()
    assert feeds.masked(changed) == "rtsp://10.0.0.9/"
    assert noted()[-1][-1] == {"changed": "address, post_roll"}


def test_the_smaller_stream_can_be_dropped(store: Store, user: User) -> None:
    feed = create(store, user, sub_address="rtsp://10.0.0.1/small")

    changed = change(feed, user, drop_sub_address=True)

    assert feeds.sub_address_of(changed) is None


def test_nothing_new_is_no_change(store: Store, user: User) -> None:
    feed = create(store, user)

    assert change(feed, user).revision == 1
    assert len(noted()) == 1


def test_a_change_leaves_the_state_to_the_watcher(store: Store, user: User) -> None:
    feed = create(store, user)
    now = timezone.now()
    Feed.objects.update(
        worker="one", heartbeat_at=now, state=FeedState.ONLINE, stride=2.5, alerts=True
    )

    changed = change(feed, user, pre_roll=1)

    assert (changed.worker, changed.state, changed.stride) == ("one", FeedState.ONLINE, 2.5)
    assert changed.alerts


def test_a_camera_can_be_renamed(store: Store, user: User) -> None:
    feed = create(store, user)

    assert change(feed, user, "Front door").camera.name == "Front door"
    assert noted()[-1][-1] == {"changed": "name"}  # and not which


def test_a_name_of_another_camera_is_refused(store: Store, user: User) -> None:
    feed = create(store, user)
    Camera.objects.create(store=store, name="Front door")

    with pytest.raises(Refused) as caught:
        change(feed, user, "Front door", pre_roll=9)

    assert str(caught.value) == feeds.NAME_TAKEN
    assert Feed.objects.get().pre_roll == 5


@pytest.mark.parametrize(
    "changes",
    [{"pre_roll": 31}, {"model": "gone"}, {"opens_at": time(8)}, {"sub_address": "rtsp://[::1]"}],
    ids=str,
)
def test_a_change_that_makes_no_sense_changes_nothing(
    store: Store, user: User, changes: dict[str, Any]
) -> None:
    feed = create(store, user)

    with pytest.raises(Refused):
        change(feed, user, "Front door", **changes)

    assert Feed.objects.values().get() == Feed.objects.filter(revision=1).values().get()
    assert Camera.objects.get(pk=feed.pk).name == "Back door"


def test_a_camera_that_was_removed_meanwhile_is_not_changed(store: Store, user: User) -> None:
    feed = create(store, user)
    Feed.objects.all().delete()

    with pytest.raises(Refused) as caught:
        change(feed, user, pre_roll=9)

    assert str(caught.value) == feeds.GONE


# Switching


def test_it_is_enabled_and_disabled_once(store: Store, user: User) -> None:
    feed = create(store, user)

    assert [feeds.enable(feed, by=user), feeds.enable(feed, by=user)] == [True, False]
    assert (Feed.objects.get().is_enabled, Feed.objects.get().revision) == (True, 2)
    assert [feeds.disable(feed, by=user), feeds.disable(feed, by=user)] == [True, False]
    assert (Feed.objects.get().is_enabled, Feed.objects.get().revision) == (False, 3)
    assert [entry[0] for entry in noted()[1:]] == [Action.FEED_ENABLED, Action.FEED_DISABLED]


def test_it_is_not_enabled_with_a_model_that_is_gone(user: User) -> None:
    feed = make_feed(model="gone")

    with pytest.raises(Refused, match="no model “gone”"):
        feeds.enable(feed, by=user)

    assert not Feed.objects.get().is_enabled


def test_alerts_are_switched_without_a_new_connection(store: Store, user: User) -> None:
    feed = create(store, user)

    for on, done in [(True, True), (True, False), (False, True)]:
        assert feeds.switch_alerts(feed, on=on, by=user) == done
        assert Feed.objects.get().alerts == on

    assert Feed.objects.get().revision == 1
    assert [entry[0] for entry in noted()[1:]] == [Action.ALERTS_ON, Action.ALERTS_OFF]


# Removing


def test_a_camera_without_clips_is_removed_with_all_that_is_kept(store: Store, user: User) -> None:
    feed = create(store, user)
    FeedHour.objects.create(camera=feed.camera, start=datetime(2026, 11, 26, 8, tzinfo=UTC))

    assert feeds.remove(feed, by=user)

    assert not Camera.objects.filter(store=store).exists()
    assert not FeedHour.objects.exists()
    assert noted()[-1] == (Action.FEED_REMOVED, user.pk, "camera", str(feed.pk), {})
    assert not feeds.remove(feed, by=user)


def test_who_heard_of_a_removed_camera_alone_does_not_hear_of_all(store: Store, user: User) -> None:
    """As channels do that name no camera."""
    feed, other = create(store, user), make_feed("Other", store=store)
    alone, both = (make_channel(name, stores=(store,)) for name in ("alone", "both"))
    alone.cameras.set([feed.camera])
    both.cameras.set([feed.camera, other.camera])

    feeds.remove(feed, by=user)

    assert list(Channel.objects.filter(is_enabled=True)) == [both]
    assert list(both.cameras.all()) == [other.camera]
    switched_off = AuditEntry.objects.get(action=Action.CHANNEL_CHANGED)
    assert (switched_off.object_id, switched_off.details) == (str(alone.pk), {"changed": "off"})


def test_a_camera_that_stays_is_told_of_as_before(
    store: Store, user: User, make_clip: MakeClip
) -> None:
    feed, channel = create(store, user), make_channel(stores=(store,))
    make_clip(store=store, camera=feed.camera)
    channel.cameras.set([feed.camera])

    feeds.remove(feed, by=user)

    assert Channel.objects.get().is_enabled


def test_a_camera_with_clips_stays(store: Store, user: User, make_clip: MakeClip) -> None:
    feed = create(store, user)
    make_clip(store=store, camera=feed.camera)

    feeds.remove(feed, by=user)

    assert Camera.objects.filter(pk=feed.pk).exists()
    assert not Feed.objects.exists()


def test_a_camera_with_events_stays(store: Store, user: User) -> None:
    feed = create(store, user)
    now = timezone.now()
    moments = dict.fromkeys(("started_at", "ended_at", "peak_at", "opened_at"), now)
    LiveEvent.objects.create(camera=feed.camera, score=0.9, threshold=0.5, **moments)

    feeds.remove(feed, by=user)

    assert Camera.objects.filter(pk=feed.pk).exists()
    assert LiveEvent.objects.exists()


# A lost key


def test_with_a_lost_key_the_address_has_to_be_typed_again(
    store: Store, user: User, settings: Settings
) -> None:
    feed = create(store, user)
    settings.SECRET_KEY = "another one"

    with pytest.raises(AddressError, match="type the address again") as caught:
        feeds.address_of(feed)
    assert caught.value.fault == Fault.ADDRESS
    assert feeds.masked(feed) == feeds.UNREADABLE

    feeds.change(feed, "Back door", CHOICES, by=user)
    assert feeds.masked(Feed.objects.get()) == "rtsp://•••@192.168.1.20/•••"


# Hours


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("opens", "closes", "moment", "is_open"),
    [
        ("08:00", "20:00", "2026-11-26T07:59:59+01:00", False),
        ("08:00", "20:00", "2026-11-26T08:00:00+01:00", True),
        ("08:00", "20:00", "2026-11-26T19:59:59+01:00", True),
        ("08:00", "20:00", "2026-11-26T20:00:00+01:00", False),
        ("08:00", "20:00", "2026-11-26T07:00:00+00:00", True),  # the store's clocks
        ("08:00", "20:00", "2026-07-26T06:00:00+00:00", True),
        ("22:00", "06:00", "2026-11-26T23:00:00+01:00", True),
        ("22:00", "06:00", "2026-11-26T00:00:00+01:00", True),
        ("22:00", "06:00", "2026-11-26T05:59:59+01:00", True),
        ("22:00", "06:00", "2026-11-26T06:00:00+01:00", False),
        ("22:00", "06:00", "2026-11-26T21:59:59+01:00", False),
        ("00:00", "06:00", "2026-11-26T00:00:00+01:00", True),
        ("22:00", "00:00", "2026-11-26T23:59:59+01:00", True),
        ("22:00", "00:00", "2026-11-27T00:00:00+01:00", False),
        # Clocks are set back at 3:00 on 25 October: 2:30 comes twice.
        ("02:30", "08:00", "2026-10-25T02:29:59+02:00", False),
        ("02:30", "08:00", "2026-10-25T02:30:00+02:00", True),
        ("02:30", "08:00", "2026-10-25T02:10:00+01:00", True),
        ("22:00", "02:30", "2026-10-25T02:40:00+02:00", True),
        ("22:00", "02:30", "2026-10-25T02:29:59+01:00", True),
        ("22:00", "02:30", "2026-10-25T02:30:00+01:00", False),
        # They are set on at 2:00 on 29 March: 2:30 doesn't come.
        ("02:30", "08:00", "2026-03-29T01:59:59+01:00", False),
        ("02:30", "08:00", "2026-03-29T03:30:00+02:00", True),
        ("22:00", "02:30", "2026-03-29T03:29:59+02:00", True),
        ("22:00", "02:30", "2026-03-29T03:30:00+02:00", False),
    ],
)
def test_hours_are_those_of_the_stores_clocks(
    store: Store, opens: str, closes: str, moment: str, *, is_open: bool
) -> None:
    feed = make_feed(
        store=store, opens_at=time.fromisoformat(opens), closes_at=time.fromisoformat(closes)
    )

    assert feeds.is_open_at(feed, at(moment)) == is_open


# Words


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_says_what_to_do(fault: Fault) -> None:
    feed = make_feed(is_enabled=True, state=FeedState.FAULTY, fault=fault)

    assert feeds.words(feed) == feeds.words_for(fault)
    assert feeds.words(feed).count(".") >= 2 or "go" in feeds.words(feed)
    assert len({feeds.words_for(each) for each in Fault}) == len(Fault)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "It is not watched."),
        ({"is_enabled": True}, "It waits for a watcher."),
        ({"is_enabled": True, **NIGHT}, "It is outside its hours"),
        ({"is_enabled": True, "state": FeedState.CONNECTING}, "connecting to the camera"),
        ({"is_enabled": True, "state": FeedState.ONLINE}, "It is being watched."),
    ],
    ids=str,
)
def test_each_state_has_its_words(fields: dict[str, Any], words: str) -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)

    assert words in feeds.words(make_feed(**fields), now=noon)


def test_what_was_typed_is_in_no_repr() -> None:
    """Which pages for developers show of a service that breaks."""
    typed = Choices(model="standard", address=ADDRESS, sub_address=ADDRESS)

    assert ADDRESS not in repr(typed)
