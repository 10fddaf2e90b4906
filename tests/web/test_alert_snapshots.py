"""The picture in a message: its address is signed, and ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeClip
from tests.makers.live_cameras import make_event, make_feed
from tests.makers.receivers import JPEG
from tests.makers.told import make_alert
from video_classifier.models import Alert, LiveEvent, Store
from video_classifier.services import alert_snapshots

SITE = "https://clips.example.org"


@pytest.fixture
def address(db: None, settings: Settings) -> str:
    """Of the picture of a live event, without the site."""
    settings.SITE_URL = SITE
    store = Store.objects.get_or_create(name="Main")[0]
    name = default_storage.save("live/still.jpg", ContentFile(JPEG))
    event = make_event(make_feed(store, "Back door"), still=name)
    return alert_snapshots.address(make_alert(live_event=event)).removeprefix(SITE)


def test_whoever_has_it_sees_the_picture(stranger: Client, address: str) -> None:
    response = stranger.get(address)

    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    assert response.content == JPEG
    assert "no-store" in response["Cache-Control"]
    assert response["X-Robots-Tag"] == "noindex"


def test_it_ends_after_a_day(
    stranger: Client, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_snapshots, "GOOD_FOR", timedelta(seconds=-1))

    response = stranger.get(address)

    assert (response.status_code, response.content.decode()) == (410, alert_snapshots.EXPIRED)
    assert "no-store" in response["Cache-Control"]


def test_it_ends_when_the_clip_goes_into_the_trash(
    stranger: Client, address: str, make_clip: MakeClip
) -> None:
    LiveEvent.objects.update(clip=make_clip(trashed_at=timezone.now()))

    assert stranger.get(address).status_code == 410


@pytest.mark.parametrize("gone", [Alert, LiveEvent])
def test_it_ends_with_what_it_shows(
    stranger: Client, address: str, gone: type[Alert | LiveEvent]
) -> None:
    gone.objects.all().delete()

    assert stranger.get(address).status_code == 410


def test_another_signature_shows_nothing(stranger: Client, address: str) -> None:
    forged = address.removesuffix(".jpg")[:-1] + "-.jpg"

    assert stranger.get(forged).status_code == 404


def test_it_is_for_no_other_alert(stranger: Client, address: str) -> None:
    other = make_alert("Till")
    token = address.rpartition("/")[2]
    forged = address.replace(token.partition(":")[0], str(other.pk))

    assert stranger.get(forged).status_code == 404


def test_without_the_site_s_address_there_is_none(db: None, settings: Settings) -> None:
    settings.SITE_URL = ""

    assert alert_snapshots.address(make_alert()) == ""
