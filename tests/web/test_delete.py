"""Deleting a clip: who may, and where one is afterwards."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import MakeClip, MakeUser
from video_classifier.models import Clip


@pytest.fixture
def clip(make_clip: MakeClip, user: User) -> Clip:
    return make_clip(name="till.mp4", uploaded_by=user)


def test_asks_first(client: Client, clip: Clip) -> None:
    response = client.get(f"/clips/{clip.pk}/delete/", {"next": "/history/?page=2"})

    assert "Delete this clip?" in response.content.decode()
    assert "till.mp4" in response.content.decode()
    assert 'href="/history/?page=2"' in response.content.decode()
    assert Clip.objects.exists()


def test_the_uploader_may(client: Client, clip: Clip) -> None:
    response = client.post(f"/clips/{clip.pk}/delete/")

    assert response["Location"] == "/history/"
    assert not Clip.objects.exists()
    assert "“till.mp4” was deleted." in client.get("/history/").content.decode()


def test_staff_may(clip: Clip, make_user: MakeUser) -> None:
    boss = Client()
    boss.force_login(make_user("boss", is_staff=True))

    boss.post(f"/clips/{clip.pk}/delete/")

    assert not Clip.objects.exists()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_else_may(clip: Clip, make_user: MakeUser, method: str) -> None:
    eve = Client()
    eve.force_login(make_user("eve"))

    response = eve.generic(method, f"/clips/{clip.pk}/delete/")

    assert response.status_code == 403
    assert "Only the person who uploaded a clip" in response.content.decode()
    assert Clip.objects.exists()


def test_a_clip_whose_uploader_is_gone_is_left_to_staff(
    client: Client, make_clip: MakeClip
) -> None:
    clip = make_clip(uploaded_by=None)

    assert client.post(f"/clips/{clip.pk}/delete/").status_code == 403


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/history/?page=2", "/history/?page=2"),
        ("https://example.com/", "/history/"),
        ("//example.com/", "/history/"),
        ("javascript:alert(1)", "/history/"),
        ("\\\\example.com", "/history/"),
        ("foo", "/history/"),
    ],
)
def test_leads_back_to_this_site_only(client: Client, clip: Clip, asked: str, led: str) -> None:
    asking = client.get(f"/clips/{clip.pk}/delete/", {"next": asked}).content.decode()
    response = client.post(f"/clips/{clip.pk}/delete/", {"next": asked})

    assert f'<a class="btn btn-outline-secondary" href="{led}">' in asking
    assert response["Location"] == led
