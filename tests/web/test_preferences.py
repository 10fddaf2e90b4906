"""The page of preferences, the start page, and single keys that are switched off."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD
from video_classifier.models import Preferences
from video_classifier.states import StartPage
from video_classifier.web.preferences import START_PAGES, start_address

PAGE = "/accounts/preferences/"
OFF = " data-keys-off"


def sign_in(client: Client, user: User, **sent: str) -> Any:
    form = {"username": user.username, "password": PASSWORD, **sent}
    return client.post("/accounts/login/", form)


def test_what_is_chosen_is_saved_and_shown(client: Client, user: User) -> None:
    response = client.post(PAGE, {"start_page": "history", "has_keys": "on"}, follow=True)

    html = response.content.decode()
    assert "Your preferences are saved." in html
    assert '<option value="history" selected>' in html
    assert Preferences.objects.get().start_page == StartPage.HISTORY


@pytest.mark.parametrize("sent", [{}, {"start_page": "moon"}, {"start_page": "x" * 5000}])
def test_what_is_not_offered_is_refused(client: Client, sent: dict[str, str]) -> None:
    response = client.post(PAGE, sent)

    assert response.status_code == 422
    assert "start page" in response.content.decode()
    assert not Preferences.objects.exists()


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ("upload", "/"),
        ("dashboard", "/dashboard/"),
        ("review", "/review/"),
        ("history", "/history/"),
        ("live", "/live/"),
    ],
)
def test_the_sign_in_leads_to_the_start_page(
    stranger: Client, user: User, page: str, address: str
) -> None:
    Preferences.objects.create(user=user, start_page=page)

    assert sign_in(stranger, user)["Location"] == address


def test_without_a_choice_the_sign_in_leads_to_the_upload(stranger: Client, user: User) -> None:
    assert sign_in(stranger, user)["Location"] == "/"


def test_who_came_for_a_page_gets_that_one(stranger: Client, user: User) -> None:
    Preferences.objects.create(user=user, start_page=StartPage.LIVE)

    assert sign_in(stranger, user, next="/trash/")["Location"] == "/trash/"


def test_who_just_opened_the_site_gets_their_start_page(stranger: Client, user: User) -> None:
    Preferences.objects.create(user=user, start_page=StartPage.LIVE)

    asked = stranger.get("/")["Location"]

    assert asked == "/accounts/login/?next=/"
    assert sign_in(stranger, user, next="/")["Location"] == "/live/"


@pytest.mark.parametrize("next_", ["https://example.org/", "//example.org/"])
def test_nobody_is_led_away(stranger: Client, user: User, next_: str) -> None:
    assert sign_in(stranger, user, next=next_)["Location"] == "/"


def test_a_start_page_that_is_gone_leads_to_the_upload(user: User) -> None:
    assert start_address(Preferences(user=user, start_page="moon")) == "/"


def test_each_start_page_has_an_address_and_is_offered() -> None:
    assert set(START_PAGES) == set(StartPage)
    assert all(map(reverse, START_PAGES.values()))


def test_single_keys_are_off_where_somebody_switched_them_off(client: Client, user: User) -> None:
    assert OFF not in client.get("/history/").content.decode()

    client.post(PAGE, {"start_page": "upload"})
    assert OFF in client.get("/history/").content.decode()

    client.post(PAGE, {"start_page": "upload", "has_keys": "on"})
    assert OFF not in client.get("/history/").content.decode()


def test_a_new_session_knows_it_too(stranger: Client, user: User) -> None:
    Preferences.objects.create(user=user, has_keys=False)

    sign_in(stranger, user)

    html = stranger.get("/history/").content.decode()
    assert OFF in html
    assert "Single letters, digits and signs are switched off" in html
