"""Who looks at footage is noted: once a page, and never for what the page loads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeStore, segment_of
from tests.databases import busy
from tests.makers.events import make_result_event
from tests.makers.live_cameras import make_feed
from video_classifier.models import Analysis, AuditEntry, Event, Feed
from video_classifier.services import (
    live_pictures,
    live_streams,
    review_items,
    review_queue,
    trash,
)
from video_classifier.states import Action, Status, Turn

pytestmark = pytest.mark.postgresql

HTMX = {"HX-Request": "true"}


@pytest.fixture
def analysis(make_analysis: MakeAnalysis) -> Analysis:
    found = make_analysis(status=Status.DONE)
    facts = {"start": 0.0, "end": 1.0, "peak": 0.5, "score": 0.9}
    Event.objects.create(analysis=found, number=1, segment=segment_of(found), **facts)
    return found


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    found = make_feed(make_store())
    live_pictures.write(found.pk, b"picture", taken_at=timezone.now())
    return found


def views() -> list[tuple[Any, ...]]:
    rows = AuditEntry.objects.filter(action=Action.VIEWED).order_by("pk")
    return list(rows.values_list("actor", "object_type", "object_id", "store", "details"))


def test_a_result_is_noted(client: Client, user: User, analysis: Analysis) -> None:
    client.get(analysis.get_absolute_url())

    store = analysis.clip.store_id
    assert views() == [(user.pk, "result", str(analysis.pk), store, {})]


def test_an_event_is_noted(client: Client, user: User, analysis: Analysis) -> None:
    client.get(f"{analysis.get_absolute_url()}events/1/")

    store = analysis.clip.store_id
    assert views() == [(user.pk, "event", str(analysis.pk), store, {"number": 1})]


def test_live_cameras_are_noted(client: Client, user: User, feed: Feed) -> None:
    store = feed.camera.store_id

    client.get("/live/")
    client.get(f"/cameras/{feed.pk}/")

    assert views() == [
        (user.pk, "wall", "", store, {}),
        (user.pk, "camera", str(feed.pk), store, {}),
    ]


def test_a_wall_without_cameras_shows_nobody(client: Client) -> None:
    client.get("/live/")

    assert views() == []


def test_a_film_by_a_signed_address_is_noted(
    stranger: Client, user: User, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_streams, "pictures", lambda *_, **__: iter(()))
    signed = live_streams.token(feed.camera, user)

    stranger.head(f"/video/{feed.pk}?token={signed}")
    stranger.get(f"/video/{feed.pk}?token={signed}").getvalue()

    store = feed.camera.store_id
    assert views() == [(user.pk, "camera", str(feed.pk), store, {"by_address": 1})]


def test_parts_of_a_page_and_its_head_are_not_noted(client: Client, analysis: Analysis) -> None:
    address = analysis.get_absolute_url()

    assert client.get(address, headers=HTMX).status_code == 200
    assert client.head(address).status_code == 200
    assert client.head(f"{address}events/1/").status_code == 200

    assert views() == []


def test_a_player_is_not_noted(client: Client, analysis: Analysis) -> None:
    for part in ("bytes=0-", "bytes=2-3"):
        client.get(f"/clips/{analysis.clip_id}/file", headers={"Range": part}).getvalue()

    assert views() == []


def test_a_file_that_is_opened_by_itself_is_noted(
    client: Client, user: User, analysis: Analysis
) -> None:
    client.get(f"/clips/{analysis.clip_id}/file").getvalue()

    key, store = str(analysis.clip_id), analysis.clip.store_id
    assert views() == [(user.pk, "clip", key, store, {})]


def test_a_download_in_parts_is_one(client: Client, analysis: Analysis) -> None:
    address = f"/clips/{analysis.clip_id}/file?download=1"
    for part in ("bytes=0-1", "bytes=2-3", "bytes=4-"):
        client.get(address, headers={"Range": part}).getvalue()

    assert AuditEntry.objects.filter(action=Action.DOWNLOADED).count() == 1
    assert views() == []


@pytest.fixture
def waiting(analysis: Analysis, settings: Settings) -> Event:
    """An event that the reviewer's desk shows."""
    settings.REVIEW_BLIND = 0.0
    Event.objects.update(waits_for=Turn.FIRST, is_current=True, store=analysis.store_id)
    return Event.objects.get()


def test_the_desk_is_noted_with_its_event_once(client: Client, user: User, waiting: Event) -> None:
    token = client.get("/review/").context["card"].item.token
    client.get("/review/", {"at": token}, headers=HTMX)  # as it does until a copy is there
    client.head("/review/")

    key, store = str(waiting.analysis_id), waiting.store_id
    assert views() == [(user.pk, "event", key, store, {"number": 1})]


def test_the_next_item_is_noted_when_a_script_fetches_it(
    client: Client, waiting: Event, make_analysis: MakeAnalysis
) -> None:
    other = make_result_event(make_analysis(status=Status.DONE))
    token = client.get("/review/").context["card"].item.token

    client.get("/review/", {"after": token}, headers=HTMX)

    assert {key for _, _, key, *_ in views()} == {str(waiting.analysis_id), str(other.analysis_id)}


def test_a_blind_look_is_noted_as_one_at_the_clip(
    client: Client, user: User, waiting: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = replace(review_items.of_event(waiting, user), is_blind=True)
    monkeypatch.setattr(review_queue, "next_one", lambda *_, **__: item)

    client.get("/review/")

    key, store = str(waiting.analysis.clip_id), waiting.store_id
    assert views() == [(user.pk, "clip", key, store, {})]


def test_what_is_not_shown_is_not_noted(client: Client, user: User, analysis: Analysis) -> None:
    trash.put(analysis.clip, by=user)

    assert client.get(analysis.get_absolute_url()).status_code == 410
    assert client.get(f"{analysis.get_absolute_url()}events/1/").status_code == 410
    assert views() == []


def test_what_nobody_may_see_is_not_noted(
    client: Client, make_store: MakeStore, analysis: Analysis
) -> None:
    Analysis.objects.update(store=make_store("North"))

    assert client.get(analysis.get_absolute_url()).status_code == 404
    assert views() == []


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_keeps_nobody_from_looking(
    client: Client, waiting: Event, caplog: pytest.LogCaptureFixture
) -> None:
    addresses = waiting.analysis.get_absolute_url(), "/review/"

    with busy(AuditEntry):
        answers = [client.get(each) for each in addresses]

    assert [each.status_code for each in answers] == [200, 200]
    assert caplog.text.count("could not be noted") == 2
    assert views() == []
