"""The one file that all styles come in."""

from __future__ import annotations

import re

import pytest
from django.conf import settings as configured
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django import Settings

from video_classifier.web import stylesheet

CSS = configured.BASE_DIR / "static" / "css"


def linked(client: Client) -> str:
    html = client.get("/accounts/login/").content.decode()
    found = re.search(r'<link rel="stylesheet" href="(/styles-[0-9a-f]+\.css)">', html)
    assert found is not None
    return found[1]


def test_it_has_every_file_but_the_administrations(stranger: Client) -> None:
    styles = stranger.get(linked(stranger)).content.decode()

    files = [file for file in CSS.rglob("*.css") if file.name != "admin.css"]
    assert [file.name for file in files if file.read_text() not in styles] == []
    assert len(styles) == sum(len(file.read_text()) + 1 for file in files) - 1


def test_what_is_more_particular_comes_later(stranger: Client) -> None:
    styles = stranger.get(linked(stranger)).content.decode()

    places = [
        styles.index((CSS / name).read_text())
        for name in ("tokens.css", "base.css", "elements/card.css", "pages/upload/form.css")
    ]
    assert places == sorted(places)


def test_a_browser_keeps_it_until_it_changes(stranger: Client) -> None:
    response = stranger.get(linked(stranger))

    assert response["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in response["Cache-Control"]
    assert "private" not in response["Cache-Control"]


def test_other_styles_have_another_address(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    before = stylesheet.address()

    monkeypatch.setattr(stylesheet, "ORDER", stylesheet.ORDER[:-1])

    assert stylesheet.address() != before


def test_an_error_page_has_its_looks_without_a_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = linked(client)

    def refuse() -> None:
        msg = "disk gone"
        raise DatabaseError(msg)

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", refuse)
        response = client.get(address)

    assert response.status_code == 200


def test_nothing_else_has_such_an_address(stranger: Client) -> None:
    assert stranger.get("/styles-000000000000.css").status_code in {302, 404}
    assert stranger.post(linked(stranger)).status_code in {302, 403, 404}
