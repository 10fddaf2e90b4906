"""Deleting a clip: who may, and where one is afterwards."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import MakeAnalysis, MakeClip, MakeUser, make_deleter
from video_classifier.models import Case, Clip
from video_classifier.services import cases
from video_classifier.states import Status


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
    assert not Clip.objects.kept().exists()
    assert "“till.mp4” was moved to the trash." in client.get("/history/").content.decode()


def test_who_has_the_permission_may(clip: Clip, make_user: MakeUser) -> None:
    boss = Client()
    boss.force_login(make_deleter(make_user))

    boss.post(f"/clips/{clip.pk}/delete/")

    assert not Clip.objects.kept().exists()


def test_being_staff_does_not_suffice(clip: Clip, make_user: MakeUser) -> None:
    staff = Client()
    staff.force_login(make_user("staffy", is_staff=True))

    response = staff.post(f"/clips/{clip.pk}/delete/")

    assert response.status_code == 403
    assert Clip.objects.kept().exists()


def test_one_click_undoes_it(client: Client, clip: Clip) -> None:
    client.post(f"/clips/{clip.pk}/delete/", {"next": "/history/?page=2"})
    html = client.get("/history/?page=2").content.decode()

    assert f'action="/clips/{clip.pk}/restore/"' in html
    assert '<input type="hidden" name="next" value="/history/?page=2">' in html
    response = client.post(f"/clips/{clip.pk}/restore/", {"next": "/history/?page=2"})
    assert response["Location"] == "/history/?page=2"
    assert Clip.objects.kept().get() == clip


def test_a_result_leads_back_to_the_history_as_it_was_filtered(
    client: Client, clip: Clip, make_analysis: MakeAnalysis
) -> None:
    page = make_analysis(clip=clip, status=Status.DONE).get_absolute_url()
    before = {"Referer": "http://testserver/history/?status=done&page=2"}

    html = client.get(page, headers=before).content.decode()

    assert f"/clips/{clip.pk}/delete/?next=%2Fhistory%2F%3Fstatus%3Ddone%26page%3D2" in html


@pytest.mark.parametrize(
    "before", ["", "http://testserver/", "http://example.com/history/?page=2", "http://[x"]
)
def test_a_result_that_something_else_led_to_does_not(
    client: Client, clip: Clip, make_analysis: MakeAnalysis, before: str
) -> None:
    page = make_analysis(clip=clip, status=Status.DONE).get_absolute_url()

    html = client.get(page, headers={"Referer": before}).content.decode()

    assert f'/clips/{clip.pk}/delete/?next="' in html


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_else_may(clip: Clip, make_user: MakeUser, method: str) -> None:
    eve = Client()
    eve.force_login(make_user("eve"))

    response = eve.generic(method, f"/clips/{clip.pk}/delete/")

    assert response.status_code == 403
    assert "Only the analyst who uploaded a clip" in response.content.decode()
    assert Clip.objects.exists()


def test_a_clip_whose_uploader_is_gone_is_left_to_administrators(
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


def test_what_is_in_a_case_stays(client: Client, clip: Clip, user: User) -> None:
    case = Case.objects.create(store=clip.store, name="Perfume shelf")
    cases.add_clip(case, clip, by=user)

    html = client.post(f"/clips/{clip.pk}/delete/", follow=True).content.decode()

    assert "“till.mp4” can&#x27;t be moved to the trash" in html
    assert "“Perfume shelf”" in html
    assert Clip.objects.kept().exists()
