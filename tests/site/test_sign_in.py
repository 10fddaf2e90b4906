"""Guessing passwords: who is stopped, who is not, and what is written down about it."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import PASSWORD, MakeUser
from video_classifier.services.clients import client_address

PAGES = "/accounts/login/"
ADMIN = "/admin/login/?next=/admin/"
HERE = "192.0.2.1"
ELSEWHERE = "198.51.100.7"
WRONG = "wrong"


def attempt(
    client: Client,
    password: str = WRONG,
    *,
    name: str = "ada",
    page: str = PAGES,
    address: str = HERE,
    forwarded: str = "",
) -> HttpResponse:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    form = {"username": name, "password": password}
    return client.post(page, form, REMOTE_ADDR=address, headers=headers)  # type: ignore[return-value]


def guess(client: Client, times: int, **how: str) -> list[int]:
    return [attempt(client, **how).status_code for _ in range(times)]


@pytest.mark.parametrize("page", [PAGES, ADMIN])
def test_after_five_wrong_passwords_the_right_one_has_to_wait(
    stranger: Client, make_user: MakeUser, page: str
) -> None:
    make_user(is_staff=True)

    assert guess(stranger, 5, page=page) == [200] * 4 + [429]

    response = attempt(stranger, PASSWORD, page=page)
    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    assert "Wait 15 minutes and try again." in response.content.decode()
    assert "no-store" in response["Cache-Control"]


def test_one_sign_in_guards_the_other(stranger: Client, user: User) -> None:
    guess(stranger, 5, page=ADMIN)

    assert attempt(stranger, PASSWORD).status_code == 429


def test_guesses_from_elsewhere_keep_nobody_out(stranger: Client, user: User) -> None:
    guess(stranger, 9, address=ELSEWHERE)

    assert attempt(stranger, PASSWORD).status_code == 302


def test_guesses_at_one_name_do_not_keep_the_next_desk_out(
    stranger: Client, user: User, make_user: MakeUser
) -> None:
    make_user("bob")
    guess(stranger, 9, name="bob")

    assert attempt(stranger, PASSWORD).status_code == 302


def test_an_address_that_tries_many_names_is_stopped(stranger: Client, user: User) -> None:
    found = [attempt(stranger, name=f"name {number}").status_code for number in range(50)]

    assert found == [200] * 49 + [429]
    assert attempt(stranger, PASSWORD).status_code == 429
    assert attempt(stranger, PASSWORD, address=ELSEWHERE).status_code == 302


def test_an_account_buys_no_guesses_at_others(stranger: Client, user: User) -> None:
    for number in range(49):
        attempt(stranger, name=f"name {number}")
    attempt(stranger, PASSWORD)

    assert attempt(stranger, name="name 49").status_code == 429


def test_signing_in_forgets_the_typing_errors_before(stranger: Client, user: User) -> None:
    guess(stranger, 4)
    attempt(stranger, PASSWORD)

    assert guess(stranger, 4) == [200] * 4


def test_the_pause_ends_and_guesses_do_not_draw_it_out(stranger: Client, user: User) -> None:
    guess(stranger, 20)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))

    assert attempt(stranger, PASSWORD).status_code == 302


def test_what_is_refused_unheard_writes_nothing(stranger: Client, user: User) -> None:
    guess(stranger, 20)

    assert AccessAttempt.objects.get().failures_since_start == 5


@pytest.mark.parametrize("page", [PAGES, ADMIN])
def test_a_name_that_is_too_long_for_any_account_counts_like_others(
    stranger: Client, page: str
) -> None:
    """On PostgreSQL there would be no room for it."""
    assert guess(stranger, 6, name="x" * 5000, page=page)[-2:] == [429, 429]

    assert AccessAttempt.objects.get().username == "x" * 150


@pytest.mark.parametrize("key", [r"\000abcdefghij", r"\377\377abcdefgh", "x" * 5000])
@pytest.mark.django_db
def test_a_cookie_that_is_no_sessions_is_a_strangers(key: str) -> None:
    """In quotes it may hold any character, by its octal number."""
    response = Client().get("/history/", HTTP_COOKIE=f'sessionid="{key}"')

    assert response["Location"].startswith("/accounts/login/")


def test_names_that_do_not_exist_are_treated_alike(stranger: Client, user: User) -> None:
    known = [attempt(stranger) for _ in range(6)]
    unknown = [attempt(stranger, name="eve") for _ in range(6)]

    assert [each.status_code for each in known] == [each.status_code for each in unknown]
    assert b"ada" not in known[-1].content
    assert known[-1].content == unknown[-1].content


@pytest.mark.parametrize("page", [PAGES, ADMIN])
def test_no_password_is_kept_or_logged(
    stranger: Client, user: User, caplog: pytest.LogCaptureFixture, page: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        for _ in range(6):
            attempt(stranger, "hunter2", name="typed-into-the-wrong-field", page=page)
            attempt(stranger, name="x", page=f"{page}{'&' if '?' in page else '?'}password=hunter2")

    rows = str(list(AccessAttempt.objects.values()))
    assert HERE in caplog.text
    assert "hunter2" not in caplog.text + rows
    assert "typed-into-the-wrong-field" not in caplog.text


def test_administrators_see_it_and_let_somebody_in_again(
    stranger: Client, admin_client: Client, user: User
) -> None:
    guess(stranger, 6)
    row = AccessAttempt.objects.get()
    table = "/admin/axes/accessattempt/"

    assert HERE in admin_client.get(table).content.decode()
    assert admin_client.get(f"{table}{row.pk}/change/").status_code == 200
    admin_client.post(f"{table}{row.pk}/delete/", {"post": "yes"})

    assert attempt(stranger, PASSWORD).status_code == 302


def test_a_spoofed_address_is_not_believed(stranger: Client, user: User) -> None:
    found = [attempt(stranger, forwarded=f"203.0.113.{number}") for number in range(6)]

    assert found[-1].status_code == 429


def test_behind_a_proxy_those_it_speaks_for_are_told_apart(
    stranger: Client, user: User, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = 1
    for number in range(6):
        attempt(stranger, forwarded=f"203.0.113.{number}, {ELSEWHERE}")

    assert attempt(stranger, PASSWORD, forwarded=f"203.0.113.9, {ELSEWHERE}").status_code == 429
    assert attempt(stranger, PASSWORD, forwarded="192.0.2.99").status_code == 302


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "expected"),
    [
        (0, HERE, "", HERE),
        (0, HERE, "198.51.100.7", HERE),
        (1, HERE, "", HERE),
        (1, HERE, "198.51.100.7", "198.51.100.7"),
        (1, HERE, "203.0.113.5, 198.51.100.7", "198.51.100.7"),
        (2, HERE, "203.0.113.5, 198.51.100.7", "203.0.113.5"),
        (2, HERE, "198.51.100.7", HERE),
        (1, HERE, "unknown", HERE),
        (0, "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::"),
        (0, "::ffff:192.0.2.1", "", HERE),
        (0, "", "198.51.100.7", None),
    ],
)
def test_whose_address_counts(
    settings: Settings, proxies: int, peer: str, forwarded: str, expected: str | None
) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)

    assert client_address(request) == expected
