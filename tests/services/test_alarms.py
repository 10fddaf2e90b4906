"""Cameras that give no pictures, and a disk that is nearly full."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from tests.conftest import MakeStore
from tests.makers.deliveries import NOON, Clock, make_watched
from video_classifier.models import Alert, Feed
from video_classifier.services import database, disk
from video_classifier.services.alarms import Lookout
from video_classifier.states import Fault, FeedState

STALLED = {"state": FeedState.FAULTY, "fault": Fault.STALLED}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(database, "now", clock)
    monkeypatch.setattr(disk, "LIVE_SHARE", 0.0)  # the disk of who tests is no matter
    return clock


@pytest.fixture
def lookout() -> Lookout:
    return Lookout()


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    return make_watched(store=make_store(), state=FeedState.ONLINE, last_picture_at=NOON)


def look(lookout: Lookout, clock: Clock, *, minutes: float, **fields: Any) -> list[str]:
    """Every 15 s; the kinds of alerts that were told until then. `fields` are the camera's."""
    Feed.objects.update(**fields)
    for _ in range(int(minutes * 4)):
        lookout.look()
        clock.go_on(seconds=15)
    lookout.look()
    return list(Alert.objects.order_by("created_at", "pk").values_list("kind", flat=True))


def test_a_camera_that_gives_pictures_is_not_told(
    lookout: Lookout, feed: Feed, clock: Clock
) -> None:
    for _ in range(8):
        assert look(lookout, clock, minutes=1, last_picture_at=clock.now) == []


def test_a_camera_without_pictures_for_five_minutes_is_told_once(
    lookout: Lookout, feed: Feed, clock: Clock
) -> None:
    assert look(lookout, clock, minutes=4.5, **STALLED) == []
    assert look(lookout, clock, minutes=0.5) == ["offline"]
    assert look(lookout, clock, minutes=60) == ["offline"]

    alert = Alert.objects.get()
    assert (alert.camera, alert.store) == (feed.camera, feed.camera.store)
    assert (alert.happened_at, alert.details) == (NOON, {"fault": "stalled"})


def test_its_return_is_told_once(lookout: Lookout, feed: Feed, clock: Clock) -> None:
    look(lookout, clock, minutes=6, **STALLED)
    online = {"state": FeedState.ONLINE, "fault": ""}

    assert look(lookout, clock, minutes=0, **online, last_picture_at=clock.now) == [
        "offline",
        "back",
    ]
    assert look(lookout, clock, minutes=1) == ["offline", "back"]
    assert look(lookout, clock, minutes=5) == ["offline", "back", "offline"]


def test_a_camera_whose_watcher_died_is_offline(lookout: Lookout, feed: Feed, clock: Clock) -> None:
    """Its row says that it is well, or that it is off."""
    assert look(lookout, clock, minutes=3) == []
    assert look(lookout, clock, minutes=2, state=FeedState.OFF) == ["offline"]


@pytest.mark.parametrize("fields", [{"is_enabled": False}, {"alerts": False}])
def test_a_camera_that_is_not_to_be_watched_is_not_told(
    lookout: Lookout, feed: Feed, clock: Clock, fields: dict[str, bool]
) -> None:
    assert look(lookout, clock, minutes=10, **fields) == []


def test_a_camera_that_is_enabled_has_five_minutes(
    lookout: Lookout, feed: Feed, clock: Clock
) -> None:
    long_ago = NOON - timedelta(days=1)
    look(lookout, clock, minutes=10, is_enabled=False, last_picture_at=long_ago)

    assert look(lookout, clock, minutes=4.75, is_enabled=True) == []
    assert look(lookout, clock, minutes=0.25) == ["offline"]
    assert Alert.objects.get().happened_at == NOON + timedelta(minutes=10)


def test_a_camera_that_never_gave_a_picture_is_told(
    lookout: Lookout, feed: Feed, clock: Clock
) -> None:
    assert look(lookout, clock, minutes=5, last_picture_at=None) == ["offline"]


def test_outside_its_hours_a_camera_gives_no_pictures(
    lookout: Lookout, feed: Feed, clock: Clock
) -> None:
    hours = {"opens_at": time(13), "closes_at": time(20)}

    assert look(lookout, clock, minutes=64, **hours) == []
    assert look(lookout, clock, minutes=1) == ["offline"]


def test_a_machine_that_slept_counts_anew(lookout: Lookout, feed: Feed, clock: Clock) -> None:
    look(lookout, clock, minutes=1)
    clock.go_on(hours=8)

    assert look(lookout, clock, minutes=4.5) == []


def test_of_two_processes_one_tells(lookout: Lookout, feed: Feed, clock: Clock) -> None:
    other = Lookout()
    other.look()

    look(lookout, clock, minutes=5)
    other.look()

    assert Alert.objects.count() == 1


@pytest.mark.django_db
def test_a_disk_below_the_floor_is_told_once_a_day(
    lookout: Lookout, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "is_nearly_full", lambda: True)
    monkeypatch.setattr(disk, "free", lambda: 5)

    assert look(lookout, clock, minutes=60) == ["disk"]
    clock.go_on(days=1)
    assert look(lookout, clock, minutes=0) == ["disk", "disk"]
    assert Alert.objects.first().details == {"free_bytes": 5}  # type: ignore[union-attr]


def test_a_disk_on_which_cameras_keep_no_more_clips_is_told_where_there_are_any(
    lookout: Lookout, feed: Feed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "is_low", lambda: True)

    assert look(lookout, clock, minutes=0, is_enabled=False) == []
    assert look(lookout, clock, minutes=0, is_enabled=True) == ["disk"]


def test_it_looks_every_15_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: shown[0])
    looks: list[int] = []
    lookout = Lookout()
    monkeypatch.setattr(lookout, "look", lambda: looks.append(1))

    for _ in range(60):
        lookout.look_if_due()
        shown[0] += 1

    assert len(looks) == 3
