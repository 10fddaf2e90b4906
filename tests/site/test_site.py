"""What holds for every address: who comes in, and which headers go out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from tests import databases
from tests.conftest import PASSWORD, MakeUser

# A signed address of a video or a snapshot will do; who has forgotten a password can't sign in.
OPEN = {"login", "healthz", "readyz", "metrics", "video", "alert-snapshot"}
OPEN |= {f"password_reset{end}" for end in ("", "_done", "_confirm", "_complete")}


def names_of(resolver: URLResolver) -> list[URLPattern]:
    found: list[URLPattern] = []
    for entry in resolver.url_patterns:
        found += names_of(entry) if isinstance(entry, URLResolver) else [entry]
    return found


@pytest.mark.parametrize("path", ["/", "/history/", "/history.csv", "/accounts/password/"])
def test_a_stranger_is_sent_to_sign_in(stranger: Client, path: str) -> None:
    response = stranger.get(path)

    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={path}"


def test_only_signing_in_and_the_health_check_are_open() -> None:
    own = ("admin", "video_classifier.api.")  # they ask by themselves: tests/web/test_access.py
    names = names_of(get_resolver())
    site = [each for each in names if not any(one in each.lookup_str for one in own)]

    opened = {each.name for each in site if not getattr(each.callback, "login_required", True)}

    assert opened == OPEN


def test_signing_in_and_out(stranger: Client, user: User) -> None:
    answers = {"username": user.username, "password": PASSWORD}

    assert stranger.post("/accounts/login/", answers)["Location"] == "/"
    assert stranger.get("/history/").status_code == 200
    assert stranger.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert stranger.get("/history/").status_code == 302


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/nowhere/", "/healthz"])
def test_every_answer_allows_only_our_own(client: Client, path: str) -> None:
    response = client.get(path)

    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert "same-origin" in response["Referrer-Policy"]


def test_no_cache_keeps_a_page(make_user: MakeUser) -> None:
    """Of all that have no key in their address, and of one that isn't there."""
    client = Client()
    client.force_login(make_user("root", is_superuser=True, is_staff=True))
    found = {"/nowhere/", *(f"/{path}" for path in paths_of(get_resolver()))}

    shown, cached = 0, {}
    for path in found:
        page: HttpResponse = client.get(path)  # type: ignore[assignment]
        page.getvalue()  # to the end, where a file is closed
        shown += page.status_code == 200
        cached[path] = page["Cache-Control"]

    assert {path: told for path, told in cached.items() if "no-store" not in told} == {}
    assert shown > 50


def paths_of(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """Those without anything to fill in."""
    for entry in resolver.url_patterns:
        path = f"{before}{entry.pattern}".replace("^", "")
        if isinstance(entry, URLResolver):
            yield from paths_of(entry, path)
        elif re.fullmatch(r"[\w/.-]*", path):
            yield path


def test_a_form_without_its_token_is_refused(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)

    assert client.post("/").status_code == 403


def test_a_page_of_another_site_sends_no_cookie_along(stranger: Client, user: User) -> None:
    stranger.get("/accounts/login/")
    stranger.post("/accounts/login/", {"username": user.username, "password": PASSWORD})

    for name in ("sessionid", "csrftoken"):
        assert stranger.cookies[name]["samesite"] == "Lax", name


def test_a_stranger_is_turned_away_before_the_body_is_read() -> None:
    order = [name.rpartition(".")[2] for name in configured.MIDDLEWARE]

    assert order.index("LoginRequiredMiddleware") < order.index("CsrfViewMiddleware")


def test_static_files_need_no_preparation(stranger: Client) -> None:
    response = stranger.get("/static/admin/css/base.css")

    assert response.status_code == 200
    assert b"body" in response.getvalue()
    assert "Access-Control-Allow-Origin" not in response
    response.close()


def test_healthy_means_that_the_database_answers(stranger: Client) -> None:
    response = stranger.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok")


def test_without_a_database_it_is_not_healthy(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        msg = "disk gone"
        raise DatabaseError(msg)

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", refuse)
        response = stranger.get("/healthz")

    assert response.status_code == 503


@pytest.mark.django_db
def test_the_database_writes_ahead_and_nobody_waits_for_ever() -> None:
    vendors: dict[str, tuple[str, dict[str, object]]] = {
        "sqlite": ("PRAGMA", {"journal_mode": "wal", "synchronous": 1, "busy_timeout": 100}),
        "postgresql": ("SHOW", {"lock_timeout": "20s"}),
    }
    show, wanted = vendors[connection.vendor]

    assert {name: databases.value(f"{show} {name}") for name in wanted} == wanted
    assert getattr(connection, "patience", 20.0) == 20.0  # outside of SQLite


def test_with_https_pages_lead_there_and_supervisors_need_not_follow(
    stranger: Client, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert stranger.get("/accounts/login/")["Location"] == "https://testserver/accounts/login/"
    assert stranger.get("/healthz").status_code == 200
