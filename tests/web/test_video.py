"""A live camera as a film."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished
from django.db import close_old_connections
from django.test import Client

from tests.conftest import PASSWORD, MakeStore, MakeUser
from tests.makers.live_cameras import faulty, make_feed, show_picture
from video_classifier.models import Feed, Membership
from video_classifier.services import live_pictures, live_streams
from video_classifier.states import Role


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(live_streams, "CHECK_EVERY", 0.1)
    monkeypatch.setattr(live_streams, "REPEAT_EVERY", 0.05)
    live_streams._taken.clear()
    yield
    live_streams._taken.clear()


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    found = make_feed(make_store())
    show_picture(found)
    return found


def watch(client: Client, feed: Feed, **query: str) -> Any:
    return client.get(f"/video/{feed.pk}", query)


def leave(response: Any) -> None:
    """As a server does that notices that the client is gone; the test keeps its connection."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def begun(response: Any) -> Iterator[bytes]:
    pieces: Iterator[bytes] = iter(response.streaming_content)
    next(pieces), next(pieces)
    return pieces


def test_it_is_a_film_of_jpegs(client: Client, feed: Feed) -> None:
    content = show_picture(feed)

    response = watch(client, feed)
    pieces = iter(response.streaming_content)

    assert response["Content-Type"] == "multipart/x-mixed-replace; boundary=picture"
    assert response["Cache-Control"] == "private, no-store"
    assert response["Accept-Ranges"] == "none"
    assert next(pieces) == b"--picture\r\n"
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    assert next(pieces) == head + content + b"\r\n--picture\r\n"
    leave(response)


def test_a_stretch_is_not_to_be_had(client: Client, feed: Feed) -> None:
    response = client.get(f"/video/{feed.pk}", headers={"Range": "bytes=0-10"})

    assert response.status_code == 200
    assert "Content-Range" not in response
    leave(response)


def test_its_head_takes_no_place(client: Client, feed: Feed) -> None:
    for _ in range(5):
        response = client.head(f"/video/{feed.pk}")
        assert response.status_code == 200
        assert response["Content-Type"].startswith("multipart/x-mixed-replace")

    assert not live_streams._taken


def test_a_third_one_is_refused_with_a_sentence_and_the_still(client: Client, feed: Feed) -> None:
    films = [watch(client, feed) for _ in range(2)]

    refused = watch(client, feed)

    assert refused.status_code == 503
    assert refused["Retry-After"] == "10"
    assert "You watch 2 cameras live already" in refused.content.decode()
    assert f"/cameras/{feed.pk}/still.jpg" in refused.content.decode()
    assert client.head(f"/video/{feed.pk}").status_code == 503
    leave(films[0])
    assert watch(client, feed).status_code == 200


def test_a_film_that_nobody_began_to_read_leaves_its_place(client: Client, feed: Feed) -> None:
    leave(watch(client, feed))
    begun(response := watch(client, feed))
    leave(response)

    assert not live_streams._taken


def test_without_a_picture_there_is_a_sentence(client: Client, feed: Feed) -> None:
    live_pictures.remove(feed.pk)

    response = watch(client, feed)

    assert response.status_code == 404
    assert "There is no picture of this camera" in response.content.decode()


def test_of_a_camera_that_is_offline_the_last_picture_stays(
    client: Client, make_store: MakeStore
) -> None:
    feed = make_feed(make_store(), **faulty())
    show_picture(feed, ago=500)

    response = watch(client, feed)

    assert response.status_code == 200
    begun(response)
    leave(response)


# Who


def test_it_ends_with_the_session(client: Client, feed: Feed) -> None:
    pieces = begun(watch(client, feed))

    client.logout()

    assert len(list(pieces)) < 20


def test_it_ends_when_the_password_is_changed(client: Client, feed: Feed, user: User) -> None:
    pieces = begun(watch(client, feed))

    user.set_password("another " + PASSWORD)
    user.save()

    assert len(list(pieces)) < 20


def test_it_ends_when_somebody_is_no_longer_of_the_store(client: Client, feed: Feed) -> None:
    pieces = begun(watch(client, feed))

    Membership.objects.all().delete()

    assert len(list(pieces)) < 20


def test_it_ends_with_the_camera(client: Client, feed: Feed) -> None:
    pieces = begun(watch(client, feed))

    feed.delete()

    assert len(list(pieces)) < 20


def test_it_goes_on_while_nothing_happens(client: Client, feed: Feed) -> None:
    response = watch(client, feed)
    pieces = begun(response)

    assert len([next(pieces) for _ in range(8)]) == 8
    leave(response)


# By a signed address


def signed(feed: Feed, user: User) -> dict[str, str]:
    return {"token": live_streams.token(feed.camera, user)}


def test_a_signed_address_needs_no_session(stranger: Client, feed: Feed, user: User) -> None:
    response = watch(stranger, feed, **signed(feed, user))

    assert response.status_code == 200
    assert "sessionid" not in response.cookies
    begun(response)
    leave(response)


def test_it_opens_no_other_camera(
    stranger: Client, feed: Feed, user: User, make_store: MakeStore
) -> None:
    other = make_feed(make_store(), "Door")
    show_picture(other)

    response = watch(stranger, other, **signed(feed, user))

    assert response.status_code == 403
    assert "good for 5 minutes" in response.content.decode()


def test_it_counts_among_the_streams_of_its_user(stranger: Client, feed: Feed, user: User) -> None:
    for _ in range(2):
        watch(stranger, feed, **signed(feed, user))

    assert watch(stranger, feed, **signed(feed, user)).status_code == 503


def test_what_it_shows_ends_when_its_user_no_longer_sees_the_camera(
    stranger: Client, feed: Feed, user: User
) -> None:
    pieces = begun(watch(stranger, feed, **signed(feed, user)))

    User.objects.filter(pk=user.pk).update(is_active=False)

    assert len(list(pieces)) < 20


def test_its_use_is_logged_and_the_token_is_not(
    stranger: Client, feed: Feed, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = signed(feed, user)

    watch(stranger, feed, **token)
    watch(stranger, feed, token=token["token"] + "x")

    assert f"camera {feed.pk} is watched by a signed address of user {user.pk}" in caplog.text
    assert token["token"] not in caplog.text


def test_a_stranger_is_sent_to_sign_in(stranger: Client, feed: Feed) -> None:
    response = watch(stranger, feed)

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_who_is_elsewhere_finds_nothing(
    feed: Feed, make_user: MakeUser, make_store: MakeStore
) -> None:
    client = Client()
    client.force_login(make_user("eve", roles=[Role.MANAGER], store=make_store("North")))

    assert watch(client, feed).status_code == 404
    assert client.get(f"/cameras/{feed.pk}/still.jpg").status_code == 404


# The still


def test_the_still_is_the_newest_picture(client: Client, feed: Feed) -> None:
    content = show_picture(feed, number=3)

    response = client.get(f"/cameras/{feed.pk}/still.jpg")

    assert response.content == content
    assert response["Content-Type"] == "image/jpeg"
    assert response["Cache-Control"] == "private, no-store"


def test_the_same_still_is_not_sent_again(client: Client, feed: Feed) -> None:
    address = f"/cameras/{feed.pk}/still.jpg"
    tag = client.get(address)["ETag"]

    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304

    show_picture(feed, ago=0)
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 200


def test_without_a_still_there_is_a_sentence(client: Client, feed: Feed) -> None:
    live_pictures.remove(feed.pk)

    response = client.get(f"/cameras/{feed.pk}/still.jpg")

    assert response.status_code == 404
    assert "Its page says how it fares." in response.content.decode()
