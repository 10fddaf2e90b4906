"""The page of a live camera."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeAnalysis, MakeClip, MakeStore
from tests.makers.live_cameras import faulty, make_event, make_feed, show_picture
from tests.makers.scored_hours import make_hour
from video_classifier.models import Camera, Feed, FeedHour
from video_classifier.services import trash
from video_classifier.services.live_events import ON_ITS_WAY
from video_classifier.states import Status

pytestmark = pytest.mark.postgresql


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    found = make_feed(make_store())
    show_picture(found)
    return found


def page(client: Client, feed: Feed, **query: str) -> str:
    return client.get(f"/cameras/{feed.pk}/", query).content.decode()


def part(client: Client, feed: Feed, *, target: str = "camera-state", **query: str) -> str:
    headers = {"HX-Request": "true", "HX-Target": target}
    return client.get(f"/cameras/{feed.pk}/", query, headers=headers).content.decode()


def image(html: str) -> str:
    found = re.search(r"<img class=\"live-picture__image\"[^>]*>", html)
    assert found is not None
    return found[0]


def test_a_live_camera_is_a_film_that_can_be_paused(client: Client, feed: Feed) -> None:
    html = page(client, feed)

    assert f'src="/video/{feed.pk}"' in image(html)
    assert 'alt="Camera picture: Till 2, Main"' in image(html)
    assert "data-hold" in html
    assert '<a href="?still">Pause: show the still</a>' in html


def test_without_scripts_it_is_paused_by_a_link(client: Client, feed: Feed) -> None:
    html = page(client, feed, still="")

    assert f'src="/cameras/{feed.pk}/still.jpg"' in image(html)
    assert "Play live" in html


def test_of_a_camera_that_is_offline_the_last_picture_stands_still(
    client: Client, make_store: MakeStore
) -> None:
    feed = make_feed(make_store(), **faulty())
    show_picture(feed, ago=400)

    html = page(client, feed)

    assert "still.jpg" in image(html)
    assert "Last picture: " in html
    assert 'data-is-live="no"' in html
    assert "pictures stopped" in html


def test_it_says_what_it_scores_and_what_comes_in(client: Client, feed: Feed) -> None:
    html = page(client, feed)

    assert "Looks every 2.0 s" in html
    assert "10 pictures a second, 640 x 360, H264" in html
    assert "i3d_person" in html


def test_an_open_event_is_announced_politely(client: Client, feed: Feed) -> None:
    make_event(feed, is_open=True)

    html = page(client, feed)

    assert 'data-announce="Possible shoplifting at Till 2 since ' in html
    assert '<p class="visually-hidden" role="status" data-announcer></p>' in html
    assert "This is only a hint: look before you act on it." in html


def test_a_new_camera_only_measures_and_says_so(client: Client, feed: Feed) -> None:
    assert "This camera only measures" in page(client, feed)

    Feed.objects.update(alerts=True)

    assert "This camera only measures" not in page(client, feed)


def test_what_moves_comes_without_the_page_and_only_if_it_changed(
    client: Client, feed: Feed
) -> None:
    seen = re.search(r"\?seen=(\w+)", page(client, feed))
    assert seen is not None
    assert part(client, feed, seen=seen[1]) == ""

    make_event(feed, is_open=True)

    html = part(client, feed, seen=seen[1])
    assert html.lstrip().startswith('<section id="camera-state"')
    assert "Possible shoplifting" in html


# Hints


def test_hints_are_listed_with_what_became_of_them(
    client: Client,
    feed: Feed,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    user: User,
) -> None:
    kept, trashed = (make_clip(name=f"{name}.mp4", camera=feed.camera) for name in ("one", "two"))
    results = [make_analysis(clip=clip, status=Status.DONE) for clip in (kept, trashed)]
    make_event(feed, ago=500, clip=kept)
    make_event(feed, ago=400, clip=trashed)
    make_event(feed, ago=300, no_clip="The disk was full.")
    make_event(feed, ago=200)
    make_event(feed, ago=100, is_open=True)
    trash.put(trashed, by=user)

    html = part(client, feed, target="events")

    assert results[0].get_absolute_url() in html
    assert results[1].get_absolute_url() not in html
    remarks = (
        "It goes on",
        "Its clip was deleted",
        "The disk was full",
        "Its clip is in the trash",
    )
    assert sorted(map(html.index, remarks)) == [html.index(each) for each in remarks]


def test_after_an_hour_a_clip_that_is_on_its_way_is_unusual(client: Client, feed: Feed) -> None:
    make_event(feed, ago=3000, no_clip=ON_ITS_WAY)
    assert "is on its way" in part(client, feed, target="events")
    assert "tell your administrator" not in part(client, feed, target="events")

    make_event(feed, ago=9000, no_clip=ON_ITS_WAY)

    assert part(client, feed, target="events").count("tell your administrator") == 1


def test_hints_come_by_the_page(client: Client, feed: Feed) -> None:
    for number in range(12):
        make_event(feed, ago=100 * (number + 1))

    first = part(client, feed, target="events")
    older = re.search(r"\?after=([\w-]+)", first)
    assert older is not None
    second = part(client, feed, target="events", after=older[1])

    assert first.count("live-event__remark") == 10
    assert second.count("live-event__remark") == 2
    assert "Previous" in second


def test_hints_of_another_camera_are_not_among_them(
    client: Client, feed: Feed, make_store: MakeStore
) -> None:
    make_event(make_feed(make_store(), "Door"))

    assert "None yet." in part(client, feed, target="events")


# Health


def test_health_is_drawn_and_told(client: Client, feed: Feed) -> None:
    for ago in range(1, 48):
        FeedHour.objects.create(
            camera=feed.camera,
            start=timezone.now() - timedelta(hours=ago),
            seconds_online=3000.0,
            seconds_faulty={"stalled": 600.0},
            reconnects=1,
        )

    html = page(client, feed)

    drawing = html[html.index('<svg class="health__drawing"') : html.index("Health as a table")]
    assert drawing.count("<title>") == 30
    assert 'role="img"' in drawing
    assert "83.3 % of that time there were pictures" in html
    assert html.count("The pictures stopped") > 2
    assert '<th scope="row"' in html


def test_a_camera_that_was_never_watched_has_no_drawing(client: Client, feed: Feed) -> None:
    html = page(client, feed)

    assert "In the last 30 days it was not watched." in html
    assert "health__drawing" not in html


# Who


def test_a_camera_that_is_not_live_has_no_such_page(client: Client, make_store: MakeStore) -> None:
    camera = Camera.objects.create(store=make_store(), name="Door")

    assert client.get(f"/cameras/{camera.pk}/").status_code == 404


def test_until_it_is_measured_it_says_whose_promise_it_is(client: Client, feed: Feed) -> None:
    html = page(client, feed)

    assert "the promise is the model" in html
    assert "How many false hints there are is not known yet." in html
    assert f'href="/cameras/{feed.pk}/measure/"' in html


def test_false_hints_a_day_are_on_its_page(client: Client, feed: Feed) -> None:
    make_hour(feed.camera, timezone.now() - timedelta(days=1))

    assert "0 in 0.042 days: fewer than 88.5 a day (95 %)" in page(client, feed)


def test_so_many_queries_however_many_hints(
    client: Client, feed: Feed, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        make_event(feed, ago=100 * (number + 1))

    # Session, user, camera, its last event, its hours; events: keys, rows; hours of 30 days,
    # what they manage, alerts that failed, whether any camera is watched. The measure: which
    # version is in use, whose scores count, and what holds.
    with django_assert_num_queries(17):
        page(client, feed)
    with django_assert_num_queries(5):
        part(client, feed)


def test_an_address_for_some_minutes_shows_the_camera_to_whoever_has_it(
    client: Client, feed: Feed
) -> None:
    html = client.get(f"/cameras/{feed.pk}/link/").content.decode()
    (address,) = re.findall(r'value="http://testserver(/video/[^"]+)" readonly', html)

    answer = Client().get(unescape(address))

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("multipart/x-mixed-replace")
    answer.close()
    assert Client().get(f"/cameras/{feed.pk}/link/").status_code == 302
