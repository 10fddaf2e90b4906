"""The wall of live cameras."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.makers.live_cameras import faulty, make_event, make_feed, show_picture
from video_classifier.models import Feed, FeedHour
from video_classifier.services import accounts, trash
from video_classifier.states import Fault, FeedState, Role, Status


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    found = make_feed(make_store())
    show_picture(found)
    return found


def wall(client: Client, *, seen: str = "", **headers: str) -> str:
    return client.get("/live/", {"seen": seen} if seen else {}, headers=headers).content.decode()


def part(client: Client, seen: str = "") -> str:
    return wall(client, seen=seen, **{"HX-Request": "true"})


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_a_camera_is_shown_with_picture_state_stride_and_health(client: Client, feed: Feed) -> None:
    FeedHour.objects.create(
        camera=feed.camera, start=timezone.now() - timedelta(hours=2), seconds_online=3600.0
    )

    html = wall(client)

    assert f'src="/cameras/{feed.pk}/still.jpg"' in html
    assert 'alt="Camera picture: Till 2, Main"' in html
    assert f'href="/cameras/{feed.pk}/"' in html
    assert "Live Looks every 2.0 s" in words(html)
    assert "No hint yet" in html
    assert "1 h online in the last 24 h" in html
    assert "1 camera: 1 live" in html


@pytest.mark.parametrize(
    ("fields", "label", "sentence"),
    [
        (faulty(), "Offline", "pictures stopped"),
        (faulty(Fault.DISK), "Keeps no clips", "disk is nearly full"),
        (faulty(Fault.MODEL), "Not scored", "be used just now. Choose another one"),
        ({"state": FeedState.CONNECTING}, "Connecting", "The site is connecting"),
        ({"state": FeedState.OFF, "is_enabled": False}, "Off", "It is not watched."),
        (
            {"heartbeat_at": timezone.now() - timedelta(hours=1)},
            "Not watched",
            "has not reported since",
        ),
    ],
)
def test_a_camera_that_is_not_live_says_why_and_from_when_its_picture_is(
    client: Client, make_store: MakeStore, fields: dict[str, Any], label: str, sentence: str
) -> None:
    show_picture(make_feed(make_store(), **fields), ago=300)

    html = wall(client)

    assert f"</svg> {label}</span>" in html
    assert sentence in html
    assert "Last picture: " in html
    assert "data-old" in html
    assert "> Live</span>" not in html


def test_an_old_picture_is_not_called_live(client: Client, make_store: MakeStore) -> None:
    """Whatever the row says: somebody who looks takes what is shown for what is."""
    show_picture(make_feed(make_store()), ago=45)

    html = wall(client)

    assert "No new pictures" in html
    assert "data-old" in html
    assert "</svg> Live</span>" not in html


def test_while_load_makes_the_stride_long_pictures_may_be_older(
    client: Client, make_store: MakeStore
) -> None:
    show_picture(make_feed(make_store(), stride=12.0), ago=30)

    html = wall(client)

    assert "</svg> Live</span>" in html
    assert "Looks every 12.0 s instead of 2 s: the server is busy" in html


def test_a_camera_without_a_picture_says_so(client: Client, make_store: MakeStore) -> None:
    make_feed(make_store())

    html = wall(client)

    assert "No picture" in html
    assert "<img" not in html


def test_an_open_event_stands_at_the_top_and_is_announced(client: Client, feed: Feed) -> None:
    make_event(feed, is_open=True)

    html = wall(client)

    announced = re.search(r'data-announce="([^"]*)"', html)
    assert announced is not None
    assert announced[1].startswith("Possible shoplifting at Till 2 since ")
    assert "Look before you act on it." in html
    assert html.count("Possible shoplifting") >= 3


def test_an_event_that_goes_on_is_shown_also_after_one_that_ended(
    client: Client, feed: Feed
) -> None:
    make_event(feed, ago=50, is_open=True)
    make_event(feed, ago=30)

    assert "data-hint" in wall(client)


def test_the_last_hint_leads_to_its_result(
    client: Client, feed: Feed, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> None:
    clip = make_clip(camera=feed.camera)
    analysis = make_analysis(clip=clip, status=Status.DONE)
    make_event(feed, clip=clip)

    assert f'href="{analysis.get_absolute_url()}"' in wall(client)


def test_a_result_in_the_trash_is_not_led_to(
    client: Client, feed: Feed, make_clip: MakeClip, make_analysis: MakeAnalysis, user: User
) -> None:
    clip = make_clip(camera=feed.camera)
    analysis = make_analysis(clip=clip, status=Status.DONE)
    make_event(feed, clip=clip)

    trash.put(clip, by=user)

    html = wall(client)
    assert "Last hint: " in html
    assert analysis.get_absolute_url() not in html


def test_times_are_those_of_the_store(client: Client, make_store: MakeStore, user: User) -> None:
    store = make_store("Tokyo", time_zone="Asia/Tokyo")
    accounts.join(user, store, Role.REVIEWER)
    make_event(make_feed(store))

    assert re.search(r"\d\d:\d\d:\d\d JST", wall(client))


def test_cameras_of_several_stores_stand_below_their_names(
    client: Client, feed: Feed, make_store: MakeStore, user: User
) -> None:
    north = make_store("North")
    accounts.join(user, north, Role.REVIEWER)
    make_feed(north, "Door")

    html = wall(client)

    assert re.findall(r"<h2[^>]*>(Main|North)</h2>", html) == ["Main", "North"]


def test_cameras_of_other_stores_are_not_there(
    client: Client, feed: Feed, make_store: MakeStore
) -> None:
    make_feed(make_store("North"), "Secret door")

    assert "Secret door" not in wall(client)


def test_nothing_shows_an_address_of_a_camera(client: Client, feed: Feed) -> None:
    for address in ("/live/", f"/cameras/{feed.pk}/"):
        assert "sealed-secret" not in client.get(address).content.decode()


# What asks for itself


def mark(html: str) -> str:
    found = re.search(r"/live/\?seen=(\w+)", html)
    assert found is not None
    return found[1]


def test_nothing_comes_while_nothing_changes(client: Client, feed: Feed) -> None:
    seen = mark(wall(client))

    response = client.get("/live/", {"seen": seen}, headers={"HX-Request": "true"})

    assert response.status_code == 204
    assert "HX-Request" in response["Vary"]


def test_what_changed_comes_without_the_page(client: Client, feed: Feed) -> None:
    seen = mark(wall(client))
    Feed.objects.update(state=FeedState.CONNECTING)

    html = part(client, seen)

    assert "Connecting" in html
    assert "<html" not in html
    assert mark(html) != seen


def test_a_new_picture_is_no_change_of_the_words(client: Client, feed: Feed) -> None:
    """Pictures are renewed by themselves."""
    seen = mark(part(client))

    show_picture(feed, ago=0, number=5)

    assert part(client, seen) == ""


def test_so_many_queries_however_many_cameras(
    client: Client,
    make_store: MakeStore,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(12):
        made = make_feed(make_store(), f"Till {number}")
        make_event(made)
        show_picture(made)

    # Session, user, cameras, events, hours, memberships.
    with django_assert_num_queries(6):
        part(client)


# Without cameras, and the way there


def test_without_cameras_somebody_reads_what_to_do(
    make_user: MakeUser, make_store: MakeStore
) -> None:
    client = Client()

    client.force_login(make_user("reviewer", roles=[Role.REVIEWER]))
    assert "Ask a manager of your store to add its cameras" in wall(client)

    client.force_login(make_user("manager", roles=[Role.MANAGER]))
    assert "Add the address of a camera" in wall(client)

    client.force_login(make_user("newcomer", roles=[]))
    assert "Ask an administrator to make you a member" in wall(client)


def test_the_way_there_is_shown_where_a_camera_is_watched(
    client: Client, make_store: MakeStore
) -> None:
    def is_shown() -> bool:
        return 'href="/live/"' in client.get("/history/").content.decode()

    assert not is_shown()

    make_feed(make_store("North"))
    off = make_feed(make_store(), is_enabled=False)
    assert not is_shown()

    Feed.objects.filter(pk=off.pk).update(is_enabled=True)
    assert is_shown()
