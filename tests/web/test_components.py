"""The catalogue: every component, with all that it can be given, and for developers alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.test import Client
from django.urls import path

from shoplift_site.urls import urlpatterns as of_the_site
from video_classifier.web import catalogue
from video_classifier.web.views.catalogue import components

urlpatterns = [*of_the_site, path("components/", components)]
VARIABLES = re.compile(r"^([a-z_]+(?:, [a-z_]+)*) - ", re.MULTILINE)


def test_without_debug_there_is_no_catalogue(client: Client) -> None:
    assert client.get("/components/").status_code == 404


@pytest.mark.parametrize(("debug", "there"), [("true", "True"), ("false", "False")])
def test_debug_decides(tmp_path: Path, debug: str, there: str) -> None:
    code = (
        "import django; django.setup(); from shoplift_site.urls import urlpatterns;"
        "print('components' in {each.name for each in urlpatterns if hasattr(each, 'name')})"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "shoplift_site.settings",
        "DEBUG": debug,
        "DATA_DIR": str(tmp_path),
    }

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        cwd=configured.BASE_DIR,
        capture_output=True,
        check=True,
        text=True,
    )

    assert done.stdout.strip() == there


@pytest.mark.urls(__name__)
def test_it_shows_each_state_in_both_themes(client: Client) -> None:
    html = client.get("/components/").content.decode()

    states = sum(len(each.examples) for each in catalogue.components())
    for theme in ("light", "dark"):
        assert html.count(f'data-bs-theme="{theme}"') == states


@pytest.mark.urls(__name__)
def test_nothing_in_it_asks_the_server_or_has_anothers_id(client: Client) -> None:
    html = client.get("/components/").content.decode()

    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    shown = html.partition("<main")[2].partition("</main>")[0]
    assert "hx-get" not in shown


def test_every_component_is_shown_and_says_what_it_is() -> None:
    shown = catalogue.components()

    assert [each.name for each in shown if not each.examples or not each.about] == []
    assert set(catalogue.STATES) == set(catalogue.names())


def test_every_variable_that_a_component_documents_is_given_to_it() -> None:
    missing = {
        component.name: absent
        for component in catalogue.components()
        if (
            absent := {
                name for found in VARIABLES.findall(component.about) for name in found.split(", ")
            }
            - {name for example in component.examples for name in example.context}
        )
    }

    assert missing == {}
