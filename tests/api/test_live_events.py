"""Live events by the API: what is said of one, and which are listed."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from tests.api.conftest import V1, Key, sentence
from tests.conftest import MakeStore
from tests.makers.live_cameras import make_event, make_feed
from video_classifier.models import Feed, Store
from video_classifier.states import Closing

pytestmark = pytest.mark.postgresql


@pytest.fixture
def feed(db: None) -> Feed:
    """Of a store that `user` is a member of."""
    return make_feed(Store.objects.get())


def ids(api: Key, **query: object) -> list[str]:
    return [each["id"] for each in api.json_of("/live-events", **query)["results"]]


def test_an_open_event_says_what_is_known_so_far(api: Key, feed: Feed) -> None:
    event = make_event(feed, is_open=True)

    (told,) = api.json_of("/live-events")["results"]

    assert told["id"] == str(event.pk)
    assert (told["camera"], told["store"]) == (feed.pk, feed.camera.store_id)
    assert (told["score"], told["threshold"]) == (event.score, event.threshold)
    assert (told["is_hint"], told["low_threshold"]) == (True, None)
    assert (told["closed_at"], told["closing"], told["clip"]) == (None, None, None)
    assert told["page"].endswith(f"/cameras/{feed.pk}/")
    assert told["opened_at"].endswith("Z")
    assert "never an accusation" in told["note"]


def test_a_closed_one_says_why_and_has_no_address_of_the_camera(api: Key, feed: Feed) -> None:
    make_event(feed, no_clip="The disk is full.")

    response = api.get(f"{V1}/live-events")

    (told,) = response.json()["results"]
    assert (told["closing"], told["no_clip"]) == (Closing.GONE, "The disk is full.")
    assert feed.sealed_address not in response.content.decode()


def test_they_are_filtered_and_the_latest_comes_first(api: Key, feed: Feed) -> None:
    other = make_feed(feed.camera.store, "Back door")
    first = str(make_event(feed, ago=300).pk)
    second = str(make_event(feed, ago=200, is_open=True).pk)
    third = str(make_event(other, ago=100).pk)

    assert ids(api) == [third, second, first]
    assert ids(api, camera=feed.pk) == [second, first]
    assert ids(api, open="yes") == [second]
    assert ids(api, open="no") == [third, first]
    assert ids(api, camera=other.pk, open="yes") == []


def test_pages_lead_through_all_of_them(
    api: Key, feed: Feed, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    made = [str(make_event(feed, ago=100.0 * number).pk) for number in range(1, 6)]

    with django_assert_max_num_queries(10):
        page = api.json_of("/live-events", page_size=2)
    seen = [each["id"] for each in page["results"]]
    while page["next"]:
        page = api.get(page["next"]).json()
        seen += [each["id"] for each in page["results"]]

    assert seen == made


def test_other_stores_have_theirs(api: Key, make_store: MakeStore) -> None:
    make_event(make_feed(make_store("Elsewhere")))

    assert ids(api) == []


@pytest.mark.parametrize(
    "query", ["open=perhaps", "open=", "camera=till", "camera=", "camera=-1", "camera=" + "9" * 19]
)
def test_a_filter_that_makes_no_sense_is_refused(api: Key, feed: Feed, query: str) -> None:
    response = api.get(f"{V1}/live-events?{query}")

    assert response.status_code == 400
    assert sentence(response)
