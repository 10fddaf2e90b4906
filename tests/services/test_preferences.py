"""What people choose for themselves."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory

from tests.conftest import MakeUser
from video_classifier.models import Preferences
from video_classifier.services import preferences
from video_classifier.states import StartPage


def request() -> HttpRequest:
    found = RequestFactory().post("/")
    found.session = SessionStore()
    return found


def test_without_a_choice_all_is_as_shipped(user: User) -> None:
    found = preferences.of(user)

    assert (found.start_page, found.has_keys) == (StartPage.UPLOAD, True)
    assert not Preferences.objects.exists()


def test_a_choice_holds_until_the_next(user: User) -> None:
    for page in (StartPage.HISTORY, StartPage.LIVE):
        preferences.change(request(), user, start_page=page, has_keys=False)

    found = preferences.of(user)
    assert (found.start_page, found.has_keys) == (StartPage.LIVE, False)


def test_it_is_nobody_elses(user: User, make_user: MakeUser) -> None:
    preferences.change(request(), user, start_page=StartPage.HISTORY, has_keys=False)

    assert preferences.of(make_user("grace")).has_keys


def test_the_session_knows_whether_keys_are_off(user: User) -> None:
    here = request()

    preferences.change(here, user, start_page=StartPage.UPLOAD, has_keys=False)
    assert here.session[preferences.KEYS_ARE_OFF]

    preferences.change(here, user, start_page=StartPage.UPLOAD, has_keys=True)
    assert preferences.KEYS_ARE_OFF not in here.session
