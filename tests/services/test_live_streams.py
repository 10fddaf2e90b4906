"""Who watches a camera live, and for how long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone

from tests.conftest import MakeStore, MakeUser
from tests.makers.live_cameras import make_feed, show_picture
from video_classifier.models import Camera, Feed
from video_classifier.services import live_pictures, live_streams
from video_classifier.services.errors import Refused
from video_classifier.services.live_streams import NoRoomError
from video_classifier.states import Role


@pytest.fixture(autouse=True)
def _nobody_watches() -> Iterator[None]:
    live_streams._taken.clear()
    yield
    live_streams._taken.clear()


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    found = make_feed(make_store())
    show_picture(found)
    return found


def allowed() -> bool:
    return True


# How many


def test_a_user_has_two_streams_at_once() -> None:
    first = live_streams.take_place(1)
    live_streams.take_place(1)
    with pytest.raises(NoRoomError, match="You watch 2 cameras live already"):
        live_streams.take_place(1)

    first.leave()
    live_streams.take_place(1)


def test_there_are_eight_streams_at_once() -> None:
    places = [live_streams.take_place(user) for user in range(8)]
    with pytest.raises(NoRoomError, match="8 people watch live already"):
        live_streams.take_place(9)
    with pytest.raises(NoRoomError):
        live_streams.check_room(9)

    places[3].leave()
    live_streams.check_room(9)
    live_streams.take_place(9)


def test_a_place_is_left_once() -> None:
    first, _ = live_streams.take_place(1), live_streams.take_place(1)

    first.leave()
    first.leave()

    live_streams.take_place(1)
    with pytest.raises(NoRoomError):
        live_streams.take_place(1)


# What comes


def test_each_new_picture_comes_once(feed: Feed) -> None:
    came = live_streams.pictures(feed.pk, may_go_on=allowed)
    first = next(came)
    content = show_picture(feed, ago=0, number=5)

    assert next(came).content == content != first.content


def test_without_a_new_picture_the_last_one_is_repeated(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_streams, "REPEAT_EVERY", 0.2)
    came = live_streams.pictures(feed.pk, may_go_on=allowed)
    began, first = time.monotonic(), next(came)

    assert next(came) == first
    assert time.monotonic() - began >= 0.2


def test_the_watcher_is_told_that_somebody_looks(feed: Feed) -> None:
    assert not live_pictures.is_looked_at(feed.pk)

    next(live_streams.pictures(feed.pk, may_go_on=allowed))

    assert live_pictures.is_looked_at(feed.pk)


def test_it_ends_after_its_time(feed: Feed) -> None:
    assert len(list(live_streams.pictures(feed.pk, may_go_on=allowed, seconds=1.0))) == 1


def test_it_ends_when_somebody_may_not_go_on(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_streams, "CHECK_EVERY", 0.1)
    monkeypatch.setattr(live_streams, "REPEAT_EVERY", 60.0)
    answers = iter([True, True, False])

    came = list(live_streams.pictures(feed.pk, may_go_on=lambda: next(answers), seconds=60))

    assert len(came) == 1
    assert next(answers, None) is None


def test_it_ends_when_the_pictures_are_gone(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_streams, "CHECK_EVERY", 0.1)
    came = live_streams.pictures(feed.pk, may_go_on=allowed, seconds=5)
    next(came)

    live_pictures.remove(feed.pk)

    assert list(came) == []


def test_it_ends_when_nobody_can_tell_who_may_watch(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_streams, "CHECK_EVERY", 0.1)

    def ask() -> bool:
        msg = "gone"
        raise DatabaseError(msg)

    assert len(list(live_streams.pictures(feed.pk, may_go_on=ask, seconds=5))) == 1


@pytest.mark.django_db(transaction=True)
def test_it_holds_no_connection_to_the_database(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection

    monkeypatch.setattr(live_streams, "CHECK_EVERY", 0.1)
    monkeypatch.setattr(live_streams, "REPEAT_EVERY", 0.3)
    feed = make_feed(make_store())
    show_picture(feed)
    assert connection.connection is not None

    came = live_streams.pictures(feed.pk, may_go_on=Camera.objects.exists)
    next(came)
    assert connection.connection is None
    next(came)  # it has asked meanwhile

    assert connection.connection is None


# Signed addresses


def test_who_sees_a_camera_makes_an_address_for_it(feed: Feed, user: User) -> None:
    signed = live_streams.token(feed.camera, user)

    assert live_streams.holder(signed, feed.pk) == user


def test_nobody_makes_one_for_a_camera_that_they_do_not_see(
    feed: Feed, make_user: MakeUser, make_store: MakeStore
) -> None:
    stranger = make_user("elsewhere", roles=[Role.MANAGER], store=make_store("North"))

    with pytest.raises(Refused, match="in no store of yours"):
        live_streams.token(feed.camera, stranger)


def test_it_is_good_for_no_other_camera(feed: Feed, user: User) -> None:
    signed = live_streams.token(feed.camera, user)

    with pytest.raises(Refused):
        live_streams.holder(signed, feed.pk + 1)


@pytest.mark.parametrize("nonsense", ["", "x", "a:b:c", "\x00", "WzEsMV0:1:x"])
def test_nonsense_is_refused(feed: Feed, nonsense: str) -> None:
    with pytest.raises(Refused, match="Sign in to watch"):
        live_streams.holder(nonsense, feed.pk)


def test_it_is_good_for_five_minutes(
    feed: Feed, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = live_streams.token(feed.camera, user)
    now = time.time()

    monkeypatch.setattr(time, "time", lambda: now + 290)
    assert live_streams.holder(signed, feed.pk) == user

    monkeypatch.setattr(time, "time", lambda: now + 302)
    with pytest.raises(Refused, match="good for 5 minutes"):
        live_streams.holder(signed, feed.pk)


def test_it_ends_with_its_user(feed: Feed, user: User) -> None:
    signed = live_streams.token(feed.camera, user)

    User.objects.filter(pk=user.pk).update(is_active=False)

    with pytest.raises(Refused):
        live_streams.holder(signed, feed.pk)


def test_a_camera_that_was_removed_is_watched_by_nobody(feed: Feed, user: User) -> None:
    assert live_streams.may_watch(user, feed.pk)

    Feed.objects.all().delete()

    assert not live_streams.may_watch(user, feed.pk)


@pytest.mark.django_db(transaction=True)
def test_with_a_camera_its_pictures_go(make_store: MakeStore) -> None:
    feed = make_feed(make_store())
    show_picture(feed)

    feed.delete()

    assert live_pictures.stamp(feed.camera_id) is None


def test_the_daily_sweep_removes_what_is_left(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    from video_classifier.services import housekeeping

    live_pictures.write(feed.pk + 1, b"left", taken_at=timezone.now() - timedelta(minutes=1))
    monkeypatch.setattr(housekeeping, "_next", 0.0)

    housekeeping.tidy_if_due()

    assert live_pictures.stamp(feed.pk + 1) is None
    assert live_pictures.stamp(feed.pk) is not None
