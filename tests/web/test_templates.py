"""The house rules of templates, held."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.template import TemplateSyntaxError
from django.template.loader import get_template, render_to_string
from django.test import Client

from tests.conftest import PASSWORD
from video_classifier.services import accounts

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
COMMENT = re.compile(r"{#.*?#}|{%\s*comment\s*%}.*?{%\s*endcomment\s*%}", re.DOTALL)
TAG = re.compile(r"<[^>]*>|{%.*?%}|{{.*?}}", re.DOTALL)


def named(path: Path) -> str:
    return path.relative_to(settings.BASE_DIR).as_posix()


def markup(path: Path) -> str:
    """The template without its comments."""
    return COMMENT.sub("", path.read_text())


def test_each_template_compiles() -> None:
    offenders = {}
    for path in TEMPLATES:
        try:
            get_template(path.relative_to(settings.BASE_DIR / "templates").as_posix())
        except TemplateSyntaxError as error:
            offenders[named(path)] = str(error)

    assert offenders == {}


def test_nothing_inline_that_the_content_security_policy_forbids() -> None:
    inline = re.compile(
        r"\sstyle=|\son\w+=|hx-on|<style|javascript:|<script(?![^>]*\ssrc=)",
    )

    offenders = [named(path) for path in TEMPLATES if inline.search(markup(path))]

    assert offenders == []


def test_nobody_is_accused() -> None:
    accusation = re.compile(
        r"\b(thief|thieves|theft|steal\w*|shoplifters?|suspects?|criminals?)\b", re.IGNORECASE
    )

    offenders = [named(path) for path in TEMPLATES if accusation.search(TAG.sub(" ", markup(path)))]

    assert offenders == []


def test_each_component_opens_with_what_it_is() -> None:
    components = [path for path in TEMPLATES if path.parent.name == "components"]

    assert components
    assert [named(path) for path in components if not COMMENT.match(path.read_text())] == []


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_an_error_page_needs_no_request(name: str) -> None:
    assert 'href="/"' in render_to_string(f"{name}.html")


def test_a_refusal_without_a_reason_speaks_of_nothing_particular() -> None:
    assert "clip" not in render_to_string("403.html").partition("<main")[2].partition("</main>")[0]


def test_what_is_not_there_has_a_page_in_the_sites_look(client: Client) -> None:
    response = client.get("/nothing/here/")

    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()
    assert "site-header" in response.content.decode()


def test_signing_in_and_out(stranger: Client, user: User) -> None:
    assert "Sign in" in stranger.get("/accounts/login/").content.decode()
    form = {"username": user.username, "password": PASSWORD, "next": "/history/"}
    assert stranger.post("/accounts/login/", form)["Location"] == "/history/"
    page = stranger.get("/history/").content.decode()
    assert '<form method="post" action="/accounts/logout/">' in page
    assert page.count("csrfmiddlewaretoken") >= 1
    assert stranger.post("/accounts/logout/")["Location"] == "/accounts/login/"


def test_who_has_a_one_time_password_is_told_to_choose_another(stranger: Client) -> None:
    password = accounts.create_first_admin()
    form = {"username": accounts.FIRST_ADMIN, "password": password}

    page = stranger.post("/accounts/login/", form, follow=True).content.decode()

    assert "Choose your own to go on." in page


def test_the_notice_is_for_one_time_passwords_only(client: Client) -> None:
    assert "for the first time only" not in client.get("/accounts/password/").content.decode()


def test_only_who_administers_something_sees_the_way_there(client: Client, user: User) -> None:
    def sees() -> bool:
        return 'href="/admin/"' in client.get("/").content.decode()

    assert not sees()

    User.objects.filter(pk=user.pk).update(is_staff=True)
    assert not sees()

    user.user_permissions.add(Permission.objects.get(codename="view_clip"))
    assert sees()

    user.user_permissions.clear()
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    assert sees()


def test_what_is_wrong_with_a_new_password_stands_at_its_field(client: Client) -> None:
    form = {"old_password": PASSWORD, "new_password1": "12345", "new_password2": "12345"}

    html = client.post("/accounts/password/", form).content.decode()

    field, repeated = html.index('name="new_password1"'), html.index('name="new_password2"')
    assert field < html.index("This password is too short") < repeated
    assert re.search(r'name="new_password1"[^>]*aria-invalid="true"', html)
    assert not re.search(r'name="new_password2"[^>]*aria-invalid="true"', html)


def test_who_has_forgotten_a_password_reads_what_to_do(stranger: Client) -> None:
    html = stranger.get("/accounts/login/").content.decode()

    assert "Ask an administrator" in html
    assert "shortcuts" not in html
