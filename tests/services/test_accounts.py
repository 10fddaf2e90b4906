"""The first administrator's one-time password gets nobody further than to changing it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.test import Client

from tests.conftest import PASSWORD, MakeUser
from tests.databases import together
from video_classifier.models import OneTimePassword
from video_classifier.services import accounts

OWN = "my very own words"


@pytest.fixture
def one_time(db: None) -> str:
    password = accounts.create_first_admin()
    assert password is not None
    return password


@pytest.fixture
def newcomer(one_time: str, stranger: Client) -> Client:
    assert stranger.login(request=HttpRequest(), username=accounts.FIRST_ADMIN, password=one_time)
    return stranger


def change_password(client: Client, old: str, new: str) -> int:
    answers = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post("/accounts/password/", answers).status_code


@pytest.mark.django_db
def test_the_first_start_makes_an_administrator() -> None:
    password = accounts.create_first_admin()

    admin = User.objects.get()
    assert admin.is_superuser
    assert password is not None
    assert admin.check_password(password)


@pytest.mark.django_db(transaction=True)
def test_of_servers_that_start_together_one_makes_an_administrator() -> None:
    passwords = together(accounts.create_first_admin, times=3)

    assert [each is None for each in passwords].count(False) == 1
    assert User.objects.count() == OneTimePassword.objects.count() == 1


def test_later_starts_make_nobody(make_user: MakeUser) -> None:
    make_user()

    assert accounts.create_first_admin() is None
    assert User.objects.count() == 1


@pytest.mark.parametrize("path", ["/", "/history/", "/admin/", "/nowhere/"])
def test_a_newcomer_is_sent_to_change_the_password(newcomer: Client, path: str) -> None:
    response = newcomer.get(path)

    assert response.status_code == 302
    assert response["Location"] == "/accounts/password/"


def test_a_newcomer_can_change_the_password_or_leave(newcomer: Client) -> None:
    assert newcomer.get("/accounts/password/").status_code == 200
    assert newcomer.post("/accounts/logout/").status_code == 302


def test_the_change_opens_the_site(newcomer: Client, one_time: str) -> None:
    assert change_password(newcomer, one_time, OWN) == 302

    assert not OneTimePassword.objects.exists()
    assert newcomer.get("/history/").status_code == 200


def test_the_one_time_password_is_no_new_password(newcomer: Client, one_time: str) -> None:
    assert change_password(newcomer, one_time, one_time) == 200

    assert OneTimePassword.objects.exists()


def test_a_password_set_by_the_command_line_counts_too(newcomer: Client) -> None:
    admin = User.objects.get()
    admin.set_password(OWN)
    admin.save()

    assert not OneTimePassword.objects.exists()


def test_somebody_with_a_password_of_their_own_is_let_in(
    one_time: str, make_user: MakeUser, stranger: Client
) -> None:
    make_user("ada")
    stranger.login(request=HttpRequest(), username="ada", password=PASSWORD)

    assert stranger.get("/history/").status_code == 200


def test_the_validator_says_what_is_wrong(one_time: str) -> None:
    with pytest.raises(ValidationError, match="one-time password"):
        validate_password(one_time, User.objects.get())
